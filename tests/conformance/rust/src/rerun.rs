//! Runs three times, and counts in its context.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use waystation_step::{Error, context, flow};

use crate::Milliseconds;

#[derive(Deserialize, Serialize)]
struct Count {
    n: u32,
    text: String,
}

pub fn run(props: Milliseconds) -> Result<Value, Error> {
    let run = context::run::<Count>()?;
    if run.runs == 3 {
        return Ok(json!({"runs": run.runs, "context": run.context}));
    }
    let n = run.context.map_or(0, |count| count.n) + 1;
    flow::rerun(props.ms, &Count { n, text: "zwölf Boxkämpfer 🥊".into() }, None)?;
    Ok(Value::Null)
}
