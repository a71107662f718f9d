//! What is taken as a component and as a workflow, and what is said about the rest.
#![expect(clippy::unwrap_used, reason = "a helper that finds nothing there has failed")]

use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use waystation_tests::{Server, ServerOptions, bombs, guests, http, neighbours, toolbox, wait};

/// A component that has a `handler`, of the wrong type, or nothing; and imports of its own.
fn component(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).unwrap()
}

#[test]
fn what_is_no_step_is_refused_with_the_fault_by_name() {
    let server = Server::start();
    let client = server.client();
    let toolbox = guests::bytes("tests/toolbox");
    let unknown = component(r#"(component (import "acme:secrets/vault@1.0.0" (instance)))"#);
    let no_handler = component("(component)");
    let core = component("(module)");
    for (what, bytes, word) in [
        ("text", b"hello, I am no component".to_vec(), "not a WebAssembly component"),
        ("a shell script", b"#!/bin/sh\necho\n".to_vec(), "not a WebAssembly component"),
        ("a core module", core, "core WebAssembly module"),
        ("no handler", no_handler, "`handler`"),
        ("an unknown import", unknown, "acme:secrets/vault"),
        ("one byte cut off", toolbox[..toolbox.len() - 1].to_vec(), "damaged or cut off"),
        ("the first half", toolbox[..toolbox.len() / 2].to_vec(), "damaged or cut off"),
        ("nothing", Vec::new(), "empty"),
    ] {
        let problem = client.put_component("bad", bytes).expect(422);
        assert_eq!(problem.header("content-type"), "application/problem+json");
        let problem = problem.json();
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(word), "{what}: {detail}");
        assert!(problem["code"].is_string() && problem["request_id"].is_string(), "{problem}");
    }
    client.get("/api/v1/components/bad").expect(404);
}

#[test]
fn a_component_that_is_too_large_is_refused() {
    let server = ServerOptions::new().env("WAYSTATION_LIMITS_COMPONENT_BYTES_MAX", "1000").start();
    let problem = server.client().put_component("big", guests::bytes("tests/toolbox")).expect(413);
    assert_eq!(problem.json()["code"], "component_too_large");
}

