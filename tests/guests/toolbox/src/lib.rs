//! A step that does what its props say: `{"do": [{"suspend": {}}, {"sleep": 100}]}`.
//!
//! The actions happen in order. What the last one found out is the return value.

mod action;
mod harm;
mod secret;

use serde::Deserialize;
use serde_json::Value;
use waystation_step::{Error, context};

use action::Action;

#[derive(Deserialize)]
struct Props {
    /// What happens in the first run, or in every run when there is no `later`.
    #[serde(rename = "do")]
    first: Vec<Action>,
    /// What happens in the runs after the first.
    later: Option<Vec<Action>>,
}

#[waystation_step::handler]
fn handler(props: Props) -> Result<Value, Error> {
    let runs = context::run::<Value>()?.runs;
    let actions = match props.later {
        Some(later) if runs > 1 => later,
        _ => props.first,
    };
    let mut found = Value::Null;
    let mut links = None;
    for action in actions {
        found = action.act(&mut links, &found)?;
    }
    Ok(found)
}
