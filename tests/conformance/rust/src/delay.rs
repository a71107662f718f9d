//! Goes on later.

use serde_json::{Value, json};
use waystation_step::{Error, flow};

use crate::Milliseconds;

pub fn run(props: Milliseconds) -> Result<Value, Error> {
    flow::delay(props.ms)?;
    Ok(json!("delayed"))
}
