//! Where calls out lead: patterns, URLs, addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Url;
use waystation_core::UrlPattern;
use waystation_sandbox::fuzzing;

/// What the readers know.
pub(crate) const WORDS: &[&[u8]] = &[
    b"https://",
    b"http://",
    b"*.",
    b"*",
    b":*",
    b":443",
    b":80",
    b"[::1]",
    b"[::ffff:127.0.0.1]",
    b"127.0.0.1",
    b"0x7f.1",
    b"2130706433",
    b"example.com",
    b".example.com",
    b"@",
    b"%2e",
    b"%2f",
    b"/../",
    b"\\",
    b"?",
    b"#",
    b"\xe3\x80\x82",
    b"xn--",
    b"\n",
];

/// The first line is a pattern, the second a URL: what a pattern lets through leads to a host that
/// it names, also as others read the URL. The bytes are an address, too: what the standard library
/// knows to be special is closed.
pub fn outbound(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let (pattern, url) = text.split_once('\n').unwrap_or((text, text));
        leads_where_it_says(pattern, url);
    }
    if let Some(octets) = data.first_chunk::<4>() {
        is_closed_if_special(Ipv4Addr::from(*octets).into());
    }
    if let Some(octets) = data.first_chunk::<16>() {
        is_closed_if_special(Ipv6Addr::from(*octets).into());
    }
}

fn leads_where_it_says(pattern: &str, url: &str) {
    let destination = fuzzing::destination(url);
    if let Some((scheme, host, ..)) = &destination {
        is_read_alike(url, scheme, host);
    }
    let Ok(parsed) = pattern.parse::<UrlPattern>() else { return };
    let shown = parsed.to_string();
    assert_eq!(shown.parse::<UrlPattern>().as_ref(), Ok(&parsed), "{shown:?} reads back");
    let Some((scheme, host, port, path)) = destination else { return };
    if !parsed.allows(scheme, &host, port, &path) {
        return;
    }
    let (of_scheme, rest) = pattern.split_once("://").expect("a pattern has a scheme");
    assert_eq!(of_scheme, scheme);
    let authority = rest.split('/').next().unwrap_or_default();
    assert!(names(authority, &host), "{pattern:?} lets {url:?} through, to {host:?}");
    let prefix = rest.strip_prefix(authority).unwrap_or_default();
    assert!(prefix == "/" || path.starts_with(prefix), "{pattern:?}, {path:?}");
}

/// Does the authority of a pattern name this host? Told in another way than the host does.
fn names(authority: &str, host: &str) -> bool {
    let address = authority.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let name = match address {
        Some((address, _)) => address,
        None => authority.split(':').next().unwrap_or_default(),
    };
    let name = name.to_ascii_lowercase();
    let name = name.strip_suffix('.').unwrap_or(&name);
    let same_address = || name.parse::<IpAddr>().is_ok_and(|address| host.parse() == Ok(address));
    match name.strip_prefix("*.") {
        Some(suffix) => host.len() > suffix.len() + 1 && host.ends_with(&format!(".{suffix}")),
        None => name == "*" || name == host || same_address(),
    }
}

/// Browsers and most libraries read URLs as WHATWG says. Where they find a host at all, it is the
/// one that we find, or a number that they take for an address and we look up as a name.
fn is_read_alike(url: &str, scheme: &str, host: &str) {
    let Ok(read) = Url::parse(url) else { return };
    assert_eq!(read.scheme(), scheme, "{url:?}");
    let same = match read.host() {
        Some(url::Host::Domain(name)) => name.strip_suffix('.').unwrap_or(name) == host,
        Some(url::Host::Ipv4(address)) => {
            host.parse() == Ok(address) || host.parse::<IpAddr>().is_err()
        }
        Some(url::Host::Ipv6(address)) => host.parse() == Ok(address),
        None => false,
    };
    assert!(same, "{url:?} leads us to {host:?} and others to {:?}", read.host());
}

fn is_closed_if_special(address: IpAddr) {
    let special = match address {
        IpAddr::V4(address) => is_special_v4(address),
        IpAddr::V6(address) => is_special_v6(address),
    };
    assert!(!special || fuzzing::is_special(address), "{address} is open");
}

fn is_special_v4(address: Ipv4Addr) -> bool {
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || address.is_unspecified()
}

fn is_special_v6(address: Ipv6Addr) -> bool {
    address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || address.is_unique_local()
        || address.is_unicast_link_local()
        || address.to_ipv4_mapped().is_some_and(is_special_v4)
}
