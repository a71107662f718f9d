//! Where a request wants to go, in one spelling.

use std::net::{IpAddr, Ipv6Addr};

use http::Uri;
use http::uri::Scheme;

/// Longest host name in DNS, in its written form.
const HOST_BYTES_MAX: usize = 253;

/// The destination of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Destination {
    /// Over TLS?
    pub(super) tls: bool,
    /// A name in lower case without a dot at its end, or an address without brackets.
    pub(super) host: String,
    /// The port, given or the scheme's own.
    pub(super) port: u16,
    /// The path as it goes on the wire.
    pub(super) path: String,
}

impl Destination {
    /// Reads it from the request's URI. The error says what is wrong.
    pub(super) fn of(uri: &Uri) -> Result<Destination, &'static str> {
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
        Ok(Destination { tls, host, port, path: uri.path().to_owned() })
    }

    /// `http` or `https`.
    pub(super) fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    /// The address, when the host is one and not a name.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Host and port as a `Host` header has them.
    pub(super) fn authority(&self) -> String {
        let host = match self.address() {
            Some(IpAddr::V6(address)) => format!("[{address}]"),
            _ => self.host.clone(),
        };
        match (self.tls, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }

    /// Scheme, host and port: what a pattern for it would say.
    pub(super) fn origin(&self) -> String {
        format!("{}://{}", self.scheme(), self.authority())
    }

    /// The URL without its query, which may hold secrets.
    pub(super) fn shown(&self) -> String {
        const SHOWN_MAX: usize = 300;
        let path: String = self.path.chars().take(SHOWN_MAX).collect();
        format!("{}{path}", self.origin())
    }
}

fn split(authority: &str) -> Result<(String, Option<&str>), &'static str> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or("an IPv6 address ends with ]")?;
        let address: Ipv6Addr =
            host.parse().map_err(|_| "between [ and ] stands no IPv6 address")?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((address.to_string(), Some(port))),
            None if rest.is_empty() => Ok((address.to_string(), None)),
            None => Err("after ] comes a port or nothing"),
        };
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let label_ok = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if host.len() > HOST_BYTES_MAX || !host.split('.').all(label_ok) {
        return Err("the host is neither a name nor an address");
    }
    Ok((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uri: &str) -> Result<Destination, &'static str> {
        Destination::of(&uri.parse().unwrap())
    }

    #[test]
    fn spellings_of_a_destination_are_one() {
        let plain = of("https://api.example.com/a?b=c").unwrap();
        assert_eq!(of("https://API.Example.COM.:443/a?b=c").unwrap(), plain);
        assert_eq!(plain.shown(), "https://api.example.com/a");
        assert_eq!(of("http://[0:0:0:0:0:0:0:1]:80/").unwrap().origin(), "http://[::1]");
        assert_eq!(of("http://127.0.0.1:9000").unwrap().origin(), "http://127.0.0.1:9000");
        assert_eq!(of("http://h:443").unwrap().authority(), "h:443");
    }

    #[test]
    fn what_is_no_destination_is_refused() {
        for bad in [
            "ftp://h/",
            "/path",
            "http://user@h/",
            "http://user:pw@h/",
            "http://h:0/",
            "http://h:65536/",
            "http://[fe80::1%25eth0]/",
            "http://h..x/",
            "http://%31/",
        ] {
            let Ok(uri) = bad.parse::<Uri>() else { continue };
            assert!(Destination::of(&uri).is_err(), "{bad}");
        }
    }
}
