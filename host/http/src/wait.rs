//! How long a caller is willing to wait for an execution: `Prefer: wait=N` or `?wait=N`.

use std::time::Duration;

use axum::http::HeaderMap;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::params::Query;
use crate::problem::Problem;

/// The longest wait, in seconds; more is cut to it.
const SECONDS_MAX: u64 = 60;

/// Room for callers without a token who wait. They take at most half of the connections: the
/// rest is for those who want something now.
pub(crate) struct Waits(Semaphore);

impl Waits {
    /// For a server with so many connections.
    pub(crate) fn new(connections_max: usize) -> Waits {
        Waits(Semaphore::new((connections_max / 2).clamp(1, Semaphore::MAX_PERMITS)))
    }

    /// A place for one with this patience. None when there is none: then the time is over.
    pub(crate) fn place(&self, patience: Option<Duration>) -> Option<(Duration, Waiting<'_>)> {
        let patience = patience?;
        Some((patience, self.0.try_acquire().ok()?))
    }
}

/// A place among those who wait; free again when this is dropped.
pub(crate) type Waiting<'a> = SemaphorePermit<'a>;

/// The caller's patience; none unless it says so. The query wins over the header.
///
/// # Errors
///
/// 400 when `?wait` is not a whole number. A header that can't be read is no wish at all
/// (RFC 7240).
pub(crate) fn patience(headers: &HeaderMap, query: &Query) -> Result<Option<Duration>, Problem> {
    let seconds =
        match query.one("wait")? {
            Some(text) => Some(text.parse::<u64>().map_err(|_| {
                Query::invalid("wait", text, "a whole number of seconds is allowed")
            })?),
            None => preferred(headers),
        };
    Ok(seconds.map(|seconds| Duration::from_secs(seconds.min(SECONDS_MAX))))
}

fn preferred(headers: &HeaderMap) -> Option<u64> {
    headers
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split([',', ';']))
        .filter_map(|preference| preference.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))
        .and_then(|(_, seconds)| seconds.trim().trim_matches('"').parse().ok())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn seconds(prefer: Option<&'static str>, query: &str) -> Option<u64> {
        let mut headers = HeaderMap::new();
        if let Some(prefer) = prefer {
            headers.insert("prefer", HeaderValue::from_static(prefer));
        }
        patience(&headers, &Query::parse(Some(query))).unwrap().map(|wait| wait.as_secs())
    }

    #[test]
    fn header_and_query_say_it() {
        assert_eq!(seconds(None, ""), None);
        assert_eq!(seconds(Some("wait=5"), ""), Some(5));
        assert_eq!(seconds(Some("respond-async, Wait=\"7\""), ""), Some(7));
        assert_eq!(seconds(Some("wait=5"), "wait=6"), Some(6));
        assert_eq!(seconds(Some("wait=soon"), ""), None);
    }

    #[test]
    fn half_of_the_connections_may_wait() {
        let patience = Some(Duration::from_secs(1));
        for (connections_max, places) in [(1, 1), (2, 1), (3, 1), (4, 2)] {
            let waits = Waits::new(connections_max);
            let held: Vec<_> = (0..places).map(|_| waits.place(patience).unwrap()).collect();
            assert!(waits.place(patience).is_none(), "{connections_max}");
            drop(held);
            assert!(waits.place(None).is_none());
            assert!(waits.place(patience).is_some(), "{connections_max}");
        }
    }

    #[test]
    fn patience_is_bounded() {
        assert_eq!(seconds(None, "wait=3600"), Some(60));
        assert!(patience(&HeaderMap::new(), &Query::parse(Some("wait=x"))).is_err());
    }
}
