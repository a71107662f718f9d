//! Hostile guests, from `guests/` and from elsewhere.

use std::fs;

use serde_json::{Value, json};
use waystation_tests::{Client, guests, run_id};

/// The text of a guest.
pub(crate) fn text(name: &str) -> String {
    let file = guests::repository().join(format!("tests/hostile/guests/{name}.wat"));
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// What a guest tries: the comment it begins with.
pub(crate) fn tries(name: &str) -> String {
    let text = text(name);
    let lines = text.lines().map_while(|line| line.strip_prefix(";; "));
    let comment = lines.collect::<Vec<_>>().join(" ");
    assert!(!comment.is_empty(), "{name} does not say what it tries");
    comment
}

/// The component of a guest, whose text is the items of a module, or a whole component.
pub(crate) fn component(name: &str) -> Vec<u8> {
    let text = text(name);
    let is_whole = text.lines().any(|line| line == "(component");
    if is_whole { wat::parse_str(text).expect(name) } else { waystation_wat::module(&text) }
}

/// Uploads a component and deploys a workflow of one step `step` under the same name; `fields`
/// are the step's, beside its name and its component.
#[track_caller]
pub(crate) fn deploy(client: &Client, name: &str, component: Vec<u8>, fields: &Value) {
    let name = name_of(name);
    let answer = client.put_component(&name, component);
    assert!(matches!(answer.status, 200 | 201), "{name}: {}", answer.text());
    let mut step = fields.clone();
    step["name"] = "step".into();
    step["component"] = name.as_str().into();
    client.deploy(&json!({"name": name, "trigger": {"http": {}}, "steps": [step]}));
}

/// Starts what [`deploy`] has deployed; the execution's id.
#[track_caller]
pub(crate) fn trigger(client: &Client, name: &str, event: &Value) -> String {
    let path = format!("/api/v1/workflows/{}/executions", name_of(name));
    run_id(&client.post(&path, event).expect(201).json())
}

/// A name that components and workflows can have.
fn name_of(name: &str) -> String {
    name.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-")
}
