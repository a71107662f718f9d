//! Components, workflows, executions, triggers, the store: what each route does.

use axum::http::StatusCode;
use serde_json::{Value, json};
use waystation_http::GetLink;

use crate::support::{Door, link};

#[tokio::test]
async fn what_is_not_there_is_told_apart() {
    let door = Door::open(GetLink::Act).await;
    door.call("GET", "/nothing", &[], "").await.problem(404, "not_found");
    door.api("GET", "/nothing", "").await.problem(404, "not_found");
    door.api("GET", "/workflows/x", "").await.problem(404, "unknown_workflow");
    door.api("GET", "/workflows/X%20y", "").await.problem(404, "unknown_workflow");
    door.api("GET", "/workflows/x/versions", "").await.problem(404, "unknown_workflow");
    door.api("DELETE", "/workflows/x", "").await.problem(404, "unknown_workflow");
    door.api("POST", "/workflows/x/test", "").await.problem(404, "unknown_workflow");
    door.api("POST", "/workflows/x/executions", "").await.problem(404, "unknown_workflow");
    door.api("GET", "/components/x", "").await.problem(404, "unknown_component");
    door.api("DELETE", "/components/x", "").await.problem(404, "unknown_component");
    for path in ["/executions/x", "/executions/0198c9a2-0000-7000-8000-000000000000"] {
        door.api("GET", path, "").await.problem(404, "unknown_execution");
        door.api("GET", &format!("{path}/history"), "").await.problem(404, "unknown_execution");
        door.api("GET", &format!("{path}/logs"), "").await.problem(404, "unknown_execution");
        door.api("POST", &format!("{path}/resume"), "").await.problem(404, "unknown_execution");
        door.api("POST", &format!("{path}/cancel"), "").await.problem(404, "unknown_execution");
    }
    let answer = door.api("PATCH", "/workflows", "").await;
    answer.problem(405, "method_not_allowed");
    assert!(answer.header("allow").contains("GET"), "{:?}", answer.headers);
    let answer = door.call("POST", "/healthz", &[], "").await;
    answer.problem(405, "method_not_allowed");
    assert!(answer.header("allow").contains("GET"));
}

