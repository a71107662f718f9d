//! Answers the trigger's caller.

use serde::Deserialize;
use serde_json::{Value, json};
use waystation_step::http_response::{self, Response};
use waystation_step::{Error, context};

#[derive(Deserialize)]
struct Event {
    body: Value,
}

pub fn run() -> Result<Value, Error> {
    let event: Event = context::event()?;
    let response = Response::json(201, &json!({"got": event.body}))?;
    http_response::respond(response.header("x-answered-by", "conformance"))?;
    Ok(json!("responded"))
}
