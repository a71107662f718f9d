//! Exports what it may, and tries what it may not.

use serde_json::{Value, json};
use waystation_step::{Error, exports};

use crate::{not_refused, refused};

pub fn run() -> Result<Value, Error> {
    exports::set("answer", &json!({"n": 42}))?;
    exports::set("$summary", "answered")?;
    match exports::set("$resume_data", &1) {
        Ok(()) => Err(not_refused("exporting $resume_data")),
        Err(failure) => Ok(refused(&failure)),
    }
}
