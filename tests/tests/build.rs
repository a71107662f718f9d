//! From a source file to a component that runs.
#![expect(clippy::unwrap_used, reason = "a helper that finds nothing there has failed")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::{Value, json};
use waystation_tests::{Cli, Server, guests};

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

/// Rust has a test of its own beside the build. In Python the bytes differ: the seed of its
/// hashes is chance, and what was built is kept instead.
#[test]
fn the_same_source_gives_the_same_bytes_in_another_folder_without_what_was_kept() {
    for language in ["c", "go", "javascript", "typescript"] {
        let [one, two] = ["one", "two/deeper"].map(|folder| built_in(folder, language));
        assert_eq!(one, two, "{language}");
    }
}

/// The digest of a new step, built in a folder and with a cache of its own, but for npm's packages.
fn built_in(folder: &str, language: &str) -> Value {
    let home = tempfile::tempdir().unwrap();
    let (folder, cache) = (home.path().join(folder), home.path().join("cache"));
    fs::create_dir_all(&folder).unwrap();
    share_packages(&cache.join("waystation"));
    let cli = Cli::bare().env("XDG_CACHE_HOME", cache.to_str().unwrap());
    cli.clone().within(&folder).run(&["new", "--lang", language, "hello"]).expect(0);
    cli.within(&folder.join("hello")).json(&["build", "."])["digest"].clone()
}

fn share_packages(cache: &Path) {
    fs::create_dir_all(cache).unwrap();
    let packages = guests::user_cache().join("waystation/javascript");
    symlink(packages, cache.join("javascript")).unwrap();
}
