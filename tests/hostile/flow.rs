//! Guests that pause as nobody should.

use std::time::Duration;

use serde_json::{Value, json};
use waystation_tests::{Client, wait};

use crate::arena::Arena;
use crate::attack::{Attack, Got};
use crate::guest;

fn guest_attack(name: &str, endings: &'static [&'static str]) -> Attack {
    Attack::new(name, &guest::tries(name), endings)
}

/// The status once the execution neither waits for a slot nor runs.
fn rest_of(client: &Client, id: &str) -> Got {
    let at_rest =
        |execution: &Value| !matches!(execution["status"].as_str(), Some("queued" | "running"));
    let execution = client.when(id, "at rest", at_rest);
    match execution["status"].as_str() {
        Some("suspended") => {
            Got::new("suspended", execution["waiting"]["kind"].as_str().unwrap_or_default())
        }
        _ => Got::end_of(client, id),
    }
}

#[test]
fn pauses_from_odd_places() {
    let mut arena = Arena::tight("flow");
    for (name, endings) in [
        ("suspend_twice", &["suspended"][..]),
        ("suspend_then_trap", &["guest_trap"]),
        ("suspend_in_start", &["suspended"]),
        ("suspend_in_destructor", &["suspended"]),
        ("suspend_in_nested", &["suspended"]),
        ("suspend_by_child", &["guest_trap"]),
        ("deadlines", &["completed"]),
    ] {
        guest::deploy(arena.client(), name, guest::component(name), &json!({}));
        let mut id = String::new();
        arena.attack(&guest_attack(name, endings), |client| {
            id = guest::trigger(client, name, &Value::Null);
            rest_of(client, &id)
        });
        let pauses = arena.client().events(&id).iter().filter(|event| *event == "suspend").count();
        arena.hold(pauses <= 1, format!("{name}: {pauses} pauses"));
        let execution = arena.client().execution(&id);
        let value = &execution["steps"]["step"]["exports"]["$return_value"];
        arena.hold(name != "deadlines" || value == "never let", format!("deadlines: {value}"));
    }
    arena.end();
}

#[test]
fn runs_without_an_end() {
    let mut arena = Arena::tight("flow");
    guest::deploy(arena.client(), "rerun_for_ever", guest::component("rerun_for_ever"), &json!({}));
    // More of them than there are places for runs.
    let attack = guest_attack("rerun_for_ever", &["canceled"]).within_s(20);
    let mut runs = 0;
    arena.attack(&attack, |client| {
        let trigger = |_| guest::trigger(client, "rerun_for_ever", &Value::Null);
        let ids: Vec<String> = (0..40).map(trigger).collect();
        wait::pause(Duration::from_secs(3));
        let cancel = |id: &String| {
            client.post(&format!("/api/v1/executions/{id}/cancel"), &Value::Null).expect(200)
        };
        ids.iter().for_each(|id| drop(cancel(id)));
        let counts = ids
            .iter()
            .map(|id| client.execution(id)["steps"]["step"]["runs"].as_u64().unwrap_or(0));
        runs = counts.sum::<u64>();
        Got::new(Got::end_of(client, &ids[0]).ending, format!("{runs} runs of 40 executions"))
    });
    arena.hold(runs > 80, format!("40 executions ran {runs} times"));
    arena.end();
}

#[test]
fn cancellation_at_any_moment() {
    let mut arena = Arena::tight("flow");
    guest::deploy(arena.client(), "endless_loop", guest::component("endless_loop"), &json!({}));
    guest::deploy(arena.client(), "sleep", guest::component("sleep"), &json!({}));
    let attack = Attack::new(
        "cancel at many moments",
        "is canceled before, while and after it starts, computes and sleeps",
        &["canceled"],
    );
    arena.attack(&attack.within_s(30), |client| {
        for moment in 0..36_u64 {
            let id = guest::trigger(
                client,
                if moment % 2 == 0 { "endless_loop" } else { "sleep" },
                &Value::Null,
            );
            wait::pause(Duration::from_millis(moment * 4));
            client.post(&format!("/api/v1/executions/{id}/cancel"), &Value::Null).expect(200);
            let got = Got::end_of(client, &id);
            if got.ending != "canceled" {
                return got;
            }
        }
        wait::until("nothing runs", || (client.figure("runs_active") == 0).then_some(()));
        Got::new("canceled", "36 times, and no run is left")
    });
    arena.end();
}
