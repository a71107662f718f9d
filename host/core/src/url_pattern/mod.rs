//! Patterns for what a step may call out to: `[METHODS ]scheme://host[:port][/path-prefix]`.

mod covers;
mod parse;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::straight_path;

/// Some allowed calls.
///
/// - methods: in capitals, with commas between and a space behind them, as `GET,HEAD `; none for
///   any. `GET` does not stand for `HEAD`
/// - scheme: `http` or `https`
/// - host: a name or address, exactly; or `*.suffix` for all names below `suffix`, not
///   `suffix` itself; or `*` for any
/// - port: a number, `*` for any, or none for the scheme's own
/// - path: matches the whole path or a part of it that ends before a `/`; none for any. A path
///   that servers may take for another one (see [`straight_path`]) matches none
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UrlPattern {
    /// None is any.
    methods: Vec<String>,
    scheme: String,
    host: HostPattern,
    /// `None` is any.
    port: Option<u16>,
    path: String,
    text: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum HostPattern {
    Any,
    Exact(String),
    Below(String),
}

/// A call, as patterns look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallTarget<'a> {
    /// As it goes on the wire.
    pub method: &'a str,
    /// `http` or `https`.
    pub scheme: &'a str,
    /// As [`normal_host`](crate::normal_host) spells it, an IPv6 address without brackets.
    pub host: &'a str,
    /// The port, given or the scheme's own.
    pub port: u16,
    /// As it goes on the wire, without the query.
    pub path: &'a str,
}

/// A pattern that breaks the form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pattern:?} is not of the form [METHODS ]scheme://host[:port][/path-prefix]: {why}")]
pub struct InvalidPattern {
    /// What was given.
    pub pattern: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl UrlPattern {
    /// Does it allow this call?
    pub fn allows(&self, call: &CallTarget<'_>) -> bool {
        (self.methods.is_empty() || self.methods.iter().any(|method| method == call.method))
            && self.scheme == call.scheme
            && self.host.allows(call.host)
            && self.port.is_none_or(|allowed| allowed == call.port)
            && self.allows_path(call.path)
    }

    fn allows_path(&self, path: &str) -> bool {
        if self.path.is_empty() {
            return true;
        }
        let within = match path.strip_prefix(self.path.as_str()) {
            Some(rest) => rest.is_empty() || self.path.ends_with('/') || rest.starts_with('/'),
            None => false,
        };
        // A server may fold `..` away after we have looked: then the prefix means nothing.
        within && straight_path(path).is_some()
    }
}

impl HostPattern {
    fn allows(&self, host: &str) -> bool {
        match self {
            HostPattern::Any => true,
            HostPattern::Exact(name) => name == host,
            HostPattern::Below(suffix) => host
                .strip_suffix(suffix.as_str())
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
        }
    }
}

impl FromStr for UrlPattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<UrlPattern, InvalidPattern> {
        parse::parse(text)
            .map_err(|why| InvalidPattern { pattern: text.chars().take(200).collect(), why })
    }
}

