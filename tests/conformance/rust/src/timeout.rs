//! Pauses for a time of its own.

use serde_json::{Value, json};
use waystation_step::{Error, flow};

use crate::Milliseconds;

pub fn run(props: Milliseconds) -> Result<Value, Error> {
    flow::suspend(Some(props.ms))?;
    Ok(json!("suspended"))
}
