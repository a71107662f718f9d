//! Patterns for where a step may call out to: `scheme://host[:port][/path-prefix]`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One allowed destination.
///
/// - scheme: `http` or `https`
/// - host: a name or address, exactly; or `*.suffix` for all names below `suffix`, not
///   `suffix` itself; or `*` for any
/// - port: a number, `*` for any, or none for the scheme's own
/// - path: matches the whole path or a part of it that ends before a `/`; none for any
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UrlPattern {
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

/// A pattern that breaks the form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pattern:?} is not of the form scheme://host[:port][/path-prefix]: {why}")]
pub struct InvalidPattern {
    /// What was given.
    pub pattern: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl UrlPattern {
    /// Does it allow this destination? `host` in lower case without a dot at its end, an IPv6
    /// address without brackets; `path` as it goes on the wire.
    pub fn allows(&self, scheme: &str, host: &str, port: u16, path: &str) -> bool {
        self.scheme == scheme
            && self.host.allows(host)
            && self.port.is_none_or(|allowed| allowed == port)
            && self.allows_path(path)
    }

    fn allows_path(&self, path: &str) -> bool {
        if self.path.is_empty() {
            return true;
        }
        // A server may fold `..` away after we have looked: then the prefix means nothing.
        if has_dot_segment(path) {
            return false;
        }
        match path.strip_prefix(self.path.as_str()) {
            Some(rest) => rest.is_empty() || self.path.ends_with('/') || rest.starts_with('/'),
            None => false,
        }
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

/// Does the path hold `.` or `..`, plain or percent-encoded, or a backslash that some servers
/// take for a slash?
fn has_dot_segment(path: &str) -> bool {
    let path = path.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/");
    path.contains('\\')
        || path.contains("%5c")
        || path.split('/').any(|segment| segment == "." || segment == "..")
}

impl FromStr for UrlPattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<UrlPattern, InvalidPattern> {
        parse(text).map_err(|why| InvalidPattern { pattern: text.chars().take(200).collect(), why })
    }
}

fn parse(text: &str) -> Result<UrlPattern, &'static str> {
    let (scheme, rest) = text.split_once("://").ok_or("there is no ://")?;
    if scheme != "http" && scheme != "https" {
        return Err("the scheme is http or https");
    }
    if text.contains(['?', '#', '@', ' ', '\\']) || text.contains(char::is_control) {
        return Err("user names, queries, fragments and spaces have no place in it");
    }
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    };
    let (host, port) = split_port(authority)?;
    let port = match port {
        None if scheme == "https" => Some(443),
        None => Some(80),
        Some("*") => None,
        Some(digits) => match digits.parse::<u16>() {
            Ok(number) if number > 0 => Some(number),
            _ => return Err("the port is 1 to 65535, or *"),
        },
    };
    let host = parse_host(host)?;
    // "https://example.com/" says no more than "https://example.com".
    let path = if path == "/" { "" } else { path };
    if has_dot_segment(path) {
        return Err("the path has no . and .. in it");
    }
    Ok(UrlPattern {
        scheme: scheme.to_owned(),
        host,
        port,
        path: path.to_owned(),
        text: text.to_owned(),
    })
}

fn split_port(authority: &str) -> Result<(&str, Option<&str>), &'static str> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or("an IPv6 address ends with ]")?;
        host.parse::<std::net::Ipv6Addr>().map_err(|_| "between [ and ] stands an IPv6 address")?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err("after ] comes a port or a path"),
        };
    }
    match authority.split_once(':') {
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((authority, None)),
    }
}

fn parse_host(host: &str) -> Result<HostPattern, &'static str> {
    if host == "*" {
        return Ok(HostPattern::Any);
    }
    if let Ok(address) = host.parse::<std::net::Ipv6Addr>() {
        return Ok(HostPattern::Exact(address.to_string()));
    }
    let (below, name) = match host.strip_prefix("*.") {
        Some(suffix) => (true, suffix),
        None => (false, host),
    };
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let label_ok = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if !name.split('.').all(label_ok) {
        return Err("the host is a name, an address, *.suffix or *");
    }
    Ok(if below { HostPattern::Below(name) } else { HostPattern::Exact(name) })
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
        text.parse().unwrap()
    }

    #[test]
    fn a_host_is_exact() {
        let p = pattern("https://api.example.com");
        assert!(p.allows("https", "api.example.com", 443, "/any/path"));
        assert!(!p.allows("http", "api.example.com", 443, "/"));
        assert!(!p.allows("https", "api.example.com", 8443, "/"));
        assert!(!p.allows("https", "xapi.example.com", 443, "/"));
        assert!(!p.allows("https", "api.example.com.evil.org", 443, "/"));
    }

    #[test]
    fn a_star_stands_for_names_below() {
        let p = pattern("https://*.example.com");
        assert!(p.allows("https", "a.example.com", 443, "/"));
        assert!(p.allows("https", "a.b.example.com", 443, "/"));
        assert!(!p.allows("https", "example.com", 443, "/"));
        assert!(!p.allows("https", "evilexample.com", 443, "/"));
        assert!(!p.allows("https", ".example.com", 443, "/"));
    }

    #[test]
    fn ports_are_given_any_or_the_schemes_own() {
        assert!(pattern("http://h:*").allows("http", "h", 1, "/"));
        assert!(pattern("http://h:9000").allows("http", "h", 9000, "/"));
        assert!(!pattern("http://h:9000").allows("http", "h", 9001, "/"));
        assert!(pattern("http://[::1]:8080/x").allows("http", "::1", 8080, "/x"));
        assert!(pattern("http://[0:0::0:1]:8080").allows("http", "::1", 8080, "/x"));
    }

    #[test]
    fn a_path_prefix_ends_at_a_slash() {
        let p = pattern("http://h/v1");
        assert!(p.allows("http", "h", 80, "/v1"));
        assert!(p.allows("http", "h", 80, "/v1/a"));
        assert!(!p.allows("http", "h", 80, "/v10"));
        assert!(!p.allows("http", "h", 80, "/"));
        for sly in ["/v1/../admin", "/v1/%2e%2E/admin", "/v1/..%2fadmin", "/v1/..\\admin"] {
            assert!(!p.allows("http", "h", 80, sly), "{sly}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for bad in [
            "",
            "example.com",
            "ftp://h",
            "http://",
            "http://h:0",
            "http://h:65536",
            "http://u@h",
            "http://h?x",
            "http://h#x",
            "http://*example.com",
            "http://a..b",
            "http://[::1",
            "http://[x]",
            "http://h/../x",
            "http://h :80",
        ] {
            assert!(bad.parse::<UrlPattern>().is_err(), "{bad}");
        }
    }
}
