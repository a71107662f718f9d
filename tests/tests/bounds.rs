//! What one execution may leave behind, however often its steps run; and calls that come before
//! their pause, which keep the promises of those that come in it.
#![expect(clippy::unwrap_used, reason = "a helper that finds nothing there has failed")]

use serde_json::{Value, json};
use waystation_tests::{Answer, Cli, Client, Recorder, Server, ServerOptions, http, toolbox, wait};

const CUT: &str = "the log is cut here: at most 15000 bytes are kept of all runs together";

/// Deploys a workflow of toolbox steps that do these actions, and triggers it.
fn trigger_steps(client: &Client, steps: &[(&str, Value)]) -> String {
    client.push("tests/toolbox");
    let step = |(name, actions): &(&str, Value)| json!({"name": name, "component": "toolbox", "props": {"do": actions}});
    let steps: Vec<Value> = steps.iter().map(step).collect();
    client.deploy(&json!({"name": "steps", "steps": steps}));
    client.trigger("steps", &Value::Null)
}

#[test]
fn all_runs_of_an_execution_together_leave_no_more_log_than_it_may() {
    let server =
        ServerOptions::new().env("WAYSTATION_LIMITS_EXECUTION_LOG_BYTES_MAX", "15000").start();
    let logs = json!({"log_bytes": 8000});
    let steps = [
        ("first", json!([logs, {"suspend": {}}])),
        ("second", json!([logs, logs])),
        ("third", json!([logs, {"return": "still running"}])),
    ];
    let id = trigger_steps(server.client(), &steps);
    let waiting = server.client().paused(&id)["waiting"].clone();
    // What was left before is remembered.
    let server = server.kill_and_restart();
    let client = server.client();
    let resume = waiting["resume_url"].as_str().unwrap().rsplit_once('/').unwrap().1;
    http::post(&format!("{}/resume/{resume}", client.url), &json!({})).expect(200);
    let execution = client.completed(&id);
    assert_eq!(execution["steps"]["third"]["exports"]["$return_value"], "still running");

    let runs = client.all(&format!("/api/v1/executions/{id}/logs"));
    let lines = |run: &Value| run["lines"].as_array().unwrap().clone();
    assert_eq!(runs.len(), 2, "the third has no room for a line: {runs:#?}");
    assert_eq!(lines(&runs[0]).len(), 80, "the first fits");
    let second = lines(&runs[1]);
    assert!((2..40).contains(&second.len()), "{} lines", second.len());
    assert_eq!(second.last().unwrap()["text"], CUT);
    let stored: usize = runs.iter().flat_map(lines).map(|line| line.to_string().len() + 1).sum();
    assert!((14_500..15_000 + 200).contains(&stored), "{stored} bytes");
}

#[test]
fn logs_and_history_come_a_page_at_a_time() {
    let server = Server::start();
    let client = server.client();
    // Each run logs some 100 KiB as they are stored.
    let again = json!([{"log_bytes": 64_000}, {"rerun": {"delay_ms": 1, "max_retries": 14}}]);
    let id = toolbox::trigger_step(client, json!({"props": {"do": again, "later": again}}));
    client.completed(&id);
    for (list, items) in [("history", client.history(&id).len()), ("logs", 15)] {
        let path = format!("/api/v1/executions/{id}/{list}");
        let page = |query: &str| client.get(&format!("{path}{query}")).expect(200).json();
        let mut read = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = page(&format!("?limit=4{cursor}"));
            let on_page = page["items"].as_array().unwrap();
            assert!(on_page.len() <= 4, "{} items", on_page.len());
            read.extend(on_page.clone());
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(read, client.all(&path));
        assert_eq!(read.len(), items);
        for query in ["?limit=0", "?limit=1001", "?limit=x", "?cursor=x", "?limit=1&limit=2"] {
            let problem = client.get(&format!("{path}{query}")).expect(400).json();
            assert_eq!(problem["code"], "invalid_parameter", "{query}");
        }
    }
    let page = client.get(&format!("/api/v1/executions/{id}/logs")).expect(200);
    assert!(page.body.len() < 1_200_000, "a page has {} bytes", page.body.len());
    let on_page = page.json()["items"].as_array().unwrap().len();
    assert!((2..15).contains(&on_page), "{on_page} runs fill a page");
    assert!(page.json()["next_cursor"].is_string());
    let said = Cli::of(&server).run(&["execution", "logs", &id]).expect(0);
    assert_eq!(said.stdout.matches(&"x".repeat(99)).count(), 15 * 640, "all pages");
    let told = Cli::of(&server).json(&["execution", "history", &id]);
    assert_eq!(told["items"].as_array().unwrap().len(), client.history(&id).len());
}

