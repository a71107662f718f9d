//! The description's programs in their Node form: they do what those in Python do (`seed.rs`).
#![expect(clippy::unwrap_used, reason = "a helper that finds nothing there has failed")]

use serde_json::{Value, json};
use waystation_tests::{Client, Recorder, Reply, Server, http};

/// Deploys one of the programs, and a step after it, and starts it.
fn started(client: &Client, guest: &str, props: &Value) -> String {
    client.push(&format!("tests/{guest}"));
    client.deploy_step_and_next("seed", guest, props);
    client.trigger("seed", &Value::Null)
}

fn export(execution: &Value, name: &str) -> Value {
    execution["steps"]["step"]["exports"][name].clone()
}

fn next_step_ran(execution: &Value) -> bool {
    execution["steps"]["next"]["exports"]["$return_value"] == "the next step ran"
}

/// How long a pause lasts at most.
fn pause_ms(waiting: &Value) -> i64 {
    let at = |field: &str| waiting[field].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    at("deadline").as_millisecond() - at("since").as_millisecond()
}

#[test]
fn an_approval_goes_on_by_one_link_and_ends_by_the_other() {
    let server = Server::start();
    let client = server.client();
    let id = started(client, "seed_js_approval", &json!({}));
    let resume = client.paused(&id)["waiting"]["resume_url"].as_str().unwrap().to_owned();
    http::post(&resume, &json!({"approved": true})).expect(200);
    let execution = client.completed(&id);
    assert_eq!(export(&execution, "$resume_data")["body"], json!({"approved": true}));
    assert!(next_step_ran(&execution));
    let id = client.trigger("seed", &Value::Null);
    let cancel = client.paused(&id)["waiting"]["cancel_url"].as_str().unwrap().to_owned();
    http::get(&cancel).expect(200);
    assert_eq!(client.ended(&id)["status"], "canceled");
}

#[test]
fn a_timeout_of_7_days_is_one() {
    let server = Server::start();
    let id = started(server.client(), "seed_js_timeout", &json!({}));
    let waiting = server.client().paused(&id)["waiting"].clone();
    assert_eq!((&waiting["kind"], pause_ms(&waiting)), (&json!("suspend"), 7 * 24 * 3_600_000));
}

#[test]
fn a_job_is_polled_with_axios_until_it_is_done() {
    let jobs = Recorder::answering(|before, _| Reply {
        status: 200,
        body: json!({"status": if before < 1 { "RUNNING" } else { "DONE" }, "job": 7}),
    });
    let server = Server::start();
    let client = server.client();
    let props = json!({"url": format!("{}/status", jobs.url), "delay": 50});
    let execution = client.completed(&started(client, "seed_js_poll", &props));
    assert_eq!(export(&execution, "$return_value"), json!({"status": "DONE", "job": 7}));
    assert_eq!(execution["steps"]["step"]["runs"], 3);
    assert!(next_step_ran(&execution));
    assert_eq!(jobs.requests().len(), 2);
}

#[test]
fn a_job_that_never_ends_fails_with_the_programs_own_error_and_its_line() {
    let jobs =
        Recorder::answering(|_, _| Reply { status: 200, body: json!({"status": "RUNNING"}) });
    let server = Server::start();
    let client = server.client();
    let id = started(client, "seed_js_poll", &json!({"url": jobs.url, "delay": 20}));
    let error = client.failed(&id);
    assert_eq!(
        (&error["kind"], &error["name"], &error["message"]),
        (&json!("guest_error"), &json!("Error"), &json!("Max retries exceeded"))
    );
    let stack = error["stack"].as_str().unwrap();
    assert!(stack.contains("seed_js_poll.mjs:15"), "{stack}");
    assert_eq!(client.execution(&id)["steps"]["step"]["runs"], 4);
    assert_eq!(jobs.requests().len(), 2);
}

#[test]
fn a_callback_is_processed_within_the_step_that_asked_for_it() {
    let service = Recorder::start();
    let server = Server::start();
    let client = server.client();
    let id = started(client, "seed_js_callback", &json!({"url": service.url}));
    assert_eq!(pause_ms(&client.paused(&id)["waiting"]), 86_400_000);
    let links = service.nth(1).body;
    http::post(links["resume_url"].as_str().unwrap(), &json!({"result": 42})).expect(200);
    let execution = client.completed(&id);
    let returned = export(&execution, "$return_value");
    assert_eq!((&returned["body"], &returned["method"]), (&json!({"result": 42}), &json!("POST")));
    assert!(next_step_ran(&execution));
}

#[test]
fn a_run_gets_the_context_that_the_run_before_passed() {
    let server = Server::start();
    let client = server.client();
    let execution = client.completed(&started(client, "seed_js_context", &json!({})));
    assert_eq!(export(&execution, "$return_value"), json!({"hello": "world"}));
    assert!(next_step_ran(&execution));
}

#[test]
fn a_run_that_asks_for_nothing_ends_its_step_whatever_max_retries_says() {
    let server = Server::start();
    let client = server.client();
    let execution = client.completed(&started(client, "seed_js_max_retries", &json!({})));
    assert_eq!(execution["steps"]["step"]["runs"], 2);
    assert!(next_step_ran(&execution));
}
