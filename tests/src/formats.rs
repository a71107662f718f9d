//! Stored data directories, one for each format that was ever released: `tests/formats/FORMAT/`.
//!
//! `make` brings a server into every kind of state and keeps what `kill -9` leaves of it, with a
//! file `expected.json` that says what is in it. A later version has to open it and go on.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::{Client, Recorder, ServerOptions, guests, http, toolbox};

const WEEK_MS: u64 = 7 * 86_400_000;

/// What is kept of a data directory.
const KEPT: [&str; 3] = ["components", "link-keys", "store"];

/// Where the directories are.
pub fn folder() -> PathBuf {
    guests::repository().join("tests/formats")
}

/// Makes a directory of the present format in `folder`, which is made.
///
/// # Panics
///
/// Anything went wrong.
pub fn make(folder: &Path) {
    // Nobody listens there: the mail stays in the queue.
    let smtp = "smtp://127.0.0.1:9";
    let server = ServerOptions::new().env("WAYSTATION_EMAIL_SMTP_URL", smtp).start();
    let expected = fill(server.client());
    let stopped = server.kill();
    fs::create_dir_all(folder).expect("the folder is made");
    KEPT.into_iter().for_each(|name| copy(&stopped.data().join(name), &folder.join(name)));
    let text = serde_json::to_string_pretty(&expected).expect("JSON");
    fs::write(folder.join("expected.json"), text + "\n").expect("what is expected is written");
}

/// Copies a stored directory to where a server can work on it; what is expected of it.
///
/// # Panics
///
/// Anything went wrong.
pub fn take(format: &Path, data: &Path) -> Value {
    KEPT.into_iter().for_each(|name| copy(&format.join(name), &data.join(name)));
    let text = fs::read_to_string(format.join("expected.json")).expect("what is expected");
    serde_json::from_str(&text).expect("JSON")
}

/// Brings a server into every kind of state; the executions as it shows them, by what they are.
fn fill(client: &Client) -> Value {
    let recorder = Recorder::start();
    let deploy = |name: &str, actions: Value| toolbox::deploy_and_next(client, name, &actions);
    let schema = json!({"type": "object"});
    let message = "Shall we?";
    deploy(
        "suspended",
        json!([
            {"log": "a line"},
            {"export": ["x", {"deep": [1, "two"]}]},
            {"suspend": {"timeout_ms": WEEK_MS, "message": message, "resume_schema": schema}},
        ]),
    );
    deploy("canceling", json!([{"suspend": {"timeout_ms": WEEK_MS, "on_timeout": "cancel"}}]));
    deploy("delayed", json!([{"delay": WEEK_MS}]));
    deploy("failed", json!([{"fail": {"message": "as told", "permanent": true}}]));
    deploy("completed", json!([{"email": {"to": ["a@example.org"], "subject": "S", "text": "T"}}]));
    deploy("canceled", json!([{"suspend": {}}]));
    let mut executions = json!({});
    for name in ["suspended", "canceling", "delayed"] {
        executions[name] = client.paused(&client.trigger(name, &json!({"event of": name})));
    }
    executions["failed"] = client.ended(&client.trigger("failed", &Value::Null));
    let large = json!("x".repeat(9000));
    executions["completed"] = client.completed(&client.trigger("completed", &large));
    let canceled = client.trigger("canceled", &Value::Null);
    let link = client.paused(&canceled)["waiting"]["cancel_url"].clone();
    http::get(link.as_str().expect("a link")).expect(200);
    executions["canceled"] = client.ended(&canceled);
    executions["rerun"] = rerun(client);
    executions["retrying"] = retrying(client);

    // Under way when its host dies, its link called already.
    deploy("cut-off", json!([{"suspend": {}}, {"post_links": recorder.url}, {"sleep": 2000}]));
    let key = "a-key";
    let request = client.request("POST", "/api/v1/workflows/cut-off/executions");
    let cut_off = request.header("idempotency-key", key).json(&Value::Null).send().expect(201);
    let link = recorder.links(1)["resume_url"].clone();
    http::post(link.as_str().expect("a link"), &json!({"early": true})).expect(202);
    let id = crate::run_id(&cut_off.json());
    executions["cut-off"] = client.execution(&id);
    json!({"executions": executions, "idempotency_key": key})
}

fn rerun(client: &Client) -> Value {
    let first = json!([{"rerun": {"delay_ms": 1, "context": {"n": 1}}}]);
    let later = json!([{"rerun": {"delay_ms": WEEK_MS, "context": {"n": 2}}}]);
    client.deploy_step_and_next("rerun", "tests/toolbox", &json!({"do": first, "later": later}));
    client.when(&client.trigger("rerun", &Value::Null), "after its second run", |execution| {
        execution["status"] == "suspended" && execution["steps"]["step"]["runs"] == 2
    })
}

fn retrying(client: &Client) -> Value {
    let failing = json!({"do": [{"fail": {"message": "the first time", "attempts": 1}}]});
    client.deploy(&json!({"name": "retrying", "trigger": {"http": {}}, "steps": [{
        "name": "step", "component": "toolbox", "props": failing,
        "retry": {"attempts": 3, "backoff_ms": WEEK_MS, "factor": 1},
    }]}));
    client.paused(&client.trigger("retrying", &Value::Null))
}

fn copy(from: &Path, to: &Path) {
    if from.is_file() {
        fs::copy(from, to).expect("a file is copied");
        return;
    }
    fs::create_dir_all(to).expect("a folder is made");
    for entry in fs::read_dir(from).expect("a folder is read").flatten() {
        copy(&entry.path(), &to.join(entry.file_name()));
    }
}
