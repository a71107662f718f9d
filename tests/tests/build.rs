//! From a source file to a component that runs.

use std::fs;

use serde_json::json;
use waystation_tests::{Cli, Server};

#[test]
fn a_python_file_is_built_into_a_component_that_runs() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("greet.py");
    fs::write(&source, "def handler(pd):\n    return f\"hello {pd.event['name']}\"\n").unwrap();
    let output = folder.path().join("greet.wasm");
    let arguments = ["build", source.to_str().unwrap(), "-o", output.to_str().unwrap()];
    let said = Cli::bare().json(&arguments);
    assert_eq!(said["language"], "Python", "{said}");
    let server = Server::start();
    let client = server.client();
    client.put_component("greet", fs::read(&output).unwrap()).expect(201);
    client.deploy(&json!({"name": "greet", "steps": [{"name": "greet", "component": "greet"}]}));
    let execution = client.completed(&client.trigger("greet", &json!({"name": "Ada"})));
    assert_eq!(execution["steps"]["greet"]["exports"]["$return_value"], "hello Ada");
}

#[test]
fn a_source_that_is_wrong_is_told_in_the_authors_terms() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("broken.py");
    fs::write(&source, "def handler(pd):\n    return (\n").unwrap();
    let said = Cli::bare().run(&["build", source.to_str().unwrap()]).expect(1);
    assert!(said.stderr.contains("broken.py") && said.stderr.contains("line 2"), "{}", said.stderr);
}
