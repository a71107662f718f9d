//! Reads over HTTP.

use serde_json::{Value, json};
use waystation_step::{Error, http};

use crate::Url;

pub fn run(props: Url) -> Result<Value, Error> {
    let response = http::get(&props.url).header("x-conformance", "yes").send()?;
    Ok(json!({
        "status": response.status(),
        "type": response.header("content-type"),
        "body": response.json::<Value>()?,
    }))
}
