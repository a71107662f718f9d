//! Tells what it sees.

use serde::Deserialize;
use serde_json::{Value, json};
use waystation_step::{Error, context};

#[derive(Deserialize)]
struct Steps {
    first: First,
}

#[derive(Deserialize)]
struct First {
    #[serde(rename = "$return_value")]
    returned: Value,
}

pub fn run(props: Value) -> Result<Value, Error> {
    let execution = context::execution();
    Ok(json!({
        "props": props,
        "event": context::event::<Value>()?,
        "before": context::steps::<Steps>()?.first.returned,
        "execution": {
            "workflow": execution.workflow,
            "step": execution.step,
            "attempt": execution.attempt,
            "test": execution.test,
            "runs": context::run::<()>()?.runs,
        },
    }))
}
