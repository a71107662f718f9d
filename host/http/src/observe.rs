//! What happens around every request: an id, the body of a problem, a line in the log, figures.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;

use crate::app::Shared;
use crate::client::ClientIp;
use crate::problem::Problem;
use crate::tokens::Caller;

/// The header with the request's id.
const HEADER: &str = "x-request-id";

/// Serves a request and tells of it. Paths stay out of the log: some hold tokens.
pub(crate) async fn observe(
    State(shared): State<Arc<Shared>>,
    ClientIp(client): ClientIp,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let id = new_id();
    let method = known(request.method());
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.map_or("(none)", MatchedPath::as_str).to_owned();
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let mut response =
        answer.unwrap_or_else(|_| Problem::internal("a handler panicked").into_response());

    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        if let Some(inside) = problem.inside() {
            tracing::error!(request_id = %id, route, error = inside, "a request failed");
        }
        let is_json = response.headers().get("content-type");
        if is_json.is_some_and(|kind| kind == "application/problem+json") {
            *response.body_mut() = Body::from(problem.body(&id).to_string());
        }
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    let (status, took) = (response.status().as_u16(), started.elapsed());
    shared.metrics.count(&route, method, status, took.as_secs_f64());
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let client = client.map(tracing::field::display);
    match response.extensions_mut().remove::<Caller>() {
        // Who did it: the token by its name and id, never by its text.
        Some(caller) => {
            let (token, token_id) = (caller.name(), caller.id().map(tracing::field::display));
            tracing::info!(request_id = %id, method, route, status, ms, client, token, token_id, "request");
        }
        None => tracing::info!(request_id = %id, method, route, status, ms, client, "request"),
    }
    response
}

/// A fresh id: a random UUID.
fn new_id() -> String {
    let mut bytes = [0; 16];
    // Without randomness the ids are all alike, and requests are served none the worse.
    if let Err(error) = getrandom::fill(&mut bytes) {
        tracing::warn!(%error, "no randomness for a request's id");
    }
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// The method by one of a few names, since anybody may make up new ones.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
