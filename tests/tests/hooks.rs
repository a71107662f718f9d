//! HTTP triggers, and test runs.
#![expect(clippy::unwrap_used, reason = "a helper that finds nothing there has failed")]

use std::io::Write as _;
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};
use waystation_tests::{Client, Server, ServerOptions, http, run_id, toolbox, wait};

fn hook(client: &Client, path: &str) -> String {
    format!("{}/hooks/{path}", client.url)
}

fn executions(client: &Client) -> usize {
    client.get("/api/v1/executions").expect(200).json()["items"].as_array().unwrap().len()
}

#[test]
fn any_request_triggers_and_is_the_event() {
    let server = Server::start();
    let client = server.client();
    toolbox::deploy(client, "any", &json!([{"return": "{{ event }}"}]));
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"] {
        let url = format!("{}/orders/7?a=1&b=2&a=3", hook(client, "any"));
        let request = http::request(method, &url).header("x-order", "seven");
        let answer = request.json(&json!({"n": 1})).send().expect(202);
        let id = run_id(&answer.json());
        let url = format!("{}/api/v1/executions/{id}", client.url);
        assert_eq!((answer.header("location"), &answer.json()["url"]), (url.as_str(), &json!(url)));
        let execution = client.completed(&id);
        let event = &execution["event"];
        assert_eq!(
            (&event["method"], &event["path"]),
            (&json!(method), &json!("/hooks/any/orders/7"))
        );
        assert_eq!(event["query"], json!({"a": ["1", "3"], "b": "2"}));
        assert_eq!(event["headers"]["x-order"], "seven");
        assert_eq!((&event["body"], &event["client_ip"]), (&json!({"n": 1}), &json!("127.0.0.1")));
        assert_eq!(execution["steps"]["step"]["exports"]["$return_value"], *event);
    }
}

#[test]
fn bodies_take_the_shape_that_their_content_type_says() {
    let server = Server::start();
    let client = server.client();
    toolbox::deploy(client, "shape", &json!([{"return": 1}]));
    for (kind, sent, received) in [
        ("application/json", &b"[1, 2]"[..], json!([1, 2])),
        ("application/vnd.acme+json", b"{\"a\": 1}", json!({"a": 1})),
        ("application/x-www-form-urlencoded", b"a=1&a=2&b=", json!({"a": ["1", "2"], "b": ""})),
        ("text/csv", b"a,b", json!("a,b")),
        ("image/png", b"\x89PNG", json!({"base64": "iVBORw=="})),
        ("application/json", b"", Value::Null),
    ] {
        let answer =
            http::request("POST", &hook(client, "shape")).body(kind, sent).send().expect(202);
        let execution = client.completed(&run_id(&answer.json()));
        assert_eq!(execution["event"]["body"], received, "{kind}");
    }
    let broken = http::request("POST", &hook(client, "shape")).body("application/json", "{");
    assert_eq!(broken.send().expect(400).json()["code"], "malformed_json");
    let large =
        http::request("POST", &hook(client, "shape")).body("text/plain", vec![b'x'; 600_000]);
    assert_eq!(large.send().expect(413).json()["code"], "body_too_large");
    let deep = "[".repeat(200) + &"]".repeat(200);
    http::request("POST", &hook(client, "shape")).body("application/json", deep).send().expect(422);
}

#[test]
fn a_step_answers_the_caller_when_the_workflow_says_so() {
    let server = Server::start();
    let client = server.client();
    client.push("tests/toolbox");
    let deploy = |actions: Value| {
        client.deploy(
            &json!({"name": "answers", "trigger": {"http": {"respond": "step"}}, "steps": [
                {"name": "step", "component": "toolbox", "props": {"do": actions}},
            ]}),
        );
    };
    deploy(json!([{"respond": {"status": 418, "body": "short and stout"}}, {"suspend": {}}]));
    let answer = http::get(&hook(client, "answers")).expect(418);
    assert_eq!((answer.text().as_str(), answer.header("x-toolbox")), ("short and stout", "yes"));

    // A cookie would be for all of the origin, which is not the step's.
    let headers = json!([["Set-Cookie", "session=fixed; Path=/"], ["x-more", "yes"]]);
    deploy(json!([{"respond": {"status": 200, "body": "", "headers": headers}}]));
    let answer = http::get(&hook(client, "answers")).expect(200);
    assert_eq!((answer.header("x-more"), answer.header("set-cookie")), ("yes", ""));

    deploy(json!([{"suspend": {}}]));
    let answer = http::get(&hook(client, "answers")).expect(202);
    client.paused(&run_id(&answer.json()));

    deploy(json!([{"fail": {"message": "no answer"}}]));
    let answer = http::get(&hook(client, "answers")).expect(202);
    assert_eq!(client.failed(&run_id(&answer.json()))["message"], "no answer");
}