#[test]
fn the_same_bytes_again_change_nothing() {
    let server = Server::start();
    let client = server.client();
    let bytes = guests::bytes("tests/toolbox");
    let first = client.put_component("toolbox", bytes.clone()).expect(201).json();
    assert!(first["digest"].as_str().unwrap().starts_with("sha256:"), "{first}");
    assert_eq!(first["size"], bytes.len());
    let imports = first["imports"].to_string();
    assert!(imports.contains("waystation:step/flow@0.1.0"), "{imports}");
    let again = client.put_component("toolbox", bytes).expect(200).json();
    assert_eq!(again["digest"], first["digest"]);
    let listed = client.get("/api/v1/components").expect(200).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_component_that_is_needed_can_not_be_deleted() {
    let server = Server::start();
    let client = server.client();
    let delete = |path: &str| client.request("DELETE", path).send();
    toolbox::deploy(client, "needs-it", &json!([{"suspend": {}}]));
    let problem = delete("/api/v1/components/toolbox").expect(409).json();
    assert!(problem["detail"].as_str().unwrap().contains("needs-it"), "{problem}");

    let id = client.trigger("needs-it", &Value::Null);
    let waiting = client.paused(&id)["waiting"].clone();
    delete("/api/v1/workflows/needs-it").expect(204);
    let problem = delete("/api/v1/components/toolbox").expect(409).json();
    assert!(problem["detail"].as_str().unwrap().contains("executions under way"), "{problem}");

    http::get(waiting["resume_url"].as_str().unwrap()).expect(200);
    client.completed(&id);
    delete("/api/v1/components/toolbox").expect(204);
    delete("/api/v1/components/toolbox").expect(404);
}

#[test]
fn a_workflow_file_that_is_wrong_is_refused_with_the_place() {
    let server = Server::start();
    let client = server.client();
    client.push("tests/toolbox");
    let step = "steps:\n  - name: a\n    component: toolbox\n";
    for (file, parts) in [
        (
            "name: w\nsteps:\n  - name: a\n    component: toolbox\n    colour: red\n".to_owned(),
            ["line 5", "steps[0]", "colour"],
        ),
        (
            "name: w\nsteps:\n  - name: a\n    component: nowhere\n".to_owned(),
            ["steps[0]", "component", "nowhere"],
        ),
        ("name: w\nsteps:\n  - name: [a\n".to_owned(), ["line ", "", ""]),
        ("name: w\nsteps: []\n".to_owned(), ["steps", "", ""]),
        (format!("name: other\n{step}"), ["name", "other", "\"w\""]),
        (
            format!("name: w\n{step}  - name: a\n    component: toolbox\n"),
            ["steps[1]", "name", "a"],
        ),
        (
            format!("name: w\n{step}    props: {{ x: '{{{{ event. }}}}' }}\n"),
            ["steps[0]", "props.x", ""],
        ),
        (
            format!("name: w\n{step}    allow: {{ http: [\"everything\"] }}\n"),
            ["steps[0]", "allow.http", "everything"],
        ),
        (
            format!("name: w\n{step}    retry: {{ attempts: 0 }}\n"),
            ["steps[0]", "retry", "attempts"],
        ),
    ] {
        let answer = client
            .request("PUT", "/api/v1/workflows/w")
            .body("application/yaml", file.clone())
            .send();
        let problem = answer.expect(422).json();
        assert_eq!(problem["code"], "invalid_workflow");
        let detail = problem["detail"].as_str().unwrap();
        for part in parts {
            assert!(detail.contains(part), "{detail:?} has no {part:?} for\n{file}");
        }
    }
    client.get("/api/v1/workflows/w").expect(404);
}

#[test]
fn the_same_workflow_again_makes_no_new_version() {
    let server = Server::start();
    let client = server.client();
    client.push("tests/toolbox");
    let workflow = |n: u32| json!({"name": "w", "steps": [{"name": "a", "component": "toolbox", "props": {"do": [{"return": n}]}}]});
    let first = client.put_workflow(&workflow(1)).expect(201).json();
    assert_eq!((&first["version"], &first["steps"][0]["name"]), (&json!(1), &json!("a")));
    assert!(first["steps"][0]["digest"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!(client.put_workflow(&workflow(1)).expect(200).json()["version"], 1);
    assert_eq!(client.put_workflow(&workflow(2)).expect(201).json()["version"], 2);
    let versions = client.get("/api/v1/workflows/w/versions").expect(200).json();
    assert_eq!(versions["items"].as_array().unwrap().len(), 2);
}

#[test]
fn a_deploy_does_not_touch_executions_that_are_under_way() {
    let server = Server::start();
    let client = server.client();
    client.push("tests/toolbox");
    client.push("tests/seed_timeout");
    let second = |component: &str| {
        json!({"name": "pinned", "steps": [
            {"name": "first", "component": "toolbox", "props": {"do": [{"suspend": {}}]}},
            {"name": "second", "component": component, "props": {"do": [{"return": "the old one"}]}},
        ]})
    };
    client.put_component("second", guests::bytes("tests/toolbox")).expect(201);
    client.deploy(&second("second"));
    let old = client.trigger("pinned", &Value::Null);
    let waiting = client.paused(&old)["waiting"].clone();
    // The same name, other bytes; and a deploy that takes them up.
    client.put_component("second", guests::bytes("tests/seed_timeout")).expect(201);
    let deployed = client.put_workflow(&second("second")).expect(201).json();
    assert_eq!(deployed["version"], 2);
    let server = server.kill_and_restart();
    let client = server.client();
    http::get(waiting["resume_url"].as_str().unwrap()).expect(200);
    let execution = client.completed(&old);
    assert_eq!(execution["workflow_version"], 1);
    assert_eq!(execution["steps"]["second"]["exports"]["$return_value"], "the old one");
    let new = client.trigger("pinned", &Value::Null);
    let links = client.paused(&new)["waiting"].clone();
    http::get(links["resume_url"].as_str().unwrap()).expect(200);
    let execution = client.when(&new, "suspended in its second step", |execution| {
        execution["waiting"]["step"] == "second"
    });
    assert_eq!(execution["workflow_version"], 2);
}

/// A component whose compiler is at work for a while, on the fastest machine too.
fn long_work() -> Vec<u8> {
    bombs::many_functions(10_000)
}

fn until_compiling(server: &Server<'_>) -> waystation_tests::Process {
    wait::until("a compiler works", || server.compilers().first().copied())
}

fn until_nothing_compiles(server: &Server<'_>) {
    wait::until("no compiler works", || server.compilers().is_empty().then_some(()));
}

#[test]
fn a_component_that_takes_too_long_is_given_up_and_nothing_is_left_of_it() {
    let server = ServerOptions::new().env("WAYSTATION_LIMITS_COMPILE_S", "10").start();
    let client = server.client();
    let started = Instant::now();
    let problem = client.put_component("bomb", long_work()).expect(422).json();
    assert!(started.elapsed() >= Duration::from_secs(10), "{:?}", started.elapsed());
    assert_eq!(problem["code"], "compile_timeout");
    assert!(problem["detail"].as_str().unwrap().contains("more than 10 s"), "{problem}");
    until_nothing_compiles(&server);
    client.get("/api/v1/components/bomb").expect(404);
    client.put_component("small", bombs::step("after a bomb")).expect(201);
}

#[test]
fn a_component_that_takes_too_much_memory_is_given_up() {
    let server = ServerOptions::new().env("WAYSTATION_LIMITS_COMPILE_MEMORY_MIB", "512").start();
    let client = server.client();
    let problem = client.put_component("bomb", bombs::large_data(110 << 20)).expect(422).json();
    assert_eq!(problem["code"], "compile_memory", "{problem}");
    client.put_component("small", bombs::step("with little memory")).expect(201);
}

/// Whatever is sent, the answer is a status and not a dead server; and it comes in time.
#[test]
fn hostile_components_are_taken_or_refused_and_the_server_goes_on() {
    let server = ServerOptions::new()
        .env("WAYSTATION_LIMITS_COMPILE_S", "15")
        .env("WAYSTATION_LIMITS_COMPILE_MEMORY_MIB", "1024")
        .start();
    let client = server.client();
    for (what, bytes, allowed) in [
        ("50 000 locals", bombs::many_locals(50_000), &[201, 422][..]),
        ("100 000 locals", bombs::many_locals(100_000), &[422]),
        ("100 000 blocks", bombs::nested_blocks(100_000), &[201, 422]),
        ("3 000 000 blocks", bombs::nested_blocks(3_000_000), &[422]),
        ("components in components", bombs::nested_components(5_000), &[201, 422]),
        ("60 MiB of data", bombs::large_data(60 << 20), &[201]),
        // Fast machines are done in time.
        ("60 MiB of code", bombs::many_functions(5_500), &[201, 422]),
    ] {
        let started = Instant::now();
        let answer = client.put_component("hostile", bytes);
        assert!(allowed.contains(&answer.status), "{what}: {}", answer.text());
        assert!(started.elapsed() < Duration::from_secs(60), "{what}: {:?}", started.elapsed());
        if answer.status == 422 {
            let problem = answer.json();
            assert!(problem["code"].is_string(), "{what}: {problem}");
        }
    }
    until_nothing_compiles(&server);
    client.put_component("small", bombs::step("after the hostile ones")).expect(201);
}

#[test]
fn a_compiler_goes_when_its_uploader_leaves() {
    let server = Server::start();
    let upload = server.client().start_upload("bomb", long_work());
    let compiler = until_compiling(&server);
    // It bounds and confines itself, so there is a moment in which it has not.
    wait::until("it is as nice as can be, has no environment, and may call little", || {
        let is_so = compiler.niceness() == Some(19)
            && compiler.variables() == Some(0)
            && compiler.is_filtered() == Some(true);
        is_so.then_some(())
    });
    drop(upload);
    until_nothing_compiles(&server);
    assert!(!compiler.is_alive());
    server.client().put_component("small", bombs::step("after one that left")).expect(201);
}

#[test]
fn who_waits_for_the_same_component_takes_over_when_the_first_leaves() {
    let server = Server::start();
    let client = server.client();
    // New for each run of this test: what was compiled before is not compiled again.
    let component = [bombs::many_functions(60), custom(&server)].concat();
    let first = client.start_upload("one", component.clone());
    let compiler = until_compiling(&server);
    let second = client.start_upload("two", component);
    drop(first);
    wait::until("the first compiler is gone", || (!compiler.is_alive()).then_some(()));
    assert_eq!(second.status(), 201);
    client.get("/api/v1/components/one").expect(404);
    client.get("/api/v1/components/two").expect(200);
}

/// A section that means nothing, with something in it that no other server has.
fn custom(server: &Server<'_>) -> Vec<u8> {
    let text = server.data().display().to_string();
    let length = u8::try_from(text.len() + 1).unwrap();
    assert!(length < 128, "a long path");
    [vec![0, length, 0], text.into_bytes()].concat()
}

#[test]
fn a_compiler_goes_with_its_server() {
    let server = Server::start();
    let upload = server.client().start_upload("bomb", long_work());
    let compiler = until_compiling(&server);
    let killed = server.kill();
    wait::until("the compiler is gone", || (!compiler.is_alive()).then_some(()));
    drop(upload);

    let server = killed.restart();
    let _upload = server.client().start_upload("bomb", long_work());
    let compiler = until_compiling(&server);
    let started = Instant::now();
    server.ask_to_stop();
    let stopped = server.stopped();
    assert_eq!(stopped.status.code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    wait::until("the compiler is gone", || (!compiler.is_alive()).then_some(()));
}

#[test]
fn uploads_beyond_those_that_may_wait_are_put_off() {
    let server = ServerOptions::new()
        .env("WAYSTATION_LIMITS_COMPILES_MAX", "1")
        .env("WAYSTATION_LIMITS_COMPILES_WAITING_MAX", "1")
        .start();
    let client = server.client();
    let bomb = client.start_upload("bomb", long_work());
    until_compiling(&server);
    let (sender, answers) = mpsc::channel();
    std::thread::scope(|scope| {
        for name in ["one", "other"] {
            let sender = sender.clone();
            scope.spawn(move || sender.send(client.put_component(name, bombs::step(name))).is_ok());
        }
        // One of them waits; the other hears at once that there is no place.
        let busy = answers.recv().unwrap();
        assert_eq!((busy.status, &busy.json()["code"]), (503, &json!("busy")));
        assert_eq!(busy.header("retry-after"), "1");
        assert_eq!(server.compilers().len(), 1);
        drop(bomb);
        assert_eq!(answers.recv().unwrap().status, 201);
    });
    client.put_component("late", bombs::step("that is late")).expect(201);
}

#[test]
fn machine_code_that_is_gone_is_made_again_for_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = ServerOptions::new().data(&data).start();
    let client = server.client();
    client.put_component("small", bombs::step("made again")).expect(201);
    client.deploy(&json!({"name": "small", "steps": [{"name": "a", "component": "small"}]}));
    let killed = server.kill();
    std::fs::remove_dir_all(data.join("compiled")).unwrap();
    let server = killed.restart();
    let client = server.client();
    client.completed(&client.trigger("small", &Value::Null));
    assert!(data.join("compiled/modules").exists());
}

/// As an operator meets it who mends a disk: nobody wrote a `retry` for that.
#[test]
fn a_run_outlives_a_host_that_can_not_compile_for_a_while() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = ServerOptions::new().data(&data).start();
    let client = server.client();
    client.put_component("small", bombs::step("made again later")).expect(201);
    client.deploy(&json!({"name": "small", "steps": [{"name": "a", "component": "small"}]}));
    let server = server.kill().restart();
    let compiled = data.join("compiled");
    std::fs::remove_dir_all(&compiled).unwrap();
    std::fs::write(&compiled, "in the way of the machine code").unwrap();
    let client = server.client();
    let id = client.trigger("small", &Value::Null);
    let waiting = client.paused(&id)["waiting"].clone();
    assert_eq!(waiting["kind"], "retry");
    assert!(waiting["message"].as_str().unwrap().contains("the host failed"), "{waiting}");
    std::fs::remove_file(&compiled).unwrap();
    client.post(&format!("/api/v1/executions/{id}/resume"), &Value::Null).expect(200);
    client.completed(&id);
    let failures = client.history(&id).iter().filter(|entry| entry["type"] == "fail").count();
    assert_eq!(failures, 1);
}

#[test]
fn executions_go_on_while_a_hostile_component_is_compiled() {
    let neighbours::Beside { alone, beside } = neighbours::measure(30);
    // Generous: the tests beside this one are neighbours, too.
    let bound = alone.median * 10 + Duration::from_millis(500);
    assert!(beside.median < bound, "alone {alone:?}, beside {beside:?}");
}
