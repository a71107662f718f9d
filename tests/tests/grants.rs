//! What a workflow may do is told, and a version that asks for more has to be accepted.

use std::fs;

use serde_json::{Value, json};
use waystation_tests::{Cli, Server, ServerOptions};

fn workflow(allow: &Value) -> Value {
    let props = json!({"do": [{"return": 1}]});
    json!({"name": "w", "steps": [
        {"name": "ask", "component": "toolbox", "allow": allow, "props": props}
    ]})
}

/// What goes beyond the version before.
fn beyond(problem: &Value) -> Vec<&str> {
    problem["beyond"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one["may"].as_str())
        .collect()
}

#[test]
fn a_deploy_tells_what_each_step_may_do() {
    let server = Server::start();
    let client = server.client();
    client.push("tests/toolbox");
    let mut asked = workflow(&json!({"http": ["https://api.example.com/v1"], "email": true}));
    asked["trigger"] = json!({"http": {}});
    asked["steps"][0]["limits"] = json!({"memory_mib": 64, "timeout_s": 5});
    let deployed = client.put_workflow(&asked).expect(201).json();
    assert_eq!(deployed["may"], json!(["be started by whoever calls its hook"]));
    let may = json!([
        "pause, repeat or end the workflow",
        "call https://api.example.com/v1",
        "send mail",
        "take up to 64 MiB of memory",
        "run for up to 5 s at a time",
    ]);
    for answer in [deployed, client.get("/api/v1/workflows/w").expect(200).json()] {
        let told = answer["steps"][0]["may"].as_array().unwrap();
        let missing = may.as_array().unwrap().iter().find(|sentence| !told.contains(sentence));
        assert_eq!(missing, None, "{told:?}");
    }
}

#[test]
fn a_version_that_asks_for_more_is_deployed_only_when_that_is_accepted() {
    let server = Server::start();
    let client = server.client();
    client.push("tests/toolbox");
    client.put_workflow(&workflow(&json!({"http": ["https://a.example"]}))).expect(201);
    let more =
        workflow(&json!({"http": ["https://a.example", "https://b.example"], "email": true}));
    let problem = client.put_workflow(&more).expect(409).json();
    assert_eq!((&problem["code"], &problem["version"]), (&json!("needs_acceptance"), &json!(1)));
    assert_eq!(beyond(&problem), ["call https://b.example", "send mail"]);
    assert_eq!(client.get("/api/v1/workflows/w").json()["version"], 1, "nothing has changed");

    let path = "/api/v1/workflows/w?accept=";
    client.request("PUT", &format!("{path}maybe")).json(&more).send().expect(400);
    client.request("PUT", &format!("{path}false")).json(&more).send().expect(409);
    client.request("PUT", &format!("{path}true")).json(&more).send().expect(201);
    client.put_workflow(&more).expect(200);
    client.put_workflow(&workflow(&json!({}))).expect(201);
    client.put_workflow(&more).expect(409);

    // Taking the workflow away does not make its next version the first.
    client.request("DELETE", "/api/v1/workflows/w").send().expect(204);
    client.put_workflow(&more).expect(409);
    client.put_workflow(&workflow(&json!({}))).expect(201);
}

#[test]
fn a_component_that_can_do_more_makes_the_same_file_ask_for_more() {
    let server = Server::start();
    let client = server.client();
    // It imports nothing, so it can use nothing of what it is allowed.
    let idle = wat::parse_str(IDLE).unwrap();
    client.put_component("toolbox", idle).expect(201);
    let file = workflow(&json!({"http": ["https://a.example"]}));
    client.put_workflow(&file).expect(201);
    client.push("tests/toolbox");
    let problem = client.put_workflow(&file).expect(409).json();
    assert!(beyond(&problem).contains(&"call https://a.example"), "{problem:#}");
}

#[test]
fn what_the_operator_changes_is_no_wish_for_more() {
    let server = Server::start();
    server.client().push("tests/toolbox");
    let file = workflow(&json!({}));
    server.client().put_workflow(&file).expect(201);
    let more = ServerOptions::new().env("WAYSTATION_LIMITS_MEMORY_MIB", "300");
    let server = server.kill().restart_with(more);
    let same = server.client().put_workflow(&file).expect(200).json();
    assert_eq!(same["version"], 1);
    let may = same["steps"][0]["may"].as_array().unwrap();
    assert!(may.contains(&json!("take up to 300 MiB of memory")), "{may:?}");
}

#[test]
fn the_command_line_tells_it_and_takes_accept() {
    let server = Server::start();
    let cli = Cli::of(&server);
    server.client().push("tests/toolbox");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("w.json");
    let file = file.to_str().unwrap();
    fs::write(file, workflow(&json!({})).to_string()).unwrap();
    let said = cli.run(&["workflow", "deploy", file]).expect(0);
    assert!(said.stdout.contains("ask may pause, repeat or end the workflow"), "{}", said.stdout);
    fs::write(file, workflow(&json!({"http": ["https://b.example"]})).to_string()).unwrap();
    let said = cli.run(&["workflow", "deploy", file]).expect(1);
    for part in ["more than version 1: ask may call https://b.example", "--accept"] {
        assert!(said.stderr.contains(part), "{}", said.stderr);
    }
    let said = cli.run(&["workflow", "deploy", file, "--accept"]).expect(0);
    assert!(said.stdout.contains("ask may call https://b.example"), "{}", said.stdout);
    assert!(cli.run(&["workflow", "show", "w"]).expect(0).stdout.contains("ask may call"));
}

/// A step that does nothing.
const IDLE: &str = r#"
(component
  (core module $m
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
    (func (export "handler") (param i32 i32) (result i32) i32.const 64))
  (core instance $i (instantiate $m))
  (type $failure' (record (field "name" string) (field "message" string)
    (field "stack" (option string)) (field "retryable" bool)))
  (export $failure "failure" (type $failure'))
  (func $handler (param "props" string) (result (result (option string) (error $failure)))
    (canon lift (core func $i "handler")
      (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
  (export "handler" (func $handler)))
"#;
