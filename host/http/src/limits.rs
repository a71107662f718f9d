//! `/api/v1/limits`: how much there may be of everything.

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};
use waystation_core::Limits;

use crate::app::Ctx;
use crate::body;
use crate::serve::GRACE;

/// The limits that the operator sets, under the names of the settings file, and those that are
/// fixed.
pub(crate) async fn get(State(shared): Ctx) -> Json<Value> {
    Json(json!({"limits": shared.engine().limits(), "fixed": fixed()}))
}

fn fixed() -> Map<String, Value> {
    let here = [
        ("answers_grace_s", GRACE.as_secs()),
        ("body_behind_s_max", body::SILENCE.as_secs()),
        ("body_bytes_per_s_min", body::SLOWEST),
    ];
    let all = Limits::fixed().into_iter().chain(here);
    all.map(|(name, value)| (name.to_owned(), value.into())).collect()
}
