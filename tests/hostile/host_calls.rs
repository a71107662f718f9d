//! Guests that let the host work for them.

use serde_json::{Value, json};
use waystation_tests::{Cli, Client, Recorder, toolbox};

use crate::arena::Arena;
use crate::attack::{Attack, Got};
use crate::guest;

/// Too many things of the host's at once.
const RESOURCES: &[&str] = &["resource_limit", "host_call_limit"];

fn guest_attack(name: &str, endings: &'static [&'static str]) -> Attack {
    Attack::new(name, &guest::tries(name), endings)
}

#[test]
fn calls_without_an_end() {
    let mut arena = Arena::tight("host calls");
    for name in ["tiny_calls", "random_again", "poll_again", "suspend_again", "stdout_flood"] {
        arena.guest(&guest_attack(name, &["cpu_limit"]), &json!({}));
    }
    let event = json!("x".repeat(500_000));
    guest::deploy(arena.client(), "event_again", guest::component("event_again"), &json!({}));
    arena.attack(&guest_attack("event_again", &["cpu_limit"]), |client| {
        Got::end_of(client, &guest::trigger(client, "event_again", &event))
    });
    deploy_after_much(arena.client());
    let again = guest_attack("steps_again", &["cpu_limit"]).grows_mib(128);
    arena.attack(&again, |client| {
        Got::end_of(client, &guest::trigger(client, "after_much", &Value::Null))
    });
    arena.end();
}

/// Steps that export almost as much as an execution may hold, and then `steps_again`.
fn deploy_after_much(client: &Client) {
    client.put_component("steps-again", guest::component("steps_again"));
    let much = |n| json!({"name": format!("much_{n}"), "component": "toolbox", "props": {"do": [{"output": 500_000}]}});
    let mut steps: Vec<Value> = (0..11).map(much).collect();
    steps.push(json!({"name": "step", "component": "steps-again"}));
    client.deploy(&json!({"name": "after-much", "steps": steps}));
}

#[test]
fn more_than_the_host_gives_at_once() {
    let mut arena = Arena::tight("host calls");
    for name in ["random_gib", "headers_100k"] {
        arena.guest(&guest_attack(name, &["host_call_limit"]), &json!({}));
    }
    for name in ["leak_fields", "leak_pollables", "leak_requests", "leak_streams"] {
        arena.guest(&guest_attack(name, RESOURCES), &json!({}));
    }
    // A thousand of them, 64 KiB each.
    arena.guest(
        &guest_attack("leak_full_fields", RESOURCES).grows_mib(128).keeps_mib(96),
        &json!({}),
    );
    let million = guest_attack("poll_million", &["host_call_limit", "resource_limit", "completed"]);
    arena.guest(&million.grows_mib(256), &json!({}));
    let open = arena.server().open_files();
    let sockets = guest_attack("sockets", &["completed"]).says("no sockets");
    arena.guest(&sockets, &json!({}));
    let grown = arena.server().open_files().saturating_sub(open);
    arena.hold(grown < 50, format!("sockets: {grown} more files are open"));
    arena.end();
}

#[test]
fn waiting_longer_than_there_is_time() {
    let mut arena = Arena::tight("host calls");
    let sleep = guest_attack("sleep", &["time_limit"]).says("still running after 3 s");
    arena.guest(&sleep, &json!({}));
    arena.end();
}

#[test]
fn logs_that_are_none() {
    let mut arena = Arena::tight("host calls");
    for name in ["long_line", "no_text", "terminal"] {
        let mut id = String::new();
        guest::deploy(
            arena.client(),
            name,
            guest::component(name),
            &json!({"limits": {"timeout_s": 10}}),
        );
        // A 100 MiB line takes the processor some time.
        arena.attack(&guest_attack(name, &["completed", "cpu_limit"]), |client| {
            id = guest::trigger(client, name, &Value::Null);
            Got::end_of(client, &id)
        });
        let log = arena.client().log(&id);
        arena.hold(
            !log.is_empty() && log.len() <= 66 * 1024,
            format!("{name}: {} bytes of log", log.len()),
        );
        let said = Cli::of(arena.server()).run(&["execution", "logs", &id]).expect(0);
        let commands =
            said.stdout.chars().filter(|c| c.is_control() && *c != '\n' && *c != '\t').count();
        arena.hold(commands == 0, format!("{name}: a terminal would obey {commands} characters"));
    }
    arena.end();
}