#[test]
fn a_caller_may_wait_until_the_execution_ends_or_pauses() {
    let server = Server::start();
    let client = server.client();
    toolbox::deploy(client, "ends", &json!([{"sleep": 300}, {"return": 1}]));
    let answer = http::request("POST", &hook(client, "ends")).header("prefer", "wait=20").send();
    assert_eq!(answer.header("preference-applied"), "wait=20");
    assert_eq!(answer.expect(200).json()["status"], "completed");
    toolbox::deploy(client, "pauses", &json!([{"sleep": 300}, {"suspend": {}}]));
    let answer = http::get(&format!("{}?wait=20", hook(client, "pauses"))).expect(200).json();
    assert_eq!(
        (&answer["status"], &answer["waiting"]["kind"]),
        (&json!("suspended"), &json!("suspend"))
    );
    let links = ["resume_url", "cancel_url", "approval_url"];
    assert!(links.iter().all(|link| answer["waiting"][link].is_null()), "{answer:#}");
    toolbox::deploy(client, "takes-long", &json!([{"sleep": 3000}]));
    http::get(&format!("{}?wait=0", hook(client, "takes-long"))).expect(202);
    http::get(&format!("{}?wait=soon", hook(client, "takes-long"))).expect(400);
}

#[test]
fn callers_who_wait_take_half_of_the_connections_and_no_more() {
    let server = ServerOptions::new().env("WAYSTATION_LIMITS_CONNECTIONS_MAX", "8").start();
    let client = server.client();
    toolbox::deploy(client, "sleeps", &json!([{"sleep": 25_000}]));
    let url = format!("{}?wait=60", hook(client, "sleeps"));
    let ask = || http::request("POST", &url).patience(Duration::from_secs(60)).send();
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        wait::until("four callers wait", || (executions(client) == 4).then_some(()));
        // Their time is over at once; the execution is there all the same.
        let answer = ask().expect(202);
        assert_eq!(answer.header("preference-applied"), "");
        let id = run_id(&answer.json());
        assert_eq!(client.execution(&id)["finished_at"], Value::Null);
        // Who has a token waits beside them.
        let own = format!("/api/v1/executions/{id}?wait=1");
        assert_eq!(client.get(&own).expect(200).header("preference-applied"), "wait=1");
        for execution in client.get("/api/v1/executions").json()["items"].as_array().unwrap() {
            let path = format!("/api/v1/executions/{}/cancel", execution["id"].as_str().unwrap());
            client.post(&path, &Value::Null).expect(200);
        }
        for caller in callers {
            assert_eq!(caller.join().unwrap().expect(200).json()["status"], "canceled");
        }
    });
    // Their places are free again.
    toolbox::deploy(client, "ends", &json!([{"return": 1}]));
    http::get(&format!("{}?wait=20", hook(client, "ends"))).expect(200);
}

#[test]
fn a_caller_that_hangs_up_at_once_leaves_nothing_half_done() {
    let server = Server::start();
    let client = server.client();
    toolbox::deploy(client, "hasty", &json!([{"return": 1}]));
    let address = client.url.strip_prefix("http://").unwrap();
    http::get(&hook(client, "hasty")).expect(202);
    for patience in 0..200 {
        let mut stream = TcpStream::connect(address).unwrap();
        let request = "POST /hooks/hasty HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        // Each hangs up a little later than the one before.
        (0..patience * 500).for_each(|_| std::hint::spin_loop());
        stream.shutdown(Shutdown::Both).unwrap();
    }
    // The server may have noticed before it accepted; but what it accepted goes on.
    wait::until("all that was accepted is completed", || {
        let listed = client.get("/api/v1/executions?workflow=hasty&limit=200").expect(200).json();
        let items = listed["items"].as_array().unwrap();
        items.iter().all(|item| item["status"] == "completed").then_some(())
    });
}

