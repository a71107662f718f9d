//! How long a caller is willing to wait for an execution: `Prefer: wait=N` or `?wait=N`.

use std::time::Duration;

use axum::http::HeaderMap;

use crate::params::Query;
use crate::problem::Problem;

/// The longest wait, in seconds; more is cut to it.
const SECONDS_MAX: u64 = 60;

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
    fn patience_is_bounded() {
        assert_eq!(seconds(None, "wait=3600"), Some(60));
        assert!(patience(&HeaderMap::new(), &Query::parse(Some("wait=x"))).is_err());
    }
}
