//! Where an answer sends a request on to.

use super::sent::Sent;
use crate::host::Answer;

/// How many redirects one request follows: what other clients do, and enough for any server that
/// does not send in circles.
pub const REDIRECTS_MAX: usize = 10;

/// Headers that are for one origin alone.
const CREDENTIALS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// The request that follows `answer`; `None` when it is no redirect.
pub(super) fn redirected(sent: &Sent, answer: &Answer) -> Result<Option<Sent>, String> {
    if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some((_, location)) = answer.headers.iter().find(|(name, _)| name == "location") else {
        return Ok(None);
    };
    let mut next = Sent { url: sent.url.join(location)?, ..sent.clone() };
    if becomes_get(answer.status, &sent.method) {
        next.method = "GET".into();
        next.body.clear();
        next.headers.retain(|(name, _)| !name.starts_with("content-"));
    }
    if !next.url.same_origin(&sent.url) {
        next.headers.retain(|(name, _)| !CREDENTIALS.contains(&name.as_str()));
    }
    Ok(Some(next))
}

/// As browsers do, by the Fetch standard.
fn becomes_get(status: u16, method: &str) -> bool {
    match status {
        303 => !matches!(method, "GET" | "HEAD"),
        301 | 302 => method == "POST",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::url::Url;
    use super::*;

    fn sent(method: &str) -> Sent {
        let headers = [("authorization", "secret"), ("content-type", "text/plain"), ("x-a", "b")];
        Sent {
            method: method.into(),
            url: Url::parse("http://a.example/b").unwrap(),
            headers: headers.map(|(name, value)| (name.into(), value.into())).into(),
            body: b"body".into(),
            timeout: None,
        }
    }

    fn next(method: &str, status: u16, location: &str) -> Sent {
        let headers = vec![("location".into(), location.into())];
        let answer = Answer { status, headers, body: Vec::new() };
        redirected(&sent(method), &answer).unwrap().unwrap()
    }

    #[test]
    fn the_method_changes_as_in_browsers() {
        for (method, status, becomes) in [
            ("POST", 301, "GET"),
            ("POST", 302, "GET"),
            ("PUT", 302, "PUT"),
            ("PUT", 303, "GET"),
            ("HEAD", 303, "HEAD"),
            ("POST", 307, "POST"),
            ("POST", 308, "POST"),
        ] {
            let next = next(method, status, "/c");
            assert_eq!(next.method, becomes, "{method} {status}");
            let keeps = becomes != "GET";
            assert_eq!(next.body.is_empty(), !keeps, "{method} {status}");
            assert_eq!(next.header("content-type").is_some(), keeps, "{method} {status}");
        }
    }

    #[test]
    fn credentials_stay_with_their_origin() {
        assert_eq!(next("GET", 302, "/c").header("authorization"), Some("secret"));
        let other = next("GET", 302, "http://b.example/c");
        assert_eq!((other.header("authorization"), other.header("x-a")), (None, Some("b")));
    }

    #[test]
    fn what_leads_nowhere_is_an_answer_like_any_other() {
        for (status, header) in [(200, "location"), (304, "location"), (302, "x-location")] {
            let headers = vec![(header.into(), "/c".into())];
            let answer = Answer { status, headers, body: Vec::new() };
            assert!(redirected(&sent("GET"), &answer).unwrap().is_none(), "{status} {header}");
        }
    }
}