#[test]
fn a_trigger_with_a_key_that_was_seen_before_starts_nothing() {
    let server = Server::start();
    toolbox::deploy(server.client(), "once", &json!([{"return": 1}]));
    toolbox::deploy(server.client(), "other", &json!([{"return": 1}]));
    let trigger = |client: &Client, workflow: &str, key: &str| {
        let request = http::request("POST", &hook(client, workflow)).header("idempotency-key", key);
        run_id(&request.send().expect(202).json())
    };
    let first = trigger(server.client(), "once", "order-7");
    assert_eq!(trigger(server.client(), "once", "order-7"), first);
    let server = server.kill_and_restart();
    let client = server.client();
    assert_eq!(trigger(client, "once", "order-7"), first);
    assert_ne!(trigger(client, "once", "order-8"), first);
    assert_ne!(trigger(client, "other", "order-7"), first);
    assert_eq!(executions(client), 3);
    // Anybody may call a hook, and takes no key of the API there.
    let api = |status: u16| {
        let request = client.request("POST", "/api/v1/workflows/once/executions");
        let request = request.header("idempotency-key", "order-7").json(&Value::Null);
        run_id(&request.send().expect(status).json())
    };
    let of_api = api(201);
    assert_ne!(of_api, first);
    assert_eq!(api(200), of_api);
    assert_eq!(trigger(client, "once", "order-7"), first);
}

#[test]
fn what_is_not_there_is_404() {
    let server = Server::start();
    let client = server.client();
    client.push("tests/toolbox");
    client.deploy(&json!({"name": "api-only", "steps": [{"name": "a", "component": "toolbox"}]}));
    assert_eq!(http::get(&hook(client, "nobody")).expect(404).json()["code"], "unknown_workflow");
    assert_eq!(http::get(&hook(client, "api-only")).expect(404).json()["code"], "no_http_trigger");
    http::get(&format!("{}/nowhere", client.url)).expect(404);
    client.get("/api/v1/nowhere").expect(404);
    client.get("/api/v1/executions/0198c9a2-0000-7000-8000-000000000000").expect(404);
    client.post("/api/v1/workflows/nobody/executions", &Value::Null).expect(404);
    assert_eq!(executions(client), 0);
}

#[test]
fn a_test_run_leaves_nothing_behind_and_cannot_pause() {
    let server = Server::start();
    let client = server.client();
    toolbox::deploy_and_next(client, "fine", &json!([{"log": "hello"}, "context"]));
    let report = client.post("/api/v1/workflows/fine/test", &json!({"n": 1})).expect(200).json();
    assert_eq!(report["status"], "completed");
    assert_eq!(report["steps"]["step"]["exports"]["$return_value"]["test"], true);
    assert_eq!(report["steps"]["next"]["exports"]["$return_value"], "the next step ran");
    for (action, call) in [
        (json!({"suspend": {}}), "suspend"),
        (json!({"rerun": {"delay_ms": 10}}), "rerun"),
        (json!({"delay": 10}), "delay"),
    ] {
        toolbox::deploy_and_next(client, "pauses", &json!([action]));
        let report = client.post("/api/v1/workflows/pauses/test", &Value::Null).expect(200).json();
        assert_eq!(report["status"], "canceled");
        let message = format!(
            "Workflow execution canceled — this may be due to flow.{call}() usage (not supported in test)"
        );
        assert_eq!(report["message"], json!(message));
    }
    toolbox::deploy(client, "fails", &json!([{"fail": {"message": "no"}}]));
    let report = client.post("/api/v1/workflows/fails/test", &Value::Null).expect(200).json();
    assert_eq!((&report["status"], &report["error"]["message"]), (&json!("failed"), &json!("no")));
    assert_eq!(executions(client), 0);
    let outbox = std::fs::read_dir(server.data().join("outbox")).unwrap();
    assert_eq!(outbox.count(), 0);
}
