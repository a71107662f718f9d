//! Links in what steps logged, exported or failed with act for whoever reads them. Who may not act
//! is shown a mark in their place.
//!
//! A link is known by its token, which this server's keys have signed: nothing else is taken for
//! one, and whatever a step makes of a token but hands out whole is not recognised.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::{self, Body};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use waystation_core::{LinkKeys, Scope};

use crate::app::Shared;
use crate::problem::Problem;
use crate::tokens::Caller;

/// Stands for a token.
const MARK: &str = "hidden";

/// Hides links in the answers to callers of the API who may not act on executions.
pub(crate) async fn from_who_may_not_act(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let acts =
        request.extensions().get::<Caller>().is_some_and(|caller| caller.allows(Scope::Operate));
    let response = next.run(request).await;
    if acts { response } else { hide(&shared, response).await }
}

/// The same answer with no link in it. Answers that are no JSON hold none.
pub(crate) async fn hide(shared: &Shared, response: Response) -> Response {
    let content_type = response.headers().get(CONTENT_TYPE);
    let is_json = content_type.is_some_and(|text| text.as_bytes().ends_with(b"json"));
    if !is_json {
        return response;
    }
    let (mut head, body) = response.into_parts();
    // It was made here, whole, within the limits of an execution.
    let Ok(bytes) = body::to_bytes(body, usize::MAX).await else {
        return Problem::internal("an answer broke off").into_response();
    };
    let is_token = |token: &str| shared.engine().verify(token).is_some();
    let hidden = match std::str::from_utf8(&bytes).map(|text| without_tokens(text, is_token)) {
        Ok(Cow::Owned(text)) => text,
        Ok(Cow::Borrowed(_)) | Err(_) => return Response::from_parts(head, Body::from(bytes)),
    };
    head.headers.remove(CONTENT_LENGTH);
    Response::from_parts(head, Body::from(hidden))
}

/// JSON with a mark in place of each token. In JSON a token stands as it is; what stands before it
/// may be the end of an escape, such as the `n` of `\n`.
fn without_tokens(json: &str, is_token: impl Fn(&str) -> bool) -> Cow<'_, str> {
    let mut shown = String::new();
    let mut from = 0;
    let is_of_token = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut at = 0;
    for word in json.split(|c| !is_of_token(c)) {
        for first in tokens_in(word, &is_token) {
            shown.push_str(json.get(from..at + first).unwrap_or_default());
            shown.push_str(MARK);
            from = at + first + LinkKeys::TOKEN_CHARS;
        }
        // Whatever parts two words has a length of its own.
        at += word.len();
        at += json.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    }
    if shown.is_empty() {
        return Cow::Borrowed(json);
    }
    shown.push_str(json.get(from..).unwrap_or_default());
    Cow::Owned(shown)
}

/// Where tokens begin in `word`: with it, or so that they end with it. To look anywhere else would
/// let a long word cost a signature for each of its letters.
fn tokens_in(word: &str, is_token: impl Fn(&str) -> bool) -> impl Iterator<Item = usize> {
    let last = word.len().checked_sub(LinkKeys::TOKEN_CHARS);
    let places = last.map(|last| if last == 0 { vec![0] } else { vec![0, last] });
    places
        .unwrap_or_default()
        .into_iter()
        .filter(move |first| word.get(*first..first + LinkKeys::TOKEN_CHARS).is_some_and(&is_token))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As long as a token.
    fn token() -> String {
        format!("AQ-{}_z", "x".repeat(LinkKeys::TOKEN_CHARS - 5))
    }

    fn shown(text: &str) -> String {
        let json = serde_json::to_string(text).unwrap();
        let shown = without_tokens(&json, |word| word == token());
        serde_json::from_str(&shown).unwrap()
    }

    #[test]
    fn tokens_are_hidden_wherever_they_stand() {
        let token = token();
        for (text, wanted) in [
            (format!("waits at http://h/approve/{token}"), "waits at http://h/approve/hidden"),
            (format!("{token} é {token}"), "hidden é hidden"),
            (format!("{token}\n{token}\u{1}{token}\t"), "hidden\nhidden\u{1}hidden\t"),
            (
                format!("<a href=\"http://h/resume/{token}\">"),
                "<a href=\"http://h/resume/hidden\">",
            ),
            (format!("x{token}"), "xhidden"),
            (format!("{token}x"), "hiddenx"),
            (format!("{token}{token}"), "hiddenhidden"),
        ] {
            assert_eq!(shown(&text), wanted);
        }
    }

    #[test]
    fn all_else_stays_as_it_is() {
        let other = "A".repeat(LinkKeys::TOKEN_CHARS);
        for text in ["", "é", "plain", &other, &token()[1..]] {
            assert_eq!(shown(text), text);
        }
        assert!(matches!(without_tokens("{\"a\":1}", |_| true), Cow::Borrowed(_)));
    }
}
