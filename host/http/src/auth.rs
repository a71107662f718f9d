//! Who may use `/api`: a token says who it is, its scopes say what it may do.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use waystation_core::Scope;

use crate::app::Shared;
use crate::client::ClientIp;
use crate::problem::{Code, Problem};
use crate::rates;
use crate::tokens::Caller;

/// Lets a request with a token pass, and remembers whose it is.
pub(crate) async fn authenticate(
    State(shared): State<Arc<Shared>>,
    client: ClientIp,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let Some(token) = bearer(request.headers()) else {
        return Err(Problem::new(
            Code::Unauthorized,
            "send the header Authorization: Bearer TOKEN; `waystation token create` makes one, \
             and the server's own is in the file `token` of its data directory",
        ));
    };
    // Before anything is compared: one who guesses learns nothing, not even that a guess was right.
    rates::may_show_a_token(&shared, client)?;
    let Some(caller) = shared.app.tokens.find(token, shared.app.clock.now()) else {
        rates::showed_a_wrong_token(&shared, client);
        let detail = "this is no token of this server, or it has expired or was revoked";
        return Err(Problem::new(Code::Unauthorized, detail));
    };
    request.extensions_mut().insert(caller.clone());
    let mut response = next.run(request).await;
    response.extensions_mut().insert(caller);
    Ok(response)
}

/// Lets a caller pass who may do what asks for `scope`.
pub(crate) async fn require(
    scope: Scope,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let caller = request.extensions().get::<Caller>();
    if caller.is_some_and(|caller| caller.allows(scope)) {
        return Ok(next.run(request).await);
    }
    let detail = format!("this token may not do that: it lacks the scope {scope}");
    Err(Problem::new(Code::Forbidden, detail).with("scope", scope.as_str().into()))
}

/// The token, if there is one, and one only.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?.to_str().ok()?, values.next()) else { return None };
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_bearer_in_any_case_and_stands_once() {
        let header = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, axum::http::HeaderValue::from_static(value));
            }
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(header(&["Bearer x"]).as_deref(), Some("x"));
        assert_eq!(header(&["bearer x"]).as_deref(), Some("x"));
        assert_eq!(header(&["Basic x"]), None);
        assert_eq!(header(&["x"]), None);
        assert_eq!(header(&["Bearer x", "Bearer x"]), None);
        assert_eq!(header(&[]), None);
    }
}
