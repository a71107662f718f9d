//! Calls what it may not.

use serde_json::Value;
use waystation_step::{Error, http};

use crate::{Url, not_refused, refused};

pub fn run(props: Url) -> Result<Value, Error> {
    match http::get(&props.url).send() {
        Ok(_) => Err(not_refused(&props.url)),
        Err(failure) => Ok(refused(&failure)),
    }
}