#[test]
fn versions_come_a_page_at_a_time() {
    let server = Server::start();
    let client = server.client();
    for n in 0..3 {
        toolbox::deploy(client, "w", &json!([{"return": n}]));
    }
    let page = |query: &str| client.get(&format!("/api/v1/workflows/w/versions{query}"));
    let versions = |page: &Value| {
        let items = page["items"].as_array().unwrap();
        items.iter().map(|item| item["version"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let first = page("?limit=2").expect(200).json();
    assert_eq!((versions(&first), &first["next_cursor"]), (vec![1, 2], &json!("2")));
    let last = page("?limit=2&cursor=2").expect(200).json();
    assert_eq!((versions(&last), &last["next_cursor"]), (vec![3], &Value::Null));
    assert_eq!(page("?limit=1001").expect(400).json()["code"], "invalid_parameter");
}

#[test]
fn all_runs_of_an_execution_together_send_no_more_mails_than_it_may() {
    let server = ServerOptions::new().env("WAYSTATION_LIMITS_EXECUTION_MAILS_MAX", "3").start();
    let client = server.client();
    let mail = json!({"email": {"to": ["ada@example.org"], "subject": "s", "text": "t"}});
    let first = json!([mail, mail, {"rerun": {"delay_ms": 1, "max_retries": 5}}]);
    let later = json!([mail, mail, {"return": "too many"}]);
    let props = json!({"do": first, "later": later});
    let id = toolbox::trigger_step(client, json!({"props": props, "allow": {"email": true}}));
    let error = client.failed(&id);
    assert_eq!(error["kind"], "guest_error");
    let says = "at most 3 an execution are allowed, over all its runs";
    assert!(error["message"].as_str().unwrap().contains(says), "{error}");
    let outbox = server.data().join("outbox");
    wait::until("the mails that were allowed", || {
        let files = std::fs::read_dir(&outbox).ok()?.flatten();
        let mails = files.filter(|file| file.path().extension().is_some_and(|end| end == "eml"));
        (mails.count() == 3).then_some(())
    });
}

/// A `suspend` that takes small numbers alone.
fn for_a_small_number() -> Value {
    let schema = json!({"type": "object", "required": ["n"], "properties": {"n": {"maximum": 9}}});
    json!({"suspend": {"resume_schema": schema}})
}

fn post_text(link: &str, text: &str) -> Answer {
    http::request("POST", link).body("application/json", text).send()
}

/// The resume link that was posted first.
fn resume_link(recorder: &Recorder) -> String {
    recorder.links(1)["resume_url"].as_str().unwrap().to_owned()
}

/// The pause is open although somebody called early, and the history says why.
#[track_caller]
fn refused(client: &Client, id: &str, why: &str) {
    let waiting = client.paused(id)["waiting"].clone();
    assert_eq!(waiting["kind"], "suspend");
    let history = client.history(id);
    let notes = history.iter().filter_map(|entry| entry["notes"].as_array()).flatten();
    let note = notes.clone().find(|note| note["note"] == "refused_early_call");
    let note = note.unwrap_or_else(|| panic!("{:#?}", notes.collect::<Vec<_>>()));
    assert!(note["why"].as_str().unwrap().contains(why), "{note}");
}

#[test]
fn an_early_call_that_does_not_fit_the_schema_leaves_the_pause_open() {
    for (early, why) in [
        ("{\"n\": 1000}", "/n: 1000 is greater than the maximum of 9"),
        ("{\"n\": 1000, \"n\": 1}", "the key \"n\" stands twice"),
        ("[]", "is not of type \"object\""),
    ] {
        let (server, recorder) = (Server::start(), Recorder::start());
        let client = server.client();
        let actions = json!([for_a_small_number(), {"post_links": recorder.url}, {"sleep": 1000}]);
        toolbox::deploy_and_next(client, "early", &actions);
        let id = client.trigger("early", &Value::Null);
        let link = resume_link(&recorder);
        assert_eq!(post_text(&link, early).expect(202).json()["outcome"], "accepted");
        refused(client, &id, why);
        assert!(server.log().contains("a call that came early is refused"));
        // The link is as good as one that nobody has called.
        assert_eq!(post_text(&link, early).expect(422).json()["code"], "schema_mismatch");
        assert_eq!(post_text(&link, "{\"n\": 7}").expect(200).json()["outcome"], "resumed");
        let execution = client.completed(&id);
        assert_eq!(execution["steps"]["step"]["exports"]["$resume_data"]["body"], json!({"n": 7}));
    }
}

#[test]
fn an_early_call_that_fits_the_schema_takes_effect() {
    let (server, recorder) = (Server::start(), Recorder::start());
    let client = server.client();
    let actions = json!([for_a_small_number(), {"post_links": recorder.url}, {"sleep": 1000}]);
    toolbox::deploy_and_next(client, "early", &actions);
    let id = client.trigger("early", &Value::Null);
    post_text(&resume_link(&recorder), "{\"n\": 7}").expect(202);
    let execution = client.completed(&id);
    assert_eq!(execution["steps"]["step"]["exports"]["$resume_data"]["body"], json!({"n": 7}));
}

#[test]
fn a_call_in_a_retrys_wait_has_to_fit_the_schema_too() {
    let (server, recorder) = (Server::start(), Recorder::start());
    let client = server.client();
    let fail = json!({"fail": {"message": "not yet", "attempts": 1}});
    let actions = json!([for_a_small_number(), {"post_links": recorder.url}, fail]);
    let retry = json!({"attempts": 2, "backoff_ms": 600_000});
    let id = toolbox::trigger_step(client, json!({"props": {"do": actions}, "retry": retry}));
    let link = resume_link(&recorder);
    assert_eq!(client.paused(&id)["waiting"]["kind"], "retry");
    post_text(&link, "{\"n\": 1000}").expect(202);
    client.post(&format!("/api/v1/executions/{id}/resume"), &Value::Null).expect(200);
    let is_suspended = |execution: &Value| execution["waiting"]["kind"] == "suspend";
    client.when(&id, "the step's own pause", is_suspended);
    refused(client, &id, "/n: 1000 is greater");
    post_text(&link, "{\"n\": 7}").expect(200);
    client.completed(&id);
}

#[test]
fn an_early_call_takes_no_room_from_what_the_run_returns() {
    let recorder = Recorder::start();
    let server =
        ServerOptions::new().env("WAYSTATION_LIMITS_EXECUTION_BYTES_MAX", "100000").start();
    let client = server.client();
    let actions = json!([
        {"suspend": {}}, {"post_links": recorder.url}, {"sleep": 1000}, {"output": 60_000},
    ]);
    toolbox::deploy_and_next(client, "early", &actions);
    let id = client.trigger("early", &Value::Null);
    let link = resume_link(&recorder);
    let large = json!("x".repeat(50_000));
    assert_eq!(http::post(&link, &large).expect(202).json()["outcome"], "accepted");
    refused(client, &id, "at most 100000 are allowed");
    http::post(&link, &large).expect(413);
    http::post(&link, &json!("small")).expect(200);
    let exports = client.completed(&id)["steps"]["step"]["exports"].clone();
    assert_eq!(exports["$return_value"].as_str().unwrap().len(), 60_000);
    assert_eq!(exports["$resume_data"]["body"], "small");
}

#[test]
fn a_body_that_a_schema_checks_means_the_same_to_every_reader() {
    let server = Server::start();
    let client = server.client();
    toolbox::deploy_and_next(client, "pause", &json!([for_a_small_number()]));
    let id = client.trigger("pause", &Value::Null);
    let link = client.paused(&id)["waiting"]["resume_url"].as_str().unwrap().to_owned();
    for body in ["{\"n\": 1000, \"n\": 1}", "{\"n\": 1, \"of\": [{\"a\": 1, \"\\u0061\": 2}]}"] {
        let problem = post_text(&link, body).expect(422).json();
        assert_eq!(problem["code"], "schema_mismatch");
        assert!(problem["detail"].as_str().unwrap().contains("stands twice"), "{problem}");
        assert_eq!(client.execution(&id)["status"], "suspended");
    }
    post_text(&link, "{\"n\": 1, \"of\": [{\"a\": 1}, {\"a\": 2}]}").expect(200);
    client.completed(&id);
}