#[tokio::test]
async fn components_come_and_go() {
    let door = Door::open(GetLink::Act).await;
    let first = door.api("PUT", "/components/c", "good one").await;
    assert_eq!(first.status, 201);
    assert_eq!(first.json()["size"], 8);
    assert!(first.json()["digest"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!(door.api("PUT", "/components/c", "good one").await.status, 200);
    assert_eq!(door.api("GET", "/components", "").await.json()["items"][0], first.json());
    door.api("PUT", "/components/c", "bad").await.problem(422, "core_module");
    door.api("PUT", "/components/C", "good").await.problem(400, "invalid_name");
    let large = "good".repeat(300);
    door.api("PUT", "/components/c", &large).await.problem(413, "component_too_large");
    door.deploy(json!({}), json!({})).await;
    door.api("DELETE", "/components/c", "").await.problem(409, "in_use");
    assert_eq!(door.api("DELETE", "/workflows/w", "").await.status, 204);
    assert_eq!(door.api("DELETE", "/components/c", "").await.status, 204);
}

#[tokio::test]
async fn a_deploy_says_what_is_wrong_and_where() {
    let door = Door::open(GetLink::Act).await;
    door.api("PUT", "/components/c", "good").await;
    let yaml = "name: w\nsteps:\n  - name: a\n    component: c\n";
    let first = door.api("PUT", "/workflows/w", yaml).await;
    assert_eq!(first.status, 201);
    assert_eq!(first.json()["version"], 1);
    assert_eq!(first.json()["steps"][0]["component"], "c");
    assert_eq!(door.api("PUT", "/workflows/w", yaml).await.status, 200);
    for (file, place) in [
        (yaml.replace("name: w", "name: v"), "name"),
        (yaml.replace("component: c", "component: d"), "steps[0].component"),
        (format!("{yaml}    limits: {{ memory_mib: 0 }}\n"), "steps[0].limits.memory_mib"),
    ] {
        let problem = door.api("PUT", "/workflows/w", &file).await.problem(422, "invalid_workflow");
        assert_eq!(problem["place"], place, "{problem}");
    }
    let shown = door.api("GET", "/workflows/w", "").await.json();
    assert_eq!(shown["definition"]["steps"][0]["name"], "a");
    assert_eq!(door.api("GET", "/workflows/w/versions", "").await.json()["items"][0], shown);
}

#[tokio::test]
async fn a_trigger_is_answered_at_once_or_when_it_is_over() {
    let door = Door::open(GetLink::Act).await;
    door.deploy(json!({}), json!({})).await;
    let key = [("authorization", "Bearer secret"), ("idempotency-key", "k")];
    let path = "/api/v1/workflows/w/executions";
    let first = door.call("POST", path, &key, "{\"n\": 1}").await;
    assert_eq!(first.status, 201);
    let id = first.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(first.header("location"), format!("http://w.example/api/v1/executions/{id}"));
    let second = door.call("POST", path, &key, "{\"n\": 2}").await;
    assert_eq!((second.status.as_u16(), second.json()["id"].as_str()), (200, Some(&*id)));

    // Ids sort by their milliseconds.
    door.clock.advance_millis(1);
    let waits = [("authorization", "Bearer secret"), ("prefer", "wait=10")];
    let third = door.call("POST", path, &waits, "").await;
    assert_eq!((third.status.as_u16(), third.header("preference-applied")), (200, "wait=10"));
    assert_eq!(third.json()["status"], "completed");
    assert_eq!(third.json()["event"], Value::Null);

    door.api("POST", "/workflows/w/executions", "{").await.problem(400, "malformed_json");
    door.api("POST", "/workflows/w/executions?wait=x", "").await.problem(400, "invalid_parameter");
    let large = format!("\"{}\"", "x".repeat(2_000));
    door.api("POST", "/workflows/w/executions", &large).await.problem(413, "body_too_large");
    let page = door.api("GET", "/executions?status=completed&limit=1", "").await.json();
    assert_eq!(page["items"][0]["id"], third.json()["id"]);
    let cursor = page["next_cursor"].as_str().unwrap();
    let next = door.api("GET", &format!("/executions?workflow=w&cursor={cursor}"), "").await.json();
    assert_eq!(next["items"][0]["id"], json!(id));
    let history = door.api("GET", &format!("/executions/{id}/history"), "").await.json();
    assert_eq!(history["items"][0]["seq"], 1);
}

#[tokio::test]
async fn a_key_at_a_hook_is_no_key_at_the_api() {
    let door = Door::open(GetLink::Act).await;
    door.deploy(json!({}), json!({"http": {}})).await;
    let key = [("authorization", "Bearer secret"), ("idempotency-key", "order-7")];
    let call = async |path: &str| {
        let answer = door.call("POST", path, &key, "").await;
        (answer.status.as_u16(), answer.json()["id"].as_str().unwrap().to_owned())
    };
    // Anybody may call a hook, and takes no key there that a caller of the API will use.
    let (status, hooked) = call("/hooks/w").await;
    assert_eq!(status, 202);
    let (status, asked) = call("/api/v1/workflows/w/executions").await;
    assert!(status == 201 && asked != hooked);
    assert_eq!(call("/api/v1/workflows/w/executions").await, (200, asked));
    assert_eq!(call("/hooks/w").await, (202, hooked));
}

#[tokio::test]
async fn hooks_take_any_request_and_may_let_a_step_answer() {
    let door = Door::open(GetLink::Act).await;
    door.deploy(json!({}), json!({})).await;
    door.call("POST", "/hooks/w", &[], "").await.problem(404, "no_http_trigger");
    door.call("POST", "/hooks/x", &[], "").await.problem(404, "unknown_workflow");

    door.deploy(json!({}), json!({"http": {}})).await;
    let answer = door.call("PUT", "/hooks/w/a/b?x=1", &[("content-type", "text/plain")], "é").await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.header("location"), answer.json()["url"]);
    let event = door.done(&answer.json()).await["event"].clone();
    assert_eq!(event["method"], "PUT");
    assert_eq!(event["url"], "http://w.example/hooks/w/a/b?x=1");
    assert_eq!((&event["body"], &event["query"]["x"]), (&json!("é"), &json!("1")));
    let json = [("content-type", "application/json")];
    door.call("POST", "/hooks/w", &json, "{").await.problem(400, "malformed_json");
    let waited = door.call("GET", "/hooks/w?wait=10", &[], "").await;
    assert_eq!((waited.status.as_u16(), &waited.json()["status"]), (200, &json!("completed")));

    door.deploy(json!({"do": "respond"}), json!({"http": {"respond": "step"}})).await;
    let answer = door.call("GET", "/hooks/w", &[], "").await;
    assert_eq!((answer.status.as_u16(), answer.header("x-step"), &*answer.text), (201, "1", "hi"));
    door.deploy(json!({"do": "suspend"}), json!({"http": {"respond": "step"}})).await;
    assert_eq!(door.call("GET", "/hooks/w", &[], "").await.status, 202);
}

#[tokio::test]
async fn an_operator_resumes_cancels_and_tests() {
    let door = Door::open(GetLink::Act).await;
    let execution = door.paused().await;
    let path = format!("/executions/{}", execution["id"].as_str().unwrap());
    let answer = door.api("POST", &format!("{path}/resume"), "").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["outcome"]), (200, &json!("resumed")));
    let done = door.done(&execution).await;
    assert_eq!(done["steps"]["a"]["exports"]["$resume"]["reason"], "operator");
    assert!(!done.to_string().contains("Bearer"));
    let problem = door.api("POST", &format!("{path}/cancel"), "").await;
    problem.problem(410, "execution_ended");

    let report = door.api("POST", "/workflows/w/test", "").await.json();
    assert_eq!(report["status"], "canceled");
    assert!(report["message"].as_str().unwrap().contains("flow.suspend()"));
    door.deploy(json!({"do": "fail"}), json!({})).await;
    let report = door.api("POST", "/workflows/w/test", "").await.json();
    assert_eq!(report["error"]["message"], "as told");
}

