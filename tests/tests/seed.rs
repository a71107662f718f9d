//! The programs of the description that Waystation follows, as they stand there.
#![expect(clippy::unwrap_used, reason = "a helper that finds nothing there has failed")]

use std::time::Duration;

use serde_json::{Value, json};
use waystation_tests::{Client, Clock, Recorder, Reply, Server, ServerOptions, http, toolbox};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Deploys one of the programs, and a step after it; starts it and waits until it is paused.
fn paused(client: &Client, guest: &str, props: &Value) -> (String, Value) {
    client.push(&format!("tests/{guest}"));
    client.deploy_step_and_next("seed", guest, props);
    let id = client.trigger("seed", &Value::Null);
    let waiting = client.paused(&id)["waiting"].clone();
    (id, waiting)
}

fn export(execution: &Value, name: &str) -> Value {
    execution["steps"]["step"]["exports"][name].clone()
}

fn next_step_ran(execution: &Value) -> bool {
    execution["steps"]["next"]["exports"]["$return_value"] == "the next step ran"
}

#[test]
fn a_suspended_workflow_goes_on_when_a_browser_opens_the_resume_link() {
    let server = Server::start();
    let (id, waiting) = paused(server.client(), "seed_approval", &json!({}));
    let page = http::request("GET", waiting["resume_url"].as_str().unwrap())
        .header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
        .send()
        .expect(200);
    assert!(page.header("content-type").starts_with("text/html"), "{page:?}");
    let execution = server.client().completed(&id);
    assert!(next_step_ran(&execution));
    let data = export(&execution, "$resume_data");
    assert_eq!((&data["method"], &data["body"]), (&json!("GET"), &Value::Null));
    assert_eq!(export(&execution, "$resume")["reason"], "request");
}

#[test]
fn what_is_sent_to_the_resume_link_is_the_resume_data() {
    let server = Server::start();
    let client = server.client();
    client.push("tests/seed_approval");
    client.deploy_step_and_next("seed", "seed_approval", &json!({}));
    for (method, kind, sent, received) in [
        (
            "POST",
            "application/json",
            &br#"{"ok":true,"n":[1,2.5,null]}"#[..],
            json!({"ok": true, "n": [1, 2.5, null]}),
        ),
        (
            "PUT",
            "application/x-www-form-urlencoded",
            b"who=Ada+L&ok=yes",
            json!({"who": "Ada L", "ok": "yes"}),
        ),
        ("PATCH", "text/plain; charset=utf-8", "schön".as_bytes(), json!("schön")),
        ("DELETE", "application/octet-stream", b"\x00\xff\x01", json!({"base64": "AP8B"})),
    ] {
        let id = client.trigger("seed", &Value::Null);
        let url = client.paused(&id)["waiting"]["resume_url"].as_str().unwrap().to_owned();
        let answer =
            http::request(method, &format!("{url}?from=mail")).body(kind, sent).send().expect(200);
        assert_eq!(answer.json()["outcome"], "resumed");
        assert_eq!(answer.json()["execution"], json!(id));
        let execution = client.completed(&id);
        let data = export(&execution, "$resume_data");
        assert_eq!(data["body"], received, "{kind}");
        assert_eq!(
            (&data["method"], &data["headers"]["content-type"]),
            (&json!(method), &json!(kind))
        );
        assert_eq!(
            (&data["query"]["from"], &data["client_ip"]),
            (&json!("mail"), &json!("127.0.0.1"))
        );
        assert!(next_step_ran(&execution));
    }
}

#[test]
fn the_cancel_link_cancels_and_no_later_step_runs() {
    let server = Server::start();
    let (id, waiting) = paused(server.client(), "seed_approval", &json!({}));
    let answer = http::get(waiting["cancel_url"].as_str().unwrap()).expect(200).json();
    assert_eq!(answer["outcome"], "canceled");
    let execution = server.client().ended(&id);
    assert_eq!(execution["status"], "canceled");
    assert_eq!(execution["steps"]["next"]["runs"], 0, "{execution:#}");
    assert_eq!(export(&execution, "$resume_data"), Value::Null);
}

