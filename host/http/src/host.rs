//! The `Host` that a request names. Nothing is made from it: links and answers are made from
//! the public URL. It only tells requests apart that were meant for somebody else.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{Request as HttpRequest, Version};
use axum::middleware::Next;
use axum::response::Response;

use crate::app::Shared;
use crate::problem::{Code, Problem};

/// Refuses a request without one clear `Host`.
pub(crate) async fn clear(request: Request, next: Next) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    named(&parts)?;
    Ok(next.run(HttpRequest::from_parts(parts, body)).await)
}

/// Lets requests pass that are meant for this server, when it serves its own machine alone: a
/// web page elsewhere can have a name of its own lead to this machine, and its script then
/// calls us under that name.
pub(crate) async fn ours(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let Some(names) = &shared.app.settings.host_names else { return Ok(next.run(request).await) };
    let (parts, body) = request.into_parts();
    let ours = named(&parts)?.is_none_or(|authority| is_ours(&authority, names));
    if !ours {
        let detail = "a server that listens on loopback is called as localhost, by a loopback \
                      address or by the host of its public_url";
        return Err(Problem::new(Code::MisdirectedRequest, detail));
    }
    Ok(next.run(HttpRequest::from_parts(parts, body)).await)
}

fn is_ours(authority: &Authority, names: &[String]) -> bool {
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let host = host.strip_suffix('.').unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
        || names.iter().any(|name| name.eq_ignore_ascii_case(host))
}

/// The host that the request names; only HTTP/1.0 may name none. A target that names one wins
/// over the header (RFC 9112, 3.2.2).
fn named(parts: &Parts) -> Result<Option<Authority>, Problem> {
    let invalid = |why| {
        Problem::new(Code::InvalidHeader, format!("Host: {why}")).with("header", "Host".into())
    };
    let mut values = parts.headers.get_all(HOST).iter();
    let header = match (values.next(), values.next()) {
        (None, _) if parts.version <= Version::HTTP_10 => None,
        (None, _) => return Err(invalid("it is missing")),
        (Some(_), Some(_)) => return Err(invalid("it stands there more than once")),
        (Some(value), None) => {
            let authority = Authority::try_from(value.as_bytes()).ok();
            let plain = authority.filter(|authority| !authority.as_str().contains('@'));
            Some(plain.ok_or_else(|| invalid("HOST or HOST:PORT is allowed"))?)
        }
    };
    Ok(parts.uri.authority().cloned().or(header))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(version: Version, target: &str, hosts: &[&str]) -> Parts {
        let mut request = HttpRequest::builder().version(version).uri(target);
        for host in hosts {
            request = request.header("host", *host);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_request_names_one_host() {
        let name = |version, target, hosts: &[&str]| {
            let authority =
                named(&parts(version, target, hosts)).map_err(|problem| problem.code)?;
            Ok(authority.map(|authority| authority.to_string()))
        };
        let one = Version::HTTP_11;
        assert_eq!(name(one, "/", &["w.example:80"]), Ok(Some("w.example:80".into())));
        assert_eq!(name(one, "http://a.example/", &["b"]), Ok(Some("a.example".into())));
        assert_eq!(name(Version::HTTP_10, "/", &[]), Ok(None));
        for bad in [&[][..], &["a", "a"], &["a", "b"], &["a b"], &[""], &["u@a"], &["a/b"]] {
            assert_eq!(name(one, "/", bad), Err(Code::InvalidHeader), "{bad:?}");
        }
    }

    #[test]
    fn a_local_server_knows_its_own_names() {
        let names = ["flows.example".to_owned()];
        for ours in [
            "localhost",
            "LOCALHOST:1",
            "localhost.",
            "127.0.0.1:8787",
            "127.9.9.9",
            "[::1]:1",
            "flows.example",
            "Flows.Example:443",
        ] {
            assert!(is_ours(&ours.parse().unwrap(), &names), "{ours}");
        }
        for foreign in [
            "rebound.example",
            "localhost.rebound.example",
            "192.0.2.1",
            "flows.example.evil",
            "127.0.0.1.nip.io",
            "0.0.0.0",
        ] {
            assert!(!is_ours(&foreign.parse().unwrap(), &names), "{foreign}");
        }
    }
}
