//! What a workflow may do, as answers tell it.

use serde_json::{Value, json};
use waystation_core::{Grant, StepName};

/// A grant on its own.
pub(crate) fn view(grant: &Grant) -> Value {
    json!({"step": grant.step, "may": grant.permission.to_string()})
}

/// What `step` may do; with none, what the workflow as a whole may.
pub(crate) fn sentences(grants: &[Grant], step: Option<&StepName>) -> Vec<String> {
    let of_step = grants.iter().filter(|grant| grant.step.as_ref() == step);
    of_step.map(|grant| grant.permission.to_string()).collect()
}
