//! The examples do what their read-me files say.
#![expect(clippy::unwrap_used, reason = "a helper that finds nothing there has failed")]

use serde_json::{Value, json};
use waystation_tests::{Clock, Script, Server, ServerOptions, guests, http, run_id};

fn link(text: &str, kind: &str) -> String {
    let found = text.split_whitespace().find(|word| word.contains(&format!("/{kind}/")));
    found
        .unwrap_or_else(|| panic!("no {kind} link in {text}"))
        .trim_end_matches([',', '.'])
        .to_owned()
}

/// The text of the only mail in the outbox, in one line.
fn mail(server: &Server<'_>) -> String {
    let file = std::fs::read_dir(server.data().join("outbox")).unwrap().next().unwrap().unwrap();
    let text = std::fs::read_to_string(file.path()).unwrap();
    // Lines that were broken for their length.
    text.replace("=\r\n", "").replace("=3D", "=")
}

#[test]
fn an_order_is_approved_by_mail_and_the_decision_is_recorded() {
    let server = Server::start();
    let client = server.client();
    client.deploy_example("approve-by-mail", "workflow.yaml", &["ask", "record"]);
    let order = json!({"id": 7, "total": 12.5});
    let answer = http::post(&format!("{}/hooks/approve-by-mail", client.url), &order).expect(202);
    let id = run_id(&answer.json());
    let waiting = client.paused(&id)["waiting"].clone();
    let mail = waystation_tests::wait::until("a mail", || {
        std::fs::read_dir(server.data().join("outbox")).unwrap().next().map(|_| mail(&server))
    });
    for name in ["resume_url", "cancel_url"] {
        assert!(!mail.contains(waiting[name].as_str().unwrap()), "{name} in {mail}");
    }
    // As the page's form does it.
    let page = link(&mail, "approve");
    let form = "action=resume&comment=ship+it";
    let pressed =
        http::request("POST", &page).body("application/x-www-form-urlencoded", form).send();
    pressed.expect(200);
    let execution = client.completed(&id);
    let exports = &execution["steps"]["record"]["exports"];
    let decision = &exports["$return_value"];
    assert_eq!((&decision["order"], &decision["approved"]), (&order, &json!(true)));
    assert_eq!((&decision["comment"], &decision["reason"]), (&json!("ship it"), &json!("request")));
    assert_eq!(decision["from"], "127.0.0.1");
    assert_eq!(exports["$summary"], "order 7 approved");
}

#[test]
fn an_order_that_nobody_approves_is_recorded_as_not_approved() {
    let clock = Clock::new();
    let server = ServerOptions::new().clock(&clock).start();
    let client = server.client();
    client.deploy_example("approve-by-mail", "workflow.yaml", &["ask", "record"]);
    let answer = http::post(&format!("{}/hooks/approve-by-mail", client.url), &json!({"id": 8}));
    let id = run_id(&answer.expect(202).json());
    client.paused(&id);
    clock.advance(std::time::Duration::from_secs(25 * 3600));
    let execution = client.completed(&id);
    let decision = &execution["steps"]["record"]["exports"]["$return_value"];
    assert_eq!((&decision["approved"], &decision["reason"]), (&json!(false), &json!("timeout")));
}

#[test]
fn a_job_is_polled_in_three_languages() {
    let server = Server::start();
    let client = server.client();
    let script = guests::example("poll-a-job").join("service/job_service.py");
    for (workflow, file, step) in [
        ("poll-a-job", "workflow.yaml", "poll"),
        ("poll-a-job-axios", "workflow-axios.yaml", "poll-axios"),
        ("poll-a-job-rust", "workflow-rust.yaml", "poll-rust"),
    ] {
        client.deploy_example("poll-a-job", file, &[step]);
        let service = Script::start(&script, &["0", "2"]);
        let id = client.trigger(workflow, &json!({"service": service.url, "delay": 50}));
        let execution = client.completed(&id);
        assert_eq!(execution["steps"]["poll"]["runs"], 3);
        let returned = &execution["steps"]["poll"]["exports"]["$return_value"];
        assert_eq!(*returned, json!({"status": "DONE", "polls": 2}));

        let never = Script::start(&script, &["0", "1000"]);
        let id = client.trigger(workflow, &json!({"service": never.url, "delay": 50}));
        assert_eq!(client.failed(&id)["message"], "Max retries exceeded");

        let id = client.trigger(workflow, &json!({"service": never.url}));
        let waiting = client.paused(&id)["waiting"].clone();
        assert_eq!(waiting["kind"], "rerun", "{waiting}");
    }
}

#[test]
fn a_service_calls_back_and_the_step_processes_it() {
    let server = Server::start();
    let client = server.client();
    client.deploy_example("http-callback", "workflow.yaml", &["convert", "report"]);
    let script = guests::example("http-callback").join("service/converter_service.py");
    let service = Script::start(&script, &["0", "0.3"]);
    let id = client.trigger("http-callback", &json!({"service": service.url, "text": "hello"}));
    let execution = client.completed(&id);
    let report = &execution["steps"]["report"]["exports"]["$return_value"];
    assert_eq!(*report, json!({"before": "hello", "after": "HELLO"}));
    assert_eq!(execution["steps"]["convert"]["runs"], 2);
    let callback: Vec<Value> =
        client.history(&id).into_iter().filter(|entry| entry["type"] == "resume").collect();
    assert_eq!(callback.len(), 1, "{callback:#?}");
}
