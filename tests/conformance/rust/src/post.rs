//! Writes over HTTP.

use serde::Deserialize;
use serde_json::{Value, json};
use waystation_step::{Error, http};

#[derive(Deserialize)]
pub struct Props {
    url: String,
    value: Value,
}

pub fn run(props: Props) -> Result<Value, Error> {
    let response = http::post(&props.url).json(&props.value)?.send()?;
    Ok(json!({"status": response.status(), "body": response.json::<Value>()?}))
}
