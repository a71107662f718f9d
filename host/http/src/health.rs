//! `/healthz` and `/readyz`.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::app::Ctx;
use crate::problem::{Code, Problem};

/// The process answers.
pub(crate) async fn alive() -> Response {
    Json(json!({"status": "ok"})).into_response()
}

/// It takes up work, and under which URL people reach it; 503 while it shuts down.
pub(crate) async fn ready(State(shared): Ctx) -> Result<Response, Problem> {
    if shared.engine().is_ready() {
        return Ok(Json(json!({"status": "ready", "public_url": shared.engine().public_url()}))
            .into_response());
    }
    Err(Problem::new(Code::ShuttingDown, "the server takes up no new work"))
}
