//! A workflow has its share of the queue: a flood is refused where it begins to crowd others out.

use serde_json::{Value, json};
use waystation_tests::http::{self, Answer};
use waystation_tests::{Client, ServerOptions, run_id, toolbox};

/// One run of a workflow at a time, and three that wait for it.
fn options<'a>() -> ServerOptions<'a> {
    ServerOptions::new()
        .env("WAYSTATION_LIMITS_RUNS_MAX", "4")
        .env("WAYSTATION_LIMITS_RUNS_PER_WORKFLOW_MAX", "1")
        .env("WAYSTATION_LIMITS_QUEUED_PER_WORKFLOW_MAX", "3")
        .env("WAYSTATION_LIMITS_TIMEOUT_S", "600")
}

/// Deploys `flood`, whose executions do what their event says, and `neighbour`.
fn deploy(client: &Client) {
    toolbox::deploy_and_next(client, "flood", &json!("{{ event.do }}"));
    toolbox::deploy(client, "neighbour", &json!([{"return": "fine"}]));
}

/// Longer than the test takes.
fn sleeps() -> Value {
    json!({"do": [{"sleep": 600_000}]})
}

/// Triggers the flood as often as it is accepted: the executions, and the refusal.
fn flood(client: &Client) -> (Vec<String>, Answer) {
    let mut accepted = Vec::new();
    loop {
        let answer = client.post("/api/v1/workflows/flood/executions", &sleeps());
        if answer.status != 201 {
            return (accepted, answer);
        }
        accepted.push(run_id(&answer.json()));
        assert!(accepted.len() < 100, "it never says no");
    }
}

#[track_caller]
fn is_refused(answer: Answer) {
    let answer = answer.expect(503);
    assert_eq!(answer.header("retry-after"), "1");
    let problem = answer.json();
    assert_eq!(problem["code"], "workflow_busy");
    assert_eq!(problem["workflow"], "flood");
    assert_eq!(problem["limit"], "limits.queued_per_workflow_max");
    let detail = "3 executions of the workflow flood wait to be run, as many as \
                  limits.queued_per_workflow_max allows";
    assert_eq!(problem["detail"], detail);
}

fn neighbour_runs(client: &Client) {
    let path = "/api/v1/workflows/neighbour/executions?wait=30";
    let execution = client.post(path, &Value::Null).expect(200).json();
    assert_eq!(execution["status"], "completed", "{execution}");
}

fn cancel(client: &Client, id: &str) {
    client.post(&format!("/api/v1/executions/{id}/cancel"), &Value::Null).expect(200);
}

fn runs(client: &Client, id: &str, attempt: u64) {
    client.when(id, "running", |execution| {
        execution["status"] == "running" && execution["steps"]["step"]["attempt"] == attempt
    });
}

#[test]
fn a_flood_is_refused_at_its_edge_and_its_neighbour_is_not() {
    let server = options().start();
    let client = server.client();
    deploy(client);
    let (first, refusal) = flood(client);
    assert_eq!(first.len(), 4, "one runs, and three wait");
    is_refused(refusal);
    is_refused(client.request("POST", "/hooks/flood").json(&sleeps()).send());
    neighbour_runs(client);
    client.request("POST", "/hooks/neighbour").send().expect(202);

    // One has run, and there is room for one.
    cancel(client, &first[0]);
    runs(client, &first[1], 1);
    let (second, refusal) = flood(client);
    assert_eq!(second.len(), 1);
    is_refused(refusal);

    // The count does not live and die with the process.
    let server = server.kill_and_restart();
    let client = server.client();
    runs(client, &first[1], 2);
    is_refused(client.post("/api/v1/workflows/flood/executions", &sleeps()));
    neighbour_runs(client);
    cancel(client, &first[2]);
    let (third, refusal) = flood(client);
    assert_eq!(third.len(), 1);
    is_refused(refusal);
}

#[test]
fn who_was_accepted_is_never_refused() {
    let server = options().start();
    let client = server.client();
    deploy(client);
    let asks = client.trigger("flood", &json!({"do": [{"suspend": {}}]}));
    let link = client.paused(&asks)["waiting"]["resume_url"].as_str().map(str::to_owned);
    let (sleepers, refusal) = flood(client);
    is_refused(refusal);
    let answer = http::get(&link.expect("a link")).expect(200).json();
    assert_eq!(answer["outcome"], "resumed");
    assert_eq!(client.execution(&asks)["status"], "queued", "its turn comes after theirs");
    is_refused(client.post("/api/v1/workflows/flood/executions", &sleeps()));
    neighbour_runs(client);
    sleepers.iter().for_each(|id| cancel(client, id));
    let done = client.completed(&asks);
    assert_eq!(done["steps"]["next"]["exports"]["$return_value"], "the next step ran");
}
