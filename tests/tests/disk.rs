//! A disk that is nearly full takes no new work, and keeps room for what was accepted.

use serde_json::{Value, json};
use waystation_tests::{ServerOptions, http, run_id, toolbox};

/// More than any disk has: 4 PiB.
const MORE_THAN_THERE_IS: &str = "4294967295";

#[test]
fn new_work_is_refused_and_what_was_accepted_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let trigger = |client: &waystation_tests::Client| {
        let path = "/api/v1/workflows/waiting/executions";
        let request = client.request("POST", path).header("idempotency-key", "once");
        request.body("application/json", "{}").send()
    };
    let server = ServerOptions::new().data(&data).start();
    let client = server.client();
    client.push("tests/toolbox");
    let step = json!({"name": "a", "component": "toolbox", "props": {"do": [{"suspend": {}}]}});
    client.deploy(&json!({"name": "waiting", "trigger": {"http": {}}, "steps": [step]}));
    let id = run_id(&trigger(client).expect(201).json());
    client.paused(&id);
    drop(server);

    let full = ServerOptions::new().data(&data);
    let server = full.env("WAYSTATION_LIMITS_DISK_FREE_MIB_MIN", MORE_THAN_THERE_IS).start();
    let client = server.client();
    let refused = [
        client.post("/api/v1/workflows/waiting/executions", &Value::Null),
        http::request("POST", &format!("{}/hooks/waiting", client.url)).send(),
        client.put_component("another", waystation_tests::guests::bytes("tests/toolbox")),
        client
            .put_workflow(&json!({"name": "w", "steps": [{"name": "a", "component": "toolbox"}]})),
    ];
    for answer in refused {
        let problem = answer.expect(507).json();
        assert_eq!(problem["code"], "disk_low");
        let detail = problem["detail"].as_str().expect("a detail");
        assert!(detail.contains("limits.disk_free_mib_min"), "{detail}");
    }
    assert!(client.figure("store_disk_free_bytes") > 0);
    // What is known is answered, and goes on: by its link, to its end.
    assert_eq!(run_id(&trigger(client).expect(200).json()), id);
    let link = client.execution(&id)["waiting"]["resume_url"].clone();
    http::get(link.as_str().expect("a link")).expect(200);
    client.completed(&id);
    assert_eq!(client.figure("executions_triggered_total"), 0);
}

#[test]
fn it_can_be_told_not_to_look() {
    let server = ServerOptions::new().env("WAYSTATION_LIMITS_DISK_FREE_MIB_MIN", "0").start();
    assert_eq!(toolbox::result(server.client(), &json!([{"return": 1}])), 1);
}
