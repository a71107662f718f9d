//! Where calls out lead: patterns, URLs, addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Url;
use waystation_core::{CallTarget, UrlPattern};
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
    let call = CallTarget { method: "GET", scheme, host: &host, port, path: &path };
    if !parsed.allows(&call) {
        return;
    }
    let (before, rest) = pattern.split_once("://").expect("a pattern has a scheme");
    let (methods, of_scheme) = before.rsplit_once(' ').unwrap_or(("GET", before));
    assert!(methods.split(',').any(|method| method == "GET"), "{pattern:?}");
    assert_eq!(of_scheme, scheme);
    let authority = rest.split('/').next().unwrap_or_default();
    assert!(names(authority, &host), "{pattern:?} lets {url:?} through, to {host:?}");
    let prefix = rest.strip_prefix(authority).unwrap_or_default();
    assert!(prefix == "/" || path.starts_with(prefix), "{pattern:?}, {path:?}");
}

/// Does the authority of a pattern name this host? Told in another way than the host does.
fn names(authority: &str, host: &str) -> bool {
    let name = match authority.rfind(']') {
        Some(end) => authority.get(..=end).unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    match name.strip_prefix("*.") {
        Some(suffix) => {
            let suffix = read_by_others(suffix);
            host.len() > suffix.len() + 1 && host.ends_with(&format!(".{suffix}"))
        }
        None => {
            let read = read_by_others(name);
            // An address may be written in two ways.
            let same_address = || read.parse::<IpAddr>().is_ok_and(|one| host.parse() == Ok(one));
            name == "*" || read == host || same_address()
        }
    }
}

/// A host as a reader of URLs spells it, an address without brackets.
fn read_by_others(host: &str) -> String {
    let url = Url::parse(&format!("http://{host}/")).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.strip_suffix('.').unwrap_or(host).to_owned()
}

/// Browsers and most libraries read URLs as WHATWG says. Where they find a host at all, it is the
/// one that we find.
fn is_read_alike(url: &str, scheme: &str, host: &str) {
    let Ok(read) = Url::parse(url) else { return };
    assert_eq!(read.scheme(), scheme, "{url:?}");
    let same = match read.host() {
        Some(url::Host::Domain(name)) => name.strip_suffix('.').unwrap_or(name) == host,
        Some(url::Host::Ipv4(address)) => host.parse() == Ok(address),
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
