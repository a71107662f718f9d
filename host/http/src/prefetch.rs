//! Requests that only look ahead, and must not act.

use axum::http::HeaderMap;

/// Does the request say of itself that nobody has clicked yet? Browsers and proxies that fetch
/// or render a page ahead of time send one of these headers; a link must not take that for an
/// answer.
pub(crate) fn is_declared(headers: &HeaderMap) -> bool {
    ["sec-purpose", "purpose", "x-purpose", "x-moz"].into_iter().any(|name| {
        headers.get_all(name).iter().any(|value| {
            let value = value.to_str().unwrap_or_default().to_ascii_lowercase();
            ["prefetch", "prerender", "preview", "instant"].iter().any(|word| value.contains(word))
        })
    })
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn declared(name: &'static str, value: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        is_declared(&headers)
    }

    #[test]
    fn those_who_look_ahead_say_so() {
        assert!(declared("sec-purpose", "prefetch"));
        assert!(declared("sec-purpose", "prefetch;prerender"));
        assert!(declared("purpose", "Prefetch"));
        assert!(declared("x-purpose", "preview"));
        assert!(declared("x-moz", "prefetch"));
    }

    #[test]
    fn everybody_else_means_it() {
        assert!(!is_declared(&HeaderMap::new()));
        assert!(!declared("purpose", "approval"));
        assert!(!declared("user-agent", "prefetch"));
    }
}
