//! Ends the workflow.

use serde::Deserialize;
use serde_json::{Value, json};
use waystation_step::{Error, flow};

#[derive(Deserialize)]
pub struct Props {
    reason: String,
}

pub fn run(props: Props) -> Result<Value, Error> {
    flow::exit(Some(&props.reason));
    Ok(json!("done"))
}
