//! Workflows of the guest `tests/toolbox`, which does what its props say.

use serde_json::{Value, json};

use crate::{Client, run_id};

/// Uploads the toolbox and deploys a workflow of one step `step`, which does `actions`.
#[track_caller]
pub fn deploy(client: &Client, name: &str, actions: &Value) {
    client.push("tests/toolbox");
    client.deploy_step(name, "tests/toolbox", &json!({"do": actions}));
}

/// The same with a second step `next`, which returns a text.
#[track_caller]
pub fn deploy_and_next(client: &Client, name: &str, actions: &Value) {
    client.push("tests/toolbox");
    client.deploy_step_and_next(name, "tests/toolbox", &json!({"do": actions}));
}

/// Runs one step that does `actions`; the execution's id.
#[track_caller]
pub fn trigger(client: &Client, actions: &Value) -> String {
    trigger_step(client, json!({"props": {"do": actions}}))
}

/// Runs one step with these fields beside its name, component and permissions; the execution's
/// id.
#[track_caller]
pub fn trigger_step(client: &Client, mut fields: Value) -> String {
    client.push("tests/toolbox");
    fields["name"] = "step".into();
    fields["component"] = "toolbox".into();
    if fields["allow"].is_null() {
        fields["allow"] = json!({"http": ["http://127.0.0.1:*"], "email": true});
    }
    client.deploy(&json!({"name": "toolbox", "trigger": {"http": {}}, "steps": [fields]}));
    client.trigger("toolbox", &Value::Null)
}

/// The return value of a toolbox step that does `actions`.
#[track_caller]
pub fn result(client: &Client, actions: &Value) -> Value {
    let id = trigger(client, actions);
    let execution = client.completed(&id);
    debug_assert_eq!(run_id(&execution), id);
    execution["steps"]["step"]["exports"]["$return_value"].clone()
}
