//! Whether one pattern allows everything that another one does.

use super::{HostPattern, UrlPattern};

impl UrlPattern {
    /// Is every call that `other` allows allowed by this one, too? Errs to `false`: a pattern is
    /// not put together from several.
    pub fn covers(&self, other: &UrlPattern) -> bool {
        self.covers_methods(other)
            && self.scheme == other.scheme
            && self.host.covers(&other.host)
            && (self.port.is_none() || self.port == other.port)
            && (self.path.is_empty() || self.covers_path(&other.path))
    }

    fn covers_methods(&self, other: &UrlPattern) -> bool {
        let any = self.methods.is_empty();
        let all_of_theirs = || other.methods.iter().all(|method| self.methods.contains(method));
        any || (!other.methods.is_empty() && all_of_theirs())
    }

    fn covers_path(&self, prefix: &str) -> bool {
        match prefix.strip_prefix(self.path.as_str()) {
            Some(rest) => rest.is_empty() || self.path.ends_with('/') || rest.starts_with('/'),
            None => false,
        }
    }
}

impl HostPattern {
    fn covers(&self, other: &HostPattern) -> bool {
        match (self, other) {
            (HostPattern::Any, _) => true,
            (_, HostPattern::Any) | (HostPattern::Exact(_), HostPattern::Below(_)) => false,
            (_, HostPattern::Exact(name)) => self.allows(name),
            (HostPattern::Below(ours), HostPattern::Below(theirs)) => {
                ours == theirs || self.allows(theirs)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::CallTarget;

    fn covers(ours: &str, theirs: &str) -> bool {
        let pattern = |text: &str| text.parse::<UrlPattern>().unwrap();
        pattern(ours).covers(&pattern(theirs))
    }

    #[test]
    fn what_is_narrower_is_covered() {
        for (wide, narrow) in [
            ("https://h", "https://h"),
            ("https://h", "https://h/v1"),
            ("https://h/v1", "https://h/v1/orders"),
            ("https://h/v1/", "https://h/v1/orders"),
            ("https://h", "GET https://h"),
            ("GET,POST https://h", "POST https://h"),
            ("https://h:*", "https://h:8443"),
            ("https://*", "https://*.example.com"),
            ("https://*.example.com", "https://a.example.com"),
            ("https://*.example.com", "https://*.a.example.com"),
        ] {
            assert!(covers(wide, narrow), "{wide} {narrow}");
            assert_eq!(covers(narrow, wide), wide == narrow, "{narrow} {wide}");
        }
    }

    #[test]
    fn what_is_other_is_not() {
        for (ours, theirs) in [
            ("https://h", "http://h"),
            ("https://h", "https://h:8443"),
            ("https://h/v1", "https://h/v10"),
            ("https://*.example.com", "https://example.com"),
            ("https://*.example.com", "https://evilexample.com"),
            ("https://*.example.com", "https://*.evilexample.com"),
            ("GET https://h", "HEAD https://h"),
        ] {
            assert!(!covers(ours, theirs), "{ours} {theirs}");
        }
    }

    fn patterns() -> impl Strategy<Value = UrlPattern> {
        let methods = prop::sample::select(vec!["", "GET ", "POST ", "GET,POST "]);
        let scheme = prop::sample::select(vec!["http", "https"]);
        let host = prop::sample::select(vec!["*", "*.b", "*.a.b", "b", "a.b", "x.a.b", "ab"]);
        let port = prop::sample::select(vec!["", ":*", ":443", ":80", ":1"]);
        let path = prop::sample::select(vec!["", "/", "/v", "/v/", "/v/w", "/vw"]);
        (methods, scheme, host, port, path).prop_map(|(methods, scheme, host, port, path)| {
            format!("{methods}{scheme}://{host}{port}{path}").parse().unwrap()
        })
    }

    proptest! {
        #[test]
        fn whoever_covers_allows_all_of_it(
            ours in patterns(),
            theirs in patterns(),
            method in prop::sample::select(vec!["GET", "POST", "PUT"]),
            scheme in prop::sample::select(vec!["http", "https"]),
            host in prop::sample::select(vec!["b", "a.b", "x.a.b", "ab", "c"]),
            port in prop::sample::select(vec![80, 443, 1, 2]),
            path in prop::sample::select(vec!["/", "/v", "/v/", "/v/w", "/vw", "/v/w/x"]),
        ) {
            let call = CallTarget { method, scheme, host, port, path };
            prop_assert!(!ours.covers(&theirs) || !theirs.allows(&call) || ours.allows(&call));
        }
    }
}
