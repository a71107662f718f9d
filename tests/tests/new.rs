//! `waystation new`: from nothing to a workflow that runs, as a new user does it.
#![expect(clippy::unwrap_used, reason = "a helper that finds nothing there has failed")]

use std::fs;

use serde_json::json;
use waystation_tests::{Cli, Server, http};

#[test]
fn a_new_step_in_c_works_at_once() {
    works_at_once("c");
}

#[test]
fn a_new_step_in_go_works_at_once() {
    works_at_once("go");
}

#[test]
fn a_new_step_in_javascript_works_at_once() {
    works_at_once("javascript");
}

#[test]
fn a_new_step_in_python_works_at_once() {
    works_at_once("python");
}

#[test]
fn a_new_step_in_rust_works_at_once() {
    works_at_once("rust");
}

#[test]
fn a_new_step_in_typescript_works_at_once() {
    works_at_once("typescript");
}

/// The commands of the README that it writes.
fn works_at_once(language: &str) {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start();
    let cli = Cli::of(&server);
    let name = format!("hello-{language}");
    cli.clone().within(home.path()).run(&["new", "--lang", language, &name]).expect(0);
    let folder = home.path().join(&name);
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    assert!(readme.starts_with(&format!("# {name}\n")), "{readme}");
    let left = readme.split('`').find(|word| word.starts_with('@'));
    assert_eq!(left, None, "{readme}");

    let cli = cli.within(&folder);
    cli.run(&["build", "."]).expect(0);
    cli.run(&["component", "push", &format!("{name}.wasm")]).expect(0);
    cli.run(&["workflow", "deploy", "workflow.yaml"]).expect(0);
    let event = r#"{"name": "Ada"}"#;
    let execution = cli.json(&["trigger", &name, "--data", event, "--wait"]);
    assert_eq!(execution["status"], "suspended", "{execution:#}");
    assert_eq!(execution["waiting"]["message"], "Greet Ada?");
    let waiting = &execution["waiting"];
    let url = waiting["resume_url"].as_str().unwrap();
    http::post(url, &json!({"agreed": true})).expect(200);
    let id = execution["id"].as_str().unwrap();
    let completed = server.client().completed(id);
    let exports = &completed["steps"]["greet"]["exports"];
    assert_eq!(exports["$return_value"], json!({"greeting": "Hello, Ada!"}));
    let log = server.client().log(id);
    assert!(log.contains("asked whether to greet Ada"), "{log}");
    for name in ["resume_url", "cancel_url", "approval_url"] {
        let url = waiting[name].as_str().unwrap();
        assert!(!log.contains(url.rsplit('/').next().unwrap()), "{name} in {log}");
    }
}

#[test]
fn nothing_is_overwritten_and_wrong_names_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let cli = Cli::bare().within(home.path());
    fs::create_dir(home.path().join("taken")).unwrap();
    let said = cli.run(&["new", "--lang", "python", "taken"]).expect(1);
    assert!(said.stderr.contains("taken is there already"), "{}", said.stderr);
    for name in ["Upper", "9to5", "a/b", "..", "", "a_b", &"a".repeat(65)] {
        let said = cli.run(&["new", "--lang", "python", name]).expect(1);
        assert!(said.stderr.contains("no name for a step"), "{name}: {}", said.stderr);
    }
    let said = cli.run(&["new", "--lang", "cobol", "step"]).expect(2);
    assert!(said.stderr.contains("typescript"), "{}", said.stderr);
    let names = fs::read_dir(home.path()).unwrap().flatten().map(|entry| entry.file_name());
    assert_eq!(names.collect::<Vec<_>>(), ["taken"]);
    let longest = "a".repeat(64);
    cli.run(&["new", "--lang", "python", &longest]).expect(0);
    assert!(home.path().join(longest).join("step.py").is_file());
}