#[test]
fn after_24_hours_without_an_answer_the_workflow_goes_on() {
    let clock = Clock::new();
    let server = ServerOptions::new().clock(&clock).start();
    let (id, _) = paused(server.client(), "seed_approval", &json!({}));
    clock.advance(DAY - HOUR);
    assert_eq!(server.client().execution(&id)["status"], "suspended");
    clock.advance(2 * HOUR);
    let execution = server.client().completed(&id);
    assert!(next_step_ran(&execution));
    assert_eq!(export(&execution, "$resume_data"), Value::Null);
    assert_eq!(export(&execution, "$resume")["reason"], "timeout");
}

#[test]
fn a_timeout_of_7_days_lasts_7_days() {
    let clock = Clock::new();
    let server = ServerOptions::new().clock(&clock).start();
    let (id, waiting) = paused(server.client(), "seed_timeout", &json!({}));
    let (since, deadline) = (seconds(&waiting["since"]), seconds(&waiting["deadline"]));
    assert_eq!(deadline - since, 7 * 24 * 3600);
    clock.advance(6 * DAY);
    // The clock is looked at four times a second.
    let early = waystation_tests::wait::within(Duration::from_millis(600), || {
        (server.client().execution(&id)["status"] != "suspended").then_some(())
    });
    assert!(early.is_none(), "went on after 6 days");
    clock.advance(DAY + HOUR);
    assert!(next_step_ran(&server.client().completed(&id)));
}

#[test]
fn a_timeout_of_one_second_lasts_one_second_on_a_real_clock() {
    let server = Server::start();
    let client = server.client();
    toolbox::deploy_and_next(client, "short", &json!([{"suspend": {"timeout_ms": 1000}}]));
    let id = client.trigger("short", &Value::Null);
    let execution = client.completed(&id);
    assert!(next_step_ran(&execution));
    let history = client.history(&id);
    let at = |kind: &str| {
        let entry = history.iter().find(|entry| entry["type"] == kind);
        millis(&entry.unwrap_or_else(|| panic!("no {kind} in {history:#?}"))["at"])
    };
    let waited = at("time_out") - at("finish");
    // It may go on late, on a machine that has much to do, and not early.
    assert!((1000..60_000).contains(&waited), "{waited} ms");
}

#[test]
fn a_job_is_polled_until_it_is_done() {
    let jobs = Recorder::answering(|before, _| Reply {
        status: 200,
        body: json!({"status": if before < 1 { "RUNNING" } else { "DONE" }, "job": 7}),
    });
    let clock = Clock::new();
    let server = ServerOptions::new().clock(&clock).start();
    let url = format!("{}/status", jobs.url);
    let (id, waiting) = paused(server.client(), "seed_poll", &json!({"url": url, "delay": 10_000}));
    assert_eq!((&waiting["kind"], &waiting["on_timeout"]), (&json!("rerun"), &Value::Null));
    assert_eq!(seconds(&waiting["deadline"]) - seconds(&waiting["since"]), 10);
    for poll in 1..=2 {
        clock.advance(Duration::from_secs(11));
        jobs.nth(poll);
    }
    let execution = server.client().completed(&id);
    assert_eq!(export(&execution, "$return_value"), json!({"status": "DONE", "job": 7}));
    assert_eq!(execution["steps"]["step"]["runs"], 3);
    assert!(next_step_ran(&execution));
    assert_eq!(jobs.requests().len(), 2);
    assert!(server.client().log(&id).contains("'runs': 3"), "{}", server.client().log(&id));
}

