//! Asks a person.

use serde::Deserialize;
use serde_json::{Value, json};
use waystation_step::Error;
use waystation_step::flow::{self, OnTimeout, SuspendOptions};

#[derive(Deserialize)]
pub struct Props {
    message: String,
    schema: Value,
}

pub fn run(props: Props) -> Result<Value, Error> {
    flow::suspend_with(SuspendOptions {
        timeout_ms: Some(60_000),
        on_timeout: Some(OnTimeout::Cancel),
        message: Some(props.message),
        resume_schema: Some(props.schema),
    })?;
    Ok(json!("asked"))
}
