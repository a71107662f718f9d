//! A server that answers with whatever a terminal obeys: nothing of it reaches the terminal.
#![expect(clippy::unwrap_used, reason = "a helper that finds nothing there has failed")]

use std::fs;

use serde_json::{Value, json};
use waystation_tests::{Cli, Recorder, Reply};

/// What changes the direction of text.
const DIRECTIONS: &str = "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\
                          \u{2067}\u{2068}\u{2069}";

/// All that a terminal obeys, by itself and as commands.
fn hostile() -> String {
    let commands = "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m";
    let controls: String = ('\0'..='\u{9f}').filter(|c| c.is_control()).collect();
    format!("é{commands}{controls}{DIRECTIONS}")
}

fn is_tame(printed: &str) -> bool {
    let obeyed = |c: char| (c.is_control() && c != '\n' && c != '\t') || DIRECTIONS.contains(c);
    !printed.chars().any(obeyed)
}

/// Something of everything that answers hold, all of it hostile.
fn answer(path: &str) -> Value {
    let text = hostile();
    let request = json!({"method": text, "path": text, "headers": {}, "body": text});
    let step = json!({
        "status": text, "runs": text, "attempt": text, "started_at": text,
        "exports": {&text: text, "request": request},
    });
    let mut one = json!({
        "id": text, "name": text, "workflow": text, "workflow_version": text, "version": text,
        "status": "completed", "triggered_at": text, "finished_at": text, "exit_reason": text,
        "compute_ms": text, "credits": text, "outcome": text, "at": text, "already": true,
        "message": text, "error": {"kind": text, "step": text, "name": text, "message": text,
        "stack": text}, "waiting": {"step": text, "kind": text, "deadline": text,
        "on_timeout": text, "message": text, "resume_url": text, "cancel_url": text,
        "approval_url": text}, "steps": {&text: step}, "digest": text, "uploaded_at": text,
        "deployed_at": text, "abilities": [text], "imports": [text], "exports": [text],
        "may": [text], "definition": {&text: text, "description": text}, "token": text,
        "scopes": [text], "created_at": text, "expires_at": text, "last_used_at": text,
        "set_at": text, "for": [text], "unreadable": text, "next_cursor": text, "public_url": text,
        "problems": [text], "limits": {&text: text}, "fixed": {&text: text},
    });
    if path.starts_with("/api/v1/workflows/") && !path.ends_with("/test") {
        one["steps"] = json!([{"name": text, "component": text, "digest": text, "may": [text]}]);
    }
    let line = json!({"at": text, "stream": text, "text": text});
    let mut item = one.clone();
    for (name, value) in [
        ("step", json!(text)),
        ("run", json!(1)),
        ("attempt", json!(text)),
        ("lines", json!([line])),
        ("seq", json!(1)),
        ("type", json!(text)),
        ("flow", json!({"asked": text})),
        ("failure", json!({"message": text})),
        ("by", json!({"who": text})),
        ("notes", json!([{"note": text}])),
    ] {
        item[name] = value;
    }
    one["logs"] = json!([item]);
    one["items"] = json!([item]);
    one
}

/// Every verb that shows what a server says.
const VERBS: &[&[&str]] = &[
    &["component", "push", "step.wasm"],
    &["component", "ls"],
    &["component", "show", "a"],
    &["workflow", "deploy", "workflow.yaml"],
    &["workflow", "ls"],
    &["workflow", "show", "a"],
    &["token", "create", "--name", "a", "--scope", "read"],
    &["token", "ls"],
    &["secret", "set", "A", "--for", "https://h", "--file", "workflow.yaml"],
    &["secret", "ls"],
    &["trigger", "a"],
    &["execution", "ls"],
    &["execution", "show", "a"],
    &["execution", "logs", "a"],
    &["execution", "history", "a"],
    &["execution", "watch", "a"],
    &["execution", "resume", "a"],
    &["execution", "cancel", "a"],
    &["test", "a"],
    &["limits"],
    &["doctor"],
];

fn cli(recorder: &Recorder, folder: &tempfile::TempDir) -> Cli {
    fs::write(folder.path().join("step.wasm"), "").unwrap();
    fs::write(folder.path().join("workflow.yaml"), "name: a\n").unwrap();
    let cli = Cli::bare().within(folder.path());
    cli.env("WAYSTATION_URL", &recorder.url).env("WAYSTATION_TOKEN", "t")
}

#[test]
fn nothing_that_a_server_answers_commands_the_terminal() {
    let recorder = Recorder::answering(|_, request| {
        let path = request.path.split('?').next().unwrap_or_default();
        Reply { status: 200, body: answer(path) }
    });
    let folder = tempfile::tempdir().unwrap();
    let cli = cli(&recorder, &folder);
    for &verb in VERBS {
        let said = cli.run(verb);
        assert!(is_tame(&said.stdout) && is_tame(&said.stderr), "{verb:?}: {said:?}");
        assert!(
            said.stdout.contains('\u{fffd}') || said.stdout.contains("\\u001b"),
            "{verb:?}: {said:?}"
        );
        let said = cli.run(&[verb, &["--json"]].concat());
        assert!(is_tame(&said.stdout) && is_tame(&said.stderr), "{verb:?}: {said:?}");
        // One object, or for `watch` one a line.
        let values = serde_json::Deserializer::from_str(&said.stdout).into_iter::<Value>();
        let values: Vec<Value> = values.map(|value| value.unwrap()).collect();
        if verb[0] != "doctor" {
            let whole =
                |value: &Value| value["id"] == hostile() || value["items"][0]["id"] == hostile();
            assert!(values.iter().any(whole), "{verb:?}: {said:?}");
        }
    }
}

#[test]
fn nothing_that_a_server_refuses_with_commands_the_terminal() {
    for status in [403, 500] {
        let recorder = Recorder::answering(move |_, _| {
            let text = hostile();
            let body = json!({"title": text, "detail": text, "code": text, "request_id": text});
            Reply { status, body }
        });
        let folder = tempfile::tempdir().unwrap();
        let cli = cli(&recorder, &folder);
        for &verb in VERBS {
            let said = cli.run(verb).expect(1);
            assert!(is_tame(&said.stdout) && is_tame(&said.stderr), "{verb:?}: {said:?}");
            let shown = format!("{}{}", said.stdout, said.stderr);
            assert!(shown.contains('\u{fffd}'), "{verb:?}: {shown}");
            if verb[0] != "doctor" {
                assert_eq!(said.stderr.lines().count(), 1, "{verb:?}: {}", said.stderr);
            }
        }
    }
}