#[test]
fn a_job_that_never_ends_fails_with_the_programs_own_exception() {
    let jobs =
        Recorder::answering(|_, _| Reply { status: 200, body: json!({"status": "RUNNING"}) });
    let server = Server::start();
    let client = server.client();
    client.push("tests/seed_poll");
    client.deploy_step_and_next("seed", "seed_poll", &json!({"url": jobs.url, "delay": 50}));
    let id = client.trigger("seed", &Value::Null);
    let error = client.failed(&id);
    assert_eq!(error["kind"], "guest_error");
    assert_eq!(error["name"], "Exception");
    assert_eq!(error["message"], "Max retries exceeded");
    assert_eq!(error["step"], "step");
    let stack = error["stack"].as_str().unwrap();
    assert!(stack.contains("seed_poll.py\", line 14, in handler"), "{stack}");
    let execution = client.execution(&id);
    assert_eq!(
        (&execution["steps"]["step"]["runs"], &execution["steps"]["next"]["runs"]),
        (&json!(4), &json!(0))
    );
    assert_eq!(jobs.requests().len(), 2);
}

#[test]
fn a_callback_is_processed_within_the_step_that_asked_for_it() {
    let service = Recorder::start();
    let server = Server::start();
    let (id, _) = paused(server.client(), "seed_callback", &json!({"url": service.url}));
    let links = service.nth(1).body;
    let answer = http::post(links["resume_url"].as_str().unwrap(), &json!({"result": 42}));
    assert_eq!(answer.expect(200).json()["outcome"], "resumed");
    let execution = server.client().completed(&id);
    let returned = export(&execution, "$return_value");
    assert_eq!((&returned["body"], &returned["method"]), (&json!({"result": 42}), &json!("POST")));
    assert_eq!(execution["steps"]["step"]["runs"], 2);
    assert!(next_step_ran(&execution));
}

#[test]
fn a_service_that_never_calls_back_fails_the_step_after_a_day() {
    let (service, clock) = (Recorder::start(), Clock::new());
    let server = ServerOptions::new().clock(&clock).start();
    let (id, _) = paused(server.client(), "seed_callback", &json!({"url": service.url}));
    clock.advance(DAY + HOUR);
    let error = server.client().failed(&id);
    assert_eq!(error["message"], "External service never completed job");
}

#[test]
fn a_run_gets_the_context_that_the_run_before_passed() {
    let server = Server::start();
    let (id, _) = paused(server.client(), "seed_context", &json!({}));
    let execution = server.client().completed(&id);
    assert_eq!(export(&execution, "$return_value"), json!({"hello": "world"}));
    assert!(next_step_ran(&execution));
}

#[test]
fn a_step_reruns_10_times_by_default_and_then_the_workflow_goes_on() {
    let server = Server::start();
    let client = server.client();
    let again = json!([{"rerun": {"delay_ms": 1}}, "context"]);
    toolbox::deploy_and_next(client, "again", &again);
    let execution = client.completed(&client.trigger("again", &Value::Null));
    assert_eq!(execution["steps"]["step"]["runs"], 11);
    assert_eq!(export(&execution, "$return_value")["runs"], 11);
    assert!(next_step_ran(&execution));
}

/// The last program asks for a rerun in its first run only: its second run asks for nothing, so
/// the workflow goes on, and the exception is for a run that never comes.
#[test]
fn a_run_that_asks_for_nothing_ends_its_step_whatever_max_retries_says() {
    let server = Server::start();
    let (id, waiting) = paused(server.client(), "seed_max_retries", &json!({}));
    assert_eq!(waiting["kind"], "rerun");
    let execution = server.client().completed(&id);
    assert_eq!(execution["steps"]["step"]["runs"], 2);
    assert!(next_step_ran(&execution));
}

/// `2026-11-23T16:40:00.123Z` as seconds since midnight of the epoch's calendar.
fn seconds(time: &Value) -> i64 {
    millis(time) / 1000
}

fn millis(time: &Value) -> i64 {
    let time: jiff::Timestamp = time.as_str().unwrap().parse().unwrap();
    time.as_millisecond()
}