impl fmt::Display for UrlPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for UrlPattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for UrlPattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<UrlPattern, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> UrlPattern {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    fn call<'a>(scheme: &'a str, host: &'a str, port: u16, path: &'a str) -> CallTarget<'a> {
        CallTarget { method: "GET", scheme, host, port, path }
    }

    #[test]
    fn a_host_is_exact() {
        let p = pattern("https://api.example.com");
        assert!(p.allows(&call("https", "api.example.com", 443, "/any/path")));
        assert!(!p.allows(&call("http", "api.example.com", 443, "/")));
        assert!(!p.allows(&call("https", "api.example.com", 8443, "/")));
        assert!(!p.allows(&call("https", "xapi.example.com", 443, "/")));
        assert!(!p.allows(&call("https", "api.example.com.evil.org", 443, "/")));
    }

    #[test]
    fn a_host_is_spelled_as_people_do() {
        let allows = |p: &str, host: &str| pattern(p).allows(&call("https", host, 443, "/"));
        assert!(allows("https://API.Example.com.", "api.example.com"));
        assert!(allows("https://bücher.example", "xn--bcher-kva.example"));
        assert!(allows("https://*.bücher.example", "a.xn--bcher-kva.example"));
        assert!(allows("https://127.1", "127.0.0.1"));
        assert!(!allows("https://127.0.0.1", "::ffff:127.0.0.1"));
    }

    #[test]
    fn a_star_stands_for_names_below() {
        let p = pattern("https://*.example.com");
        assert!(p.allows(&call("https", "a.example.com", 443, "/")));
        assert!(p.allows(&call("https", "a.b.example.com", 443, "/")));
        assert!(!p.allows(&call("https", "example.com", 443, "/")));
        assert!(!p.allows(&call("https", "evilexample.com", 443, "/")));
        assert!(!p.allows(&call("https", ".example.com", 443, "/")));
    }

    #[test]
    fn ports_are_given_any_or_the_schemes_own() {
        assert!(pattern("http://h:*").allows(&call("http", "h", 1, "/")));
        assert!(pattern("http://h:9000").allows(&call("http", "h", 9000, "/")));
        assert!(!pattern("http://h:9000").allows(&call("http", "h", 9001, "/")));
        assert!(pattern("http://[::1]:8080/x").allows(&call("http", "::1", 8080, "/x")));
        assert!(pattern("http://[0:0::0:1]:8080").allows(&call("http", "::1", 8080, "/x")));
    }

    #[test]
    fn methods_are_named_or_any() {
        let post = CallTarget { method: "POST", ..call("http", "h", 80, "/v1/x") };
        let get = CallTarget { method: "GET", ..post };
        let low = CallTarget { method: "get", ..post };
        let head = CallTarget { method: "HEAD", ..post };
        let some = pattern("GET,POST http://h/v1");
        assert!(some.allows(&get) && some.allows(&post));
        assert!(!some.allows(&low), "methods differ by case");
        assert!(!some.allows(&head), "GET does not stand for HEAD");
        let any = pattern("http://h");
        assert!([get, post, low, head].iter().all(|call| any.allows(call)));
        assert!(!pattern("POST http://h").allows(&get));
    }

    #[test]
    fn a_path_prefix_ends_at_a_slash() {
        let allows = |p: &str, path: &str| pattern(p).allows(&call("http", "h", 80, path));
        assert!(allows("http://h/v1", "/v1"));
        assert!(allows("http://h/v1", "/v1/a"));
        assert!(allows("http://h/v1", "/v1/a%2Fb"));
        assert!(allows("http://h/v1/", "/v1/"));
        assert!(!allows("http://h/v1/", "/v1"));
        for other in ["/v10", "/", "/V1/a", "/v1%2fa", "//v1/a", "/x/v1", "/%761/a"] {
            assert!(!allows("http://h/v1", other), "{other}");
        }
        for sly in ["/v1/../admin", "/v1/%2e%2E/admin", "/v1/..%2fadmin", "/v1/..\\admin"] {
            assert!(!allows("http://h/v1", sly), "{sly}");
            assert!(allows("http://h", sly), "no prefix, no danger: {sly}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_the_reason() {
        let long = format!("http://h/{}", "x".repeat(2048));
        for (bad, why) in [
            ("", "no ://"),
            ("example.com", "no ://"),
            ("ftp://h", "scheme"),
            ("HTTP://h", "scheme"),
            ("http://", "no host"),
            ("http://:80", "no host"),
            ("http:///x", "no host"),
            ("http://h:0", "port"),
            ("http://h:65536", "port"),
            ("http://h:+80", "port"),
            ("http://h:80:81", "port"),
            ("http://h:", "port"),
            ("http://u@h", "user names"),
            ("http://u:p@h", "user names"),
            ("http://h?x", "queries"),
            ("http://h#x", "fragments"),
            ("http://h\\x", "user names"),
            ("http://h\n", "user names"),
            ("http://*example.com", "a star"),
            ("http://a.*.com", "a star"),
            ("http://*.*.com", "a star"),
            ("http://*.0.0.1", "not an address"),
            ("http://*.", "no host"),
            ("http://a..b", "neither"),
            ("http://%31", "percent"),
            ("http://[::1", "]"),
            ("http://[::1]x", "after ]"),
            ("http://[x]", "neither"),
            ("http://::1", "no host"),
            ("http://h/../x", "."),
            ("http://h/%2e%2e/x", "."),
            ("http://h//x", "//"),
            ("http://h/v1/*", "star"),
            ("http://h/ü", "ASCII"),
            ("http://h :80", "capitals"),
            ("get http://h", "capitals"),
            ("GET, POST http://h", "capitals"),
            ("GET,,POST http://h", "capitals"),
            (" http://h", "capitals"),
            ("GET  http://h", "scheme"),
            ("GET,GET http://h", "twice"),
            ("CONNECT http://h", "tunnel"),
            ("GET", "no ://"),
            (&long, "2048"),
        ] {
            match bad.parse::<UrlPattern>() {
                Ok(_) => panic!("{bad:?} is a pattern"),
                Err(error) => assert!(error.why.contains(why), "{bad:?}: {}", error.why),
            }
        }
    }
}