#[tokio::test]
async fn health_and_figures_need_no_token() {
    let door = Door::open(GetLink::Act).await;
    assert_eq!(door.call("GET", "/healthz", &[], "").await.json()["status"], "ok");
    assert_eq!(door.call("GET", "/readyz", &[], "").await.status, 200);
    let execution = door.paused().await;
    door.call("GET", &link(&execution, "resume_url"), &[], "").await;
    let figures = door.call("GET", "/metrics", &[], "").await;
    assert!(figures.text.contains("route=\"/resume/{token}\""), "{}", figures.text);
    assert!(figures.text.contains("waystation_executions_triggered_total 1"));
}

#[tokio::test]
async fn the_store_is_looked_after_through_the_api() {
    let door = Door::open(GetLink::Act).await;
    let checked = door.api("GET", "/check", "").await;
    assert_eq!(checked.json()["problems"][0], "an orphan");
    assert_eq!(checked.json()["executions"], 2);
    let backup = door.api("GET", "/backup", "").await;
    assert_eq!((backup.status, backup.text.as_str()), (StatusCode::OK, "a backup"));
    assert_eq!(backup.header("content-type"), "application/x-tar");
    assert_eq!(backup.header("cache-control"), "no-store");
    door.api("GET", "/backup?keys=true", "").await.problem(503, "busy");
    door.api("GET", "/backup?keys=maybe", "").await.problem(400, "invalid_parameter");
}

#[tokio::test]
async fn secrets_are_set_and_never_answered() {
    let door = Door::open(GetLink::Act).await;
    let value = "correct horse";
    let put = |fields: &str| format!("{{\"value\": \"{value}\", {fields}}}");
    let body = put("\"for\": [\"https://h/v1\"]");
    let answer = door.api("PUT", "/secrets/KEY", &body).await;
    assert_eq!(answer.status.as_u16(), 201);
    let secret = json!({"name": "KEY", "for": ["https://h/v1"], "reveal": false,
                        "set_at": "2026-01-31T12:00:00.000Z", "unreadable": null});
    assert_eq!(answer.json(), secret);
    assert_eq!(door.api("PUT", "/secrets/KEY", &body).await.status.as_u16(), 200);
    assert_eq!(door.api("GET", "/secrets", "").await.json(), json!({"items": [secret]}));
    door.api("GET", "/secrets/KEY", "").await.problem(405, "method_not_allowed");
    for (body, place) in [
        (put("\"reveal\": false"), "for"),
        (put("\"for\": [\"h\"]"), "for[0]"),
        (put("\"reveal\": true, \"more\": 1"), "the body"),
        ("{\"value\": \"short\", \"reveal\": true}".to_owned(), "value"),
        (String::new(), "the body"),
    ] {
        let problem = door.api("PUT", "/secrets/OTHER", &body).await.problem(422, "invalid_secret");
        assert_eq!(problem["place"], place);
        assert!(!problem.to_string().contains(value), "{problem}");
    }
    door.api("PUT", "/secrets/key", &body).await.problem(400, "invalid_name");
    door.api("DELETE", "/secrets/OTHER", "").await.problem(404, "unknown_secret");
    door.api("DELETE", "/secrets/key", "").await.problem(404, "unknown_secret");
    assert_eq!(door.api("DELETE", "/secrets/KEY", "").await.status.as_u16(), 204);
    assert_eq!(door.api("GET", "/secrets", "").await.json(), json!({"items": []}));
}
