//! What an earlier version stored, this one opens and goes on with.
#![expect(clippy::unwrap_used, reason = "a helper that finds nothing there has failed")]

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use waystation_tests::{Clock, Server, ServerOptions, formats, http};

/// The clock as it was when the directory was made: deadlines are not over.
fn clock_of(expected: &Value) -> Clock {
    let made = expected["executions"]["cut-off"]["triggered_at"].as_str().unwrap();
    let made: jiff::Timestamp = made.parse().unwrap();
    let ago = jiff::Timestamp::now().as_second() - made.as_second();
    let clock = Clock::new();
    clock.turn_back(Duration::from_secs(ago.try_into().unwrap()));
    clock.advance(Duration::from_secs(60));
    clock
}

fn here(server: &Server<'_>, link: &Value) -> String {
    let link = link.as_str().unwrap();
    let path = link.match_indices('/').nth(2).map(|(start, _)| &link[start..]);
    format!("{}{}", server.client().url, path.unwrap())
}

#[test]
fn every_stored_format_opens_and_goes_on() {
    let mut formats = 0;
    for format in fs::read_dir(formats::folder()).unwrap() {
        let format = format.unwrap().path();
        if format.is_dir() {
            goes_on(&format);
            formats += 1;
        }
    }
    assert!(formats >= 1);
}

fn goes_on(format: &std::path::Path) {
    let data = tempfile::tempdir().unwrap();
    let expected = formats::take(format, data.path());
    let executions = &expected["executions"];
    let clock = clock_of(&expected);
    let server = ServerOptions::new().data(data.path()).clock(&clock).start();
    let client = server.client();
    let id = |what: &str| executions[what]["id"].as_str().unwrap().to_owned();

    // Nothing is lost, and nothing has changed that has nothing to do.
    let report = client.get("/api/v1/check").expect(200).json();
    assert_eq!(report["problems"], json!([]));
    assert_eq!(report["executions"], executions.as_object().unwrap().len());
    for what in [
        "suspended",
        "canceling",
        "delayed",
        "failed",
        "completed",
        "canceled",
        "rerun",
        "retrying",
    ] {
        let mut found = client.execution(&id(what));
        let mut kept = executions[what].clone();
        for link in ["resume_url", "cancel_url", "approval_url"] {
            for execution in [&mut found, &mut kept] {
                if execution["waiting"][link].is_string() {
                    execution["waiting"][link] = here(&server, &execution["waiting"][link]).into();
                }
            }
        }
        assert_eq!(found, kept, "{what}");
    }
    assert!(client.log(&id("suspended")).contains("a line"));

    // Links go on working, also that of a run that was cut off, called before its host died.
    let link = |what: &str| here(&server, &executions[what]["waiting"]["resume_url"]);
    http::post(&link("suspended"), &json!("no object")).expect(422);
    http::post(&link("suspended"), &json!({"yes": 1})).expect(200);
    let resumed = client.completed(&id("suspended"));
    assert_eq!(resumed["steps"]["step"]["exports"]["$resume_data"]["body"], json!({"yes": 1}));
    http::post(&link("rerun"), &json!({})).expect(200);
    let third = client.when(&id("rerun"), "after its third run", |execution| {
        execution["status"] == "suspended" && execution["steps"]["step"]["runs"] == 3
    });
    assert_eq!(third["waiting"]["kind"], "rerun");
    let cut_off = client.completed(&id("cut-off"));
    assert_eq!(cut_off["steps"]["step"]["attempt"], 2);
    assert_eq!(cut_off["steps"]["step"]["exports"]["$resume_data"]["body"], json!({"early": true}));
    let again = client.request("POST", "/api/v1/workflows/cut-off/executions");
    let key = expected["idempotency_key"].as_str().unwrap();
    let again = again.header("idempotency-key", key).json(&Value::Null).send().expect(200);
    assert_eq!(again.json()["id"], executions["cut-off"]["id"]);

    // And so do deadlines.
    clock.advance(Duration::from_secs(8 * 86_400));
    assert_eq!(client.ended(&id("canceling"))["status"], "canceled");
    client.completed(&id("delayed"));
    client.completed(&id("retrying"));
    let report = client.get("/api/v1/check").expect(200).json();
    assert_eq!(report["problems"], json!([]));
}
