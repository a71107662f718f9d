//! Where a request wants to go, in one spelling.

use std::net::IpAddr;

use http::uri::Scheme;
use http::{Method, Uri};
use url::Host;
use waystation_core::{CallTarget, UrlPattern, normal_host};

/// Longest path of a rule that is asked for, in bytes.
const RULE_PATH_BYTES_MAX: usize = 300;

/// The destination of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Destination {
    /// What is to be done there.
    pub(super) method: Method,
    /// Over TLS?
    pub(super) tls: bool,
    /// A name in lower case without a dot at its end, or an address.
    pub(super) host: Host<String>,
    /// The port, given or the scheme's own.
    pub(super) port: u16,
    /// The path as it goes on the wire.
    pub(super) path: String,
}

impl Destination {
    /// Reads it from the request's method and URI. The error says what is wrong.
    pub(super) fn of(method: &Method, uri: &Uri) -> Result<Destination, &'static str> {
        if *method == Method::CONNECT {
            return Err("CONNECT asks for a tunnel");
        }
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err("the scheme is neither http nor https"),
        };
        let authority = uri.authority().ok_or("there is no host")?.as_str();
        if authority.contains('@') {
            return Err("user names do not belong into a URL: send an Authorization header");
        }
        let (host, port) = split(authority)?;
        let port = match port {
            None if tls => 443,
            None => 80,
            Some(digits) => match digits.parse() {
                Ok(port) if port > 0 && digits.bytes().all(|b| b.is_ascii_digit()) => port,
                _ => return Err("the port is not 1 to 65535"),
            },
        };
        if !uri.path().starts_with('/') {
            return Err("the path does not begin with /");
        }
        let (host, path) = (normal_host(host)?, uri.path().to_owned());
        Ok(Destination { method: method.clone(), tls, host, port, path })
    }

    /// `http` or `https`.
    pub(super) fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    /// The address, when the host is one and not a name.
    pub(super) fn address(&self) -> Option<IpAddr> {
        match &self.host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some((*address).into()),
            Host::Ipv6(address) => Some((*address).into()),
        }
    }

    /// The name, or the address without brackets.
    pub(super) fn host_text(&self) -> String {
        self.address().map_or_else(|| self.host.to_string(), |address| address.to_string())
    }

    /// Host and port as a `Host` header has them.
    pub(super) fn authority(&self) -> String {
        match (self.tls, self.port) {
            (true, 443) | (false, 80) => self.host.to_string(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }

    /// Scheme, host and port.
    pub(super) fn origin(&self) -> String {
        format!("{}://{}", self.scheme(), self.authority())
    }

    /// Does one of the rules allow it?
    pub(super) fn is_allowed(&self, rules: &[UrlPattern]) -> bool {
        let host = self.host_text();
        let target = CallTarget {
            method: self.method.as_str(),
            scheme: self.scheme(),
            host: &host,
            port: self.port,
            path: &self.path,
        };
        rules.iter().any(|rule| rule.allows(&target))
    }

    /// The narrowest rule that would allow it. Not every path and method can stand in one.
    pub(super) fn rule(&self) -> String {
        let with_path = format!("{} {}{}", self.method, self.origin(), self.path);
        let with_method = format!("{} {}", self.method, self.origin());
        let works = |rule: &String| {
            rule.len() <= RULE_PATH_BYTES_MAX + self.origin().len()
                && rule.parse().is_ok_and(|rule| self.is_allowed(&[rule]))
        };
        [with_path, with_method].into_iter().find(works).unwrap_or_else(|| self.origin())
    }
}

fn split(authority: &str) -> Result<(&str, Option<&str>), &'static str> {
    let host_end = match authority.rfind(']') {
        Some(bracket) => bracket + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at(host_end);
    match rest.strip_prefix(':') {
        Some(port) => Ok((host, Some(port))),
        None if rest.is_empty() => Ok((host, None)),
        None => Err("after ] comes a port or nothing"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uri: &str) -> Result<Destination, &'static str> {
        Destination::of(&Method::GET, &uri.parse().unwrap())
    }

    #[test]
    fn spellings_of_a_destination_are_one() {
        let plain = of("https://api.example.com/a?b=c").unwrap();
        assert_eq!(of("https://API.Example.COM.:443/a?b=c").unwrap(), plain);
        assert_eq!(of("http://[0:0:0:0:0:0:0:1]:80/").unwrap().origin(), "http://[::1]");
        assert_eq!(of("http://127.0.0.1:9000").unwrap().origin(), "http://127.0.0.1:9000");
        assert_eq!(of("http://h:443").unwrap().authority(), "h:443");
        for address in ["127.1", "0x7f.1", "2130706433", "0177.0.0.1", "127.0.0.1."] {
            let to = of(&format!("http://{address}:9000")).unwrap();
            assert_eq!(to.authority(), "127.0.0.1:9000", "{address}");
        }
    }

    #[test]
    fn what_is_no_destination_is_refused() {
        for bad in [
            "ftp://h/",
            "/path",
            "*",
            "http://user@h/",
            "http://user:pw@h/",
            "http://h:0/",
            "http://h:65536/",
            "http://[fe80::1%25eth0]/",
            "http://h..x/",
            "http://%31/",
        ] {
            let Ok(uri) = bad.parse::<Uri>() else { continue };
            assert!(Destination::of(&Method::GET, &uri).is_err(), "{bad}");
        }
        let tunnel = Destination::of(&Method::CONNECT, &"http://h/".parse().unwrap());
        assert_eq!(tunnel, Err("CONNECT asks for a tunnel"));
    }

    #[test]
    fn the_rule_it_asks_for_allows_it() {
        let long = format!("http://h.example/{}", "x".repeat(400));
        for (uri, rule) in [
            ("http://[::1]:8080/a", "GET http://[::1]:8080/a"),
            ("https://h.example/", "GET https://h.example/"),
            ("http://10.0.0.1/a/b?c", "GET http://10.0.0.1/a/b"),
            ("https://h:80/x", "GET https://h:80/x"),
            ("https://h/a/../b", "GET https://h"),
            ("https://h//b", "GET https://h"),
            ("https://h/a*", "GET https://h"),
            (&long, "GET http://h.example"),
        ] {
            let to = of(uri).unwrap();
            assert_eq!(to.rule(), rule);
            assert!(to.is_allowed(&[rule.parse().unwrap()]), "{uri}");
        }
        let method = Method::from_bytes(b"m~search").unwrap();
        let odd = Destination::of(&method, &"http://h/x".parse().unwrap()).unwrap();
        assert_eq!(odd.rule(), "http://h");
    }
}
