//! Fails.

use serde::Deserialize;
use serde_json::Value;
use waystation_step::Error;

#[derive(Deserialize)]
pub struct Props {
    message: String,
    retryable: bool,
}

pub fn run(props: Props) -> Result<Value, Error> {
    reserve(&props)?;
    Ok(Value::Null)
}

fn reserve(props: &Props) -> Result<(), Error> {
    let error = Error::new(&props.message).named("OutOfStock");
    Err(if props.retryable { error } else { error.permanent() })
}
