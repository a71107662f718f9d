//! Lists that are answered a page at a time: `?limit=` and `?cursor=`.

use std::str::FromStr;

use crate::params::Query;
use crate::problem::Problem;

/// Items of a page that names no number, and the most that it may name.
const LIMIT: usize = 100;
const LIMIT_MAX: usize = 1000;

/// Where a page begins, and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted<T> {
    /// After this one; 0: from the start.
    pub(crate) after: T,
    /// At most so many.
    pub(crate) limit: usize,
}

impl<T: FromStr + Default> Wanted<T> {
    /// What the query asks for.
    ///
    /// # Errors
    ///
    /// 400 that names the parameter and what is allowed.
    pub(crate) fn read(query: &Query) -> Result<Wanted<T>, Problem> {
        let after = match query.one("cursor")? {
            None => T::default(),
            Some(text) => text.parse().map_err(|_| {
                Query::invalid("cursor", text, "the next_cursor of the page before is allowed")
            })?,
        };
        let limit = match query.one("limit")? {
            None => LIMIT,
            Some(text) => {
                let limit = text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
                limit.ok_or_else(|| {
                    let allowed = format!("a whole number from 1 to {LIMIT_MAX} is allowed");
                    Query::invalid("limit", text, &allowed)
                })?
            }
        };
        Ok(Wanted { after, limit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Wanted<u32>, Problem> {
        Wanted::read(&Query::parse(Some(query)))
    }

    #[test]
    fn pages_are_read() {
        assert_eq!(read("").unwrap(), Wanted { after: 0, limit: 100 });
        assert_eq!(read("limit=1&cursor=7").unwrap(), Wanted { after: 7, limit: 1 });
        assert_eq!(read("limit=1000").unwrap().limit, 1000);
    }

    #[test]
    fn bad_values_name_their_parameter() {
        for query in ["limit=0", "limit=1001", "limit=x", "cursor=-1", "cursor=4294967296"] {
            let problem = read(query).unwrap_err();
            assert_eq!(problem.body("")["parameter"], query.split('=').next().unwrap());
        }
    }
}