#[test]
fn ends_of_programs() {
    let mut arena = Arena::tight("host calls");
    for code in [0, 1, 3, 255, -1, i32::MIN] {
        let name = format!("exit with {code}");
        let attack = Attack::new(&name, "ends its program instead of returning", &["guest_exit"]);
        arena.attack(&attack, |client| {
            let id = toolbox::trigger(client, &json!([{"suspend": {}}, {"process_exit": code}]));
            Got::end_of(client, &id)
        });
    }
    arena.end();
}

#[test]
fn everything_in_any_order() {
    let mut arena = Arena::tight("host calls");
    guest::deploy(
        arena.client(),
        "anything",
        guest::component("anything"),
        &json!({"allow": {"email": true}}),
    );
    let attack = guest_attack("anything", &["40 ends"]).within_s(40);
    arena.attack(&attack, |client| {
        let trigger = |_| guest::trigger(client, "anything", &Value::Null);
        let ids: Vec<String> = (0..40).map(trigger).collect();
        let is_at_rest =
            |execution: &Value| !matches!(execution["status"].as_str(), Some("queued" | "running"));
        let ends = ids.iter().map(|id| client.when(id, "at rest", is_at_rest));
        let mut kinds: Vec<String> = ends
            .map(|execution| execution["error"]["kind"].as_str().unwrap_or("none").to_owned())
            .collect();
        if kinds.iter().any(|kind| kind == "host_fault") {
            return Got::new("host_fault", "a host function panicked");
        }
        let count = kinds.len();
        kinds.sort_unstable();
        kinds.dedup();
        Got::new(format!("{count} ends"), kinds.join(", "))
    });
    arena.end();
}

/// A guest that suspends with this JSON Schema, again and again, or once.
fn with_schema(schema: &str, again: bool) -> Vec<u8> {
    let escaped: String = schema.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    let items = format!(
        "(memory (export \"memory\") 16) (data (i32.const 65536) \"{escaped}\")
         (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 16384))"
    );
    let call = format!(
        "(call $suspend_with (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
            (i32.const 1) (i32.const 65536) (i32.const {}) (i32.const 8256))",
        schema.len()
    );
    let body = if again {
        format!("(loop $on {call} (br $on)) unreachable")
    } else {
        format!("{call} (call $return_nothing)")
    };
    waystation_wat::guest_with(&items, &body)
}

#[test]
fn schemas_that_take_the_host_long() {
    let mut arena = Arena::tight("host calls");
    for (name, tries, schema) in schemas() {
        let attack = Attack::new(name, tries, &["cpu_limit"]);
        arena.component(&attack, with_schema(&schema, true), &json!({}));
    }
    let recorder = Recorder::start();
    let elsewhere = Attack::new(
        "a schema elsewhere",
        "has the host fetch a part of the schema from loopback",
        &["completed"],
    );
    let schema = json!({"$ref": format!("{}/schema", recorder.url)}).to_string();
    arena.component(&elsewhere, with_schema(&schema, false), &json!({}));
    arena.hold(recorder.requests().is_empty(), "the host fetched a schema");
    arena.end();
}

/// Schemas that take long to get ready: each a name, what it is, and the text.
fn schemas() -> [(&'static str, &'static str, String); 6] {
    let patterns = (0..8000).map(|n| (format!("\\p{{L}}{{20}}{n}"), json!(true)));
    let patterns: serde_json::Map<String, Value> = patterns.collect();
    let nested = format!("{}true{}", "{\"not\":".repeat(120), "}".repeat(120));
    let next = |n: usize| json!({"$ref": format!("#/$defs/{}", n + 1)});
    let doubling = definitions(30, |n| json!({"allOf": [next(n), next(n)]}));
    let row = definitions(1500, next);
    [
        (
            "one large pattern",
            "asks for text that matches a pattern of a million parts",
            json!({"pattern": "((\\p{L}{100}){100}){100}"}).to_string(),
        ),
        (
            "thousands of patterns",
            "asks for names that match any of 8 000 patterns",
            json!({"patternProperties": patterns}).to_string(),
        ),
        ("nested schemas", "asks for the opposite of the opposite, 120 times", nested),
        ("a schema within itself", "asks for itself", json!({"$ref": "#"}).to_string()),
        ("a schema that doubles", "asks for each part twice, 30 levels deep", doubling),
        ("a row of schemas", "asks for what asks for what asks, 1 500 times", row),
    ]
}

/// A schema with so many definitions and one more, which is anything.
fn definitions(count: usize, definition: impl Fn(usize) -> Value) -> String {
    let all = (0..count).map(|n| (n.to_string(), definition(n)));
    let mut all: serde_json::Map<String, Value> = all.collect();
    all.insert(count.to_string(), json!(true));
    json!({"$ref": "#/$defs/0", "$defs": all}).to_string()
}
