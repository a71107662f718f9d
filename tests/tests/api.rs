//! Who gets in, and how the server is looked after.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use waystation_tests::{Server, http, toolbox, wait};

#[test]
fn the_api_needs_the_token_and_hooks_and_links_do_not() {
    let server = Server::start();
    let url = &server.client().url;
    toolbox::deploy(server.client(), "open", &json!([{"suspend": {}}]));
    for path in
        ["components", "workflows", "executions", "executions/x/history", "workflows/open/versions"]
    {
        let path = format!("{url}/api/v1/{path}");
        for token in [None, Some("Bearer wrong"), Some("Basic dGVzdDp0ZXN0"), Some("Bearer ")] {
            let request = http::request("GET", &path);
            let request = match token {
                Some(token) => request.header("authorization", token),
                None => request,
            };
            let answer = request.send().expect(401);
            assert!(answer.header("www-authenticate").starts_with("Bearer"));
            assert_eq!(answer.json()["code"], "unauthorized");
        }
    }
    let put =
        http::request("PUT", &format!("{url}/api/v1/components/x")).body("application/wasm", "x");
    put.send().expect(401);
    let triggered = http::get(&format!("{url}/hooks/open")).expect(202).json();
    let id = triggered["id"].as_str().unwrap();
    let waiting = server.client().paused(id)["waiting"].clone();
    http::get(waiting["approval_url"].as_str().unwrap()).expect(200);
    http::get(waiting["resume_url"].as_str().unwrap()).expect(200);
}

#[test]
fn the_server_says_that_it_lives_and_what_it_did() {
    let server = Server::start();
    let url = &server.client().url;
    assert_eq!(http::get(&format!("{url}/healthz")).expect(200).json()["status"], "ok");
    assert_eq!(http::get(&format!("{url}/readyz")).expect(200).json()["public_url"], json!(url));
    toolbox::result(server.client(), &json!([{"return": 1}]));
    let failing = toolbox::trigger(server.client(), &json!([{"fail": {"message": "no"}}]));
    server.client().failed(&failing);
    // What ended is counted a moment after it can be seen.
    let metrics = wait::until("both executions are counted", || {
        let metrics = http::get(&format!("{url}/metrics")).expect(200).text();
        let are_counted = ["completed", "failed"].iter().all(|status| {
            let zero = format!("waystation_executions_{status}_total 0");
            !metrics.lines().any(|line| line == zero)
        });
        are_counted.then_some(metrics)
    });
    for line in [
        "waystation_executions_triggered_total 2",
        "waystation_executions_completed_total 1",
        "waystation_executions_failed_total 1",
        "waystation_executions_canceled_total 0",
        "waystation_runs_started_total 2",
        "waystation_runs_max 32",
    ] {
        assert!(metrics.lines().any(|found| found == line), "no {line:?} in\n{metrics}");
    }
    assert!(!metrics.contains(&failing), "an id in the metrics");
}

#[test]
fn secrets_on_disk_are_for_the_owner_alone_and_not_in_the_log() {
    let server = Server::start();
    let id = toolbox::trigger(server.client(), &json!([{"suspend": {}}]));
    let waiting = server.client().paused(&id)["waiting"].clone();
    let link = waiting["resume_url"].as_str().unwrap();
    http::get(link).expect(200);
    let mode =
        |name: &str| fs::metadata(server.data().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(""), mode("link-keys")), (0o700, 0o600));
    let log = server.log();
    assert!(log.contains("/resume/{token}"), "{log}");
    assert!(!log.contains(link.rsplit('/').next().unwrap()), "a link's token is in the log");
    assert!(!log.contains(waystation_tests::TOKEN), "the API's token is in the log");
}

#[test]
fn executions_are_listed_page_by_page_newest_first() {
    let server = Server::start();
    let client = server.client();
    toolbox::deploy(client, "many", &json!([{"return": 1}]));
    let ids: Vec<String> = (0..5).map(|_| client.trigger("many", &Value::Null)).collect();
    let mut listed = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = client
            .get(&format!("/api/v1/executions?workflow=many&limit=2{cursor}"))
            .expect(200)
            .json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        listed.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    listed.reverse();
    assert_eq!(listed, ids);
    assert_eq!(
        client.get("/api/v1/executions?status=paused").expect(400).json()["parameter"],
        "status"
    );
}

#[test]
fn errors_are_problems_with_a_code_and_the_requests_id() {
    let server = Server::start();
    let client = server.client();
    for (method, path, status, code) in [
        ("GET", "/api/v1/components/none", 404, "unknown_component"),
        ("GET", "/api/v1/workflows/none", 404, "unknown_workflow"),
        ("PATCH", "/api/v1/components", 405, "method_not_allowed"),
        ("PUT", "/api/v1/components/Not%20A%20Name", 400, "invalid_name"),
        ("GET", "/api/v1/executions?limit=0", 400, "invalid_parameter"),
    ] {
        let answer = client.request(method, path).send().expect(status);
        assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
        let problem = answer.json();
        assert_eq!(
            (&problem["code"], &problem["status"]),
            (&json!(code), &json!(status)),
            "{path}"
        );
        assert!(problem["request_id"].is_string() && problem["title"].is_string(), "{problem}");
    }
}
