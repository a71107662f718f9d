//! What an attack is, and how it may end.

use std::time::Duration;

use serde_json::Value;
use waystation_tests::{Answer, Client};

/// One attack, and what has to hold.
#[derive(Clone, Debug)]
pub(crate) struct Attack {
    pub(crate) name: String,
    /// What it tries, in a sentence.
    pub(crate) tries: String,
    /// The ways it may end: kinds of errors, codes of refusals, statuses.
    pub(crate) endings: &'static [&'static str],
    /// A part of the message.
    pub(crate) says: &'static str,
    /// From its start to its end.
    pub(crate) within: Duration,
    /// What the server may grow by while it is made, in MiB.
    pub(crate) grows_mib: u64,
    /// What of this the server may keep when it is over, in MiB.
    pub(crate) keeps_mib: u64,
}

/// How an attack ended.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    /// The kind of the error, the code of the refusal, or the status.
    pub(crate) ending: String,
    /// What was said about it.
    pub(crate) message: String,
}

impl Attack {
    /// An attack that ends in one of these ways, within ten seconds; the server grows by 64 MiB
    /// at most and keeps 48 MiB at most: its allocator is in no hurry to give back.
    pub(crate) fn new(name: &str, tries: &str, endings: &'static [&'static str]) -> Attack {
        Attack {
            name: name.to_owned(),
            tries: tries.to_owned(),
            endings,
            says: "",
            within: Duration::from_secs(10),
            grows_mib: 64,
            keeps_mib: 48,
        }
    }

    pub(crate) fn says(self, says: &'static str) -> Attack {
        Attack { says, ..self }
    }

    pub(crate) fn within_s(self, seconds: u64) -> Attack {
        Attack { within: Duration::from_secs(seconds), ..self }
    }

    pub(crate) fn grows_mib(self, grows_mib: u64) -> Attack {
        Attack { grows_mib, ..self }
    }

    pub(crate) fn keeps_mib(self, keeps_mib: u64) -> Attack {
        Attack { keeps_mib, ..self }
    }
}

impl Got {
    pub(crate) fn new(ending: impl Into<String>, message: impl Into<String>) -> Got {
        Got { ending: ending.into(), message: message.into() }
    }

    /// The end of an execution, which is waited for.
    pub(crate) fn end_of(client: &Client, id: &str) -> Got {
        let execution = client.ended(id);
        match &execution["error"] {
            Value::Null => Got::new(text(&execution["status"]), value_of(&execution)),
            error => Got::new(text(&error["kind"]), text(&error["message"])),
        }
    }

    /// An answer: the code of the problem, or the status.
    pub(crate) fn answer(answer: &Answer) -> Got {
        if answer.header("content-type") == "application/problem+json" {
            let problem = answer.json();
            return Got::new(text(&problem["code"]), text(&problem["detail"]));
        }
        Got::new(answer.status.to_string(), answer.text())
    }
}

/// What the step gave back.
fn value_of(execution: &Value) -> String {
    match &execution["steps"]["step"]["exports"]["$return_value"] {
        Value::Null => String::new(),
        value => value.to_string(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
