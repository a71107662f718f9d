//! Pauses, and tells the links.

use serde_json::{Value, json};
use waystation_step::{Error, flow};

pub fn run() -> Result<Value, Error> {
    Ok(json!(flow::suspend(None)?))
}
