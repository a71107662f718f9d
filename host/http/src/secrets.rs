//! `/api/v1/secrets`. Nothing here answers a value, nor quotes a body that may hold one.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};
use waystation_core::{SecretName, SecretTerms, SecretValue, UrlPattern};
use waystation_engine::{PutSecretError, SecretView};
use waystation_store::DeleteError;
use zeroize::Zeroizing;

use crate::app::Ctx;
use crate::params::{Segment, missing_named};
use crate::problem::{Code, Problem};
use crate::{body, json_body};

/// Sets a secret. 201, or 200 when there was one of this name.
pub(crate) async fn put(
    State(shared): Ctx,
    name: Segment,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<SecretView>), Problem> {
    let name: SecretName = name.name()?;
    let limits = shared.engine().limits();
    let bytes_max = limits.body_bytes_max;
    let body = body::read(limits, &headers, body, bytes_max).await?;
    let body = json_body::parse(&headers, body, bytes_max)?;
    let (terms, value) = read(body.to_value())?;
    let (secret, created) = shared.engine().put_secret(name, terms, &value).await?;
    tracing::info!(name = secret.name.as_str(), "a secret was set");
    Ok((if created { StatusCode::CREATED } else { StatusCode::OK }, Json(secret)))
}

/// All of them, by name.
pub(crate) async fn list(State(shared): Ctx) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({"items": shared.engine().secrets().await?})))
}

/// Takes one away; 409 while a workflow names it.
pub(crate) async fn delete(State(shared): Ctx, segment: Segment) -> Result<StatusCode, Problem> {
    let name: SecretName = segment.existing(Code::UnknownSecret)?;
    match shared.engine().delete_secret(&name).await {
        Ok(()) => {
            tracing::info!(name = name.as_str(), "a secret was removed");
            Ok(StatusCode::NO_CONTENT)
        }
        Err(DeleteError::NotFound) => Err(missing_named(Code::UnknownSecret, name.as_str())),
        Err(error) => Err(error.into()),
    }
}

/// The terms and the value in a body. By hand: a reader's own errors quote what they read.
fn read(body: Value) -> Result<(SecretTerms, SecretValue), Problem> {
    let Value::Object(mut fields) = body else {
        return Err(invalid("the body", "an object of value, for and reveal is allowed"));
    };
    let value = match fields.remove("value") {
        Some(Value::String(value)) => Zeroizing::new(value),
        _ => return Err(invalid("value", "a string is needed")),
    };
    let value = SecretValue::new(value).map_err(PutSecretError::from)?;
    let terms =
        SecretTerms { destinations: destinations(&mut fields)?, reveal: reveal(&mut fields)? };
    match fields.keys().next() {
        Some(_) => Err(invalid("the body", "it has a key besides value, for and reveal")),
        None => Ok((terms, value)),
    }
}

fn destinations(fields: &mut Map<String, Value>) -> Result<Vec<UrlPattern>, Problem> {
    let texts = match fields.remove("for") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(texts)) => texts,
        Some(_) => return Err(invalid("for", "a list of patterns is allowed")),
    };
    let pattern = |(index, text): (usize, Value)| {
        let place = format!("for[{index}]");
        let text = text.as_str().ok_or_else(|| invalid(&place, "a pattern is a string"))?;
        text.parse::<UrlPattern>().map_err(|error| invalid(&place, &error.to_string()))
    };
    texts.into_iter().enumerate().map(pattern).collect()
}

fn reveal(fields: &mut Map<String, Value>) -> Result<bool, Problem> {
    match fields.remove("reveal") {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(reveal)) => Ok(reveal),
        Some(_) => Err(invalid("reveal", "true or false is allowed")),
    }
}

fn invalid(place: &str, problem: &str) -> Problem {
    Problem::new(Code::InvalidSecret, format!("{place}: {problem}")).with("place", place.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_says_value_and_terms() {
        let body = json!({"value": "correct horse", "for": ["https://h/v1"], "reveal": true});
        let (terms, value) = read(body).unwrap();
        assert_eq!(value.reveal(), "correct horse");
        assert!(terms.reveal);
        assert_eq!(terms.destinations[0].to_string(), "https://h/v1");
    }

    #[test]
    fn what_is_wrong_is_told_without_the_value() {
        for (bad, place) in [
            (json!("correct horse"), "the body"),
            (json!({"for": ["https://h"]}), "value"),
            (json!({"value": ["correct horse"]}), "value"),
            (json!({"value": "short"}), "value"),
            (json!({"value": "correct horse", "for": "https://h"}), "for"),
            (json!({"value": "correct horse", "for": [1]}), "for[0]"),
            (json!({"value": "correct horse", "for": ["https://h", "h"]}), "for[1]"),
            (json!({"value": "correct horse", "reveal": "yes"}), "reveal"),
            (json!({"value": "correct horse", "correct horse": 1}), "the body"),
        ] {
            let problem = read(bad).unwrap_err();
            let body = problem.body("id");
            assert_eq!(
                (body["code"].as_str(), body["place"].as_str()),
                (Some("invalid_secret"), Some(place))
            );
            assert!(!body.to_string().contains("horse"), "{body}");
        }
    }
}
