//! A delay that is not allowed.

use serde_json::Value;
use waystation_step::{Error, flow};

use crate::{not_refused, refused};

pub fn run() -> Result<Value, Error> {
    match flow::rerun(0, &(), None) {
        Ok(_) => Err(not_refused("a delay of 0 ms")),
        Err(failure) => Ok(refused(&failure)),
    }
}
