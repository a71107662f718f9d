//! Returns what it is given.

use serde::Deserialize;
use serde_json::{Value, json};
use waystation_step::Error;

#[derive(Deserialize)]
pub struct Props {
    value: Value,
}

pub fn run(props: Props) -> Result<Value, Error> {
    Ok(json!({"value": props.value}))
}
