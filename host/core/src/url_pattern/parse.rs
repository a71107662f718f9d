//! Reading a pattern.

use url::Host;

use super::{HostPattern, UrlPattern};
use crate::{normal_host, straight_path};

/// Longest pattern, in bytes.
const BYTES_MAX: usize = 2048;

/// Reads `[METHOD[,METHOD…] ]scheme://host[:port][/path-prefix]`. The error says what is wrong.
pub(super) fn parse(text: &str) -> Result<UrlPattern, &'static str> {
    if text.len() > BYTES_MAX {
        return Err("it has at most 2048 bytes");
    }
    let (methods, url) = match text.split_once(' ') {
        Some((methods, url)) => (parse_methods(methods)?, url),
        None => (Vec::new(), text),
    };
    let (scheme, rest) = url.split_once("://").ok_or("there is no ://")?;
    if scheme != "http" && scheme != "https" {
        return Err("the scheme is http or https");
    }
    if url.contains(['?', '#', '@', ' ', '\\']) || url.contains(char::is_control) {
        return Err("user names, queries, fragments and spaces have no place in it");
    }
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    };
    let (host, port) = split_port(authority)?;
    Ok(UrlPattern {
        methods,
        scheme: scheme.to_owned(),
        host: parse_host(host)?,
        port: parse_port(scheme, port)?,
        path: parse_path(path)?,
        text: text.to_owned(),
    })
}

fn parse_methods(list: &str) -> Result<Vec<String>, &'static str> {
    let mut methods: Vec<String> = Vec::new();
    for method in list.split(',') {
        let is_method = method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
        if method.is_empty() || !is_method {
            return Err(
                "before the space stand methods in capitals, with commas between: GET,POST",
            );
        }
        if method == "CONNECT" {
            return Err("CONNECT asks for a tunnel, which no step gets");
        }
        if methods.iter().any(|known| known == method) {
            return Err("a method is named twice");
        }
        methods.push(method.to_owned());
    }
    Ok(methods)
}

/// The authority's host, with the brackets of an address, and its port.
fn split_port(authority: &str) -> Result<(&str, Option<&str>), &'static str> {
    let host_end = match authority.rfind(']') {
        Some(bracket) => bracket + 1,
        None if authority.starts_with('[') => return Err("an IPv6 address ends with ]"),
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at(host_end);
    match rest.strip_prefix(':') {
        Some(port) => Ok((host, Some(port))),
        None if rest.is_empty() => Ok((host, None)),
        None => Err("after ] comes a port or a path"),
    }
}

fn parse_port(scheme: &str, port: Option<&str>) -> Result<Option<u16>, &'static str> {
    match port {
        None if scheme == "https" => Ok(Some(443)),
        None => Ok(Some(80)),
        Some("*") => Ok(None),
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            match digits.parse::<u16>() {
                Ok(number) if number > 0 => Ok(Some(number)),
                _ => Err("the port is 1 to 65535, or *"),
            }
        }
        Some(_) => Err("the port is 1 to 65535, or *"),
    }
}

fn parse_host(host: &str) -> Result<HostPattern, &'static str> {
    if host == "*" {
        return Ok(HostPattern::Any);
    }
    if let Some(suffix) = host.strip_prefix("*.") {
        // "*.0.0.1" would let through addresses that no one thought of.
        return match normal_host(suffix) {
            Ok(Host::Domain(name)) => Ok(HostPattern::Below(name)),
            Ok(_) => Err("behind *. stands a name, not an address"),
            Err(_) if suffix.contains('*') => Err(STARS),
            Err(why) => Err(why),
        };
    }
    if host.contains('*') {
        return Err(STARS);
    }
    Ok(match normal_host(host)? {
        Host::Domain(name) => HostPattern::Exact(name),
        Host::Ipv4(address) => HostPattern::Exact(address.to_string()),
        Host::Ipv6(address) => HostPattern::Exact(address.to_string()),
    })
}

const STARS: &str = "a star stands for the whole host, or at its start with a dot: *.example.com";

fn parse_path(path: &str) -> Result<String, &'static str> {
    if path.contains('*') {
        return Err("the path is a prefix, and has no star in it");
    }
    if !path.is_ascii() {
        return Err("what is not ASCII stands percent-encoded in the path");
    }
    if path.contains("//") || straight_path(path).is_none() {
        return Err("the path has no // and no segments . and .. in it");
    }
    // "https://example.com/" says no more than "https://example.com".
    Ok(if path == "/" { String::new() } else { path.to_owned() })
}
