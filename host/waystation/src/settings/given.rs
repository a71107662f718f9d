//! What was given, and where.

use std::collections::BTreeMap;

use serde_json::Value;

use super::limits;
use crate::failure::{Done, Failure};

/// All keys but those of `[limits]`.
const KEYS: [&str; 15] = [
    "listen",
    "data",
    "public_url",
    "trusted_proxies",
    "store",
    "outbound.allow",
    "outbound.private",
    "email.smtp_url",
    "email.from",
    "email.owner",
    "links.get",
    "suspend.on_timeout",
    "log.level",
    "log.format",
    "debug.attach",
];

/// Variables that are ours and no setting of the server.
const OTHER_VARIABLES: [&str; 3] = ["WAYSTATION_TOKEN", "WAYSTATION_URL", "WAYSTATION_CONFIG"];

/// One setting as it was given.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    /// `FILE:LINE`, a variable or a flag.
    pub(super) source: String,
    /// Text, a number, or a list.
    pub(super) value: Value,
}

/// Settings by key; a later source replaces what an earlier one said.
#[derive(Clone, Debug, Default)]
pub(super) struct Given(BTreeMap<String, Setting>);

impl Given {
    pub(super) fn get(&self, key: &str) -> Option<&Setting> {
        self.0.get(key)
    }

    pub(super) fn set(&mut self, key: &str, source: String, value: Value) {
        self.0.insert(key.to_owned(), Setting { source, value });
    }

    /// Takes what the environment says. An empty variable says nothing.
    pub(super) fn environment(&mut self, variables: Vec<(String, String)>) -> Done {
        let keys = keys();
        for (name, value) in variables {
            if value.is_empty() || OTHER_VARIABLES.contains(&name.as_str()) {
                continue;
            }
            if let Some(key) = keys.iter().find(|key| variable(key) == name) {
                self.set(key, name, value.into());
            } else if in_a_section(&name) {
                // Outside the sections there are variables of others: an orchestrator that
                // calls a service "waystation" sets WAYSTATION_PORT and more.
                return Err(Failure::usage(format!(
                    "{name}: there is no such setting; see `waystation serve --help`"
                )));
            }
        }
        Ok(())
    }
}

/// All keys there are.
pub(super) fn keys() -> Vec<String> {
    let plain = KEYS.iter().map(|key| (*key).to_owned());
    plain.chain(limits::names().into_iter().map(|name| format!("limits.{name}"))).collect()
}

/// The variable that sets `key`.
fn variable(key: &str) -> String {
    format!("WAYSTATION_{}", key.replace('.', "_").to_ascii_uppercase())
}

fn in_a_section(name: &str) -> bool {
    ["OUTBOUND", "EMAIL", "LINKS", "SUSPEND", "LIMITS", "LOG", "DEBUG"].iter().any(|section| {
        name.strip_prefix("WAYSTATION_")
            .and_then(|rest| rest.strip_prefix(section))
            .is_some_and(|rest| rest.starts_with('_'))
    })
}
