//! Writes to the run's log.

use serde::Deserialize;
use serde_json::{Value, json};
use waystation_step::Error;

#[derive(Deserialize)]
pub struct Props {
    text: String,
}

pub fn run(props: Props) -> Result<Value, Error> {
    println!("out: {}", props.text);
    eprintln!("err: {}", props.text);
    Ok(json!("logged"))
}
