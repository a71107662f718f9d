//! Who may use `/api`.

use std::fmt;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::app::Shared;
use crate::problem::{Code, Problem};

/// The API's token. Only its digest is held, so that no dump and no log can show it.
#[derive(Clone)]
pub struct ApiToken([u8; 32]);

impl ApiToken {
    /// The token with this text.
    pub fn new(token: &str) -> ApiToken {
        ApiToken(Sha256::digest(token).into())
    }

    /// Is `token` the one? Takes the same time for every wrong one of a length.
    pub fn matches(&self, token: &str) -> bool {
        let digest: [u8; 32] = Sha256::digest(token).into();
        self.0.ct_eq(&digest).into()
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiToken(…)")
    }
}

/// Lets a request with the token pass.
pub(crate) async fn require_token(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    match bearer(request.headers()) {
        Some(token) if shared.app.token.matches(token) => Ok(next.run(request).await),
        Some(_) => Err(Problem::new(Code::Unauthorized, "this is not the server's token")),
        None => Err(Problem::new(
            Code::Unauthorized,
            "send the header Authorization: Bearer TOKEN; TOKEN is in the file `token` of the \
             server's data directory",
        )),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_matches() {
        let token = ApiToken::new("secret");
        assert!(token.matches("secret"));
        for wrong in ["", "secre", "secret ", "Secret", "secretsecret"] {
            assert!(!token.matches(wrong), "{wrong}");
        }
        assert!(!format!("{token:?}").contains("secret"));
    }

    #[test]
    fn the_scheme_is_bearer_in_any_case() {
        let header = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, axum::http::HeaderValue::from_static(value));
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(header("Bearer x").as_deref(), Some("x"));
        assert_eq!(header("bearer x").as_deref(), Some("x"));
        assert_eq!(header("Basic x"), None);
        assert_eq!(header("x"), None);
    }
}
