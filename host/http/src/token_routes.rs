//! `/api/v1/tokens`.

use std::collections::BTreeSet;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use waystation_core::{Scope, TokenId, TokenName};
use waystation_store::DeleteError;

use crate::app::Ctx;
use crate::params::{Segment, missing_named};
use crate::problem::{Code, Problem};
use crate::tokens::{MadeToken, NotMade, TOKENS_MAX};
use crate::{body, json_body};

/// The longest life of a token that has an end.
const EXPIRES_DAYS_MAX: u64 = 3650;

const DAY_MS: u64 = 86_400_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    name: TokenName,
    scopes: BTreeSet<Scope>,
    expires_days: Option<u64>,
}

impl Wish {
    fn read(value: &Value) -> Result<Wish, Problem> {
        let invalid = |place: &str, why: &dyn std::fmt::Display| {
            Problem::new(Code::InvalidParameter, format!("{place}: {why}"))
                .with("parameter", place.into())
        };
        let wish: Wish = serde_path_to_error::deserialize(value).map_err(|error| {
            let place = error.path().to_string();
            let place = if place == "." { "the body" } else { place.as_str() };
            invalid(place, error.inner())
        })?;
        if wish.scopes.is_empty() {
            return Err(invalid("scopes", &"one of read, operate, deploy and admin, or more"));
        }
        if wish.expires_days.is_some_and(|days| !(1..=EXPIRES_DAYS_MAX).contains(&days)) {
            let allowed = format!("a whole number from 1 to {EXPIRES_DAYS_MAX} is allowed");
            return Err(invalid("expires_days", &allowed));
        }
        Ok(wish)
    }
}

/// Makes one: 201, with its text, this once.
pub(crate) async fn create(
    State(shared): Ctx,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<MadeToken>), Problem> {
    let limits = shared.engine().limits();
    let body = body::read(limits, &headers, body, limits.body_bytes_max).await?;
    let body = json_body::parse(&headers, body, limits.payload_bytes_max)?;
    let wish = Wish::read(&body.to_value())?;
    let now = shared.app.clock.now();
    let expires_at = wish.expires_days.map(|days| now.plus_millis(days * DAY_MS));
    let made = shared.app.tokens.make(wish.name, wish.scopes, now, expires_at).await;
    let made = made.map_err(|error| match error {
        NotMade::TooMany => Problem::new(
            Code::TooManyTokens,
            format!("there are {TOKENS_MAX} tokens already; revoke one first"),
        ),
        NotMade::NoRandomness(error) => Problem::internal(error),
        NotMade::Store(error) => error.into(),
    })?;
    tracing::info!(made = %made.id(), "a token was made");
    Ok((StatusCode::CREATED, Json(made)))
}

/// All of them, without their texts.
pub(crate) async fn list(State(shared): Ctx) -> Json<Value> {
    Json(json!({"items": shared.app.tokens.list()}))
}

/// Takes one away: it is nobody's from then on.
pub(crate) async fn revoke(State(shared): Ctx, segment: Segment) -> Result<StatusCode, Problem> {
    let id: TokenId = segment.existing(Code::UnknownToken)?;
    match shared.app.tokens.revoke(id).await {
        Ok(()) => {
            tracing::info!(revoked = %id, "a token was revoked");
            Ok(StatusCode::NO_CONTENT)
        }
        Err(DeleteError::NotFound) => Err(missing_named(Code::UnknownToken, &id.to_string())),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_read_and_what_is_wrong_is_named() {
        let good = json!({"name": "ci", "scopes": ["deploy", "read"], "expires_days": 3650});
        let wish = Wish::read(&good).unwrap();
        assert_eq!(wish.scopes, [Scope::Read, Scope::Deploy].into());
        for (body, place) in [
            (json!(null), "the body"),
            (json!({"scopes": ["read"]}), "the body"),
            (json!({"name": "a b", "scopes": ["read"]}), "name"),
            (json!({"name": "a", "scopes": []}), "scopes"),
            (json!({"name": "a", "scopes": ["write"]}), "scopes[0]"),
            (json!({"name": "a", "scopes": ["read"], "expires_days": 0}), "expires_days"),
            (json!({"name": "a", "scopes": ["read"], "expires_days": 3651}), "expires_days"),
            (json!({"name": "a", "scopes": ["read"], "id": "x"}), "id"),
        ] {
            let problem = Wish::read(&body).err().unwrap();
            assert_eq!(problem.body("")["parameter"], place, "{}", problem.detail);
        }
    }
}
