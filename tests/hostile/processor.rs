//! Guests that want the processor for themselves.

use serde_json::{Value, json};
use waystation_tests::Client;

use crate::arena::Arena;
use crate::attack::{Attack, Got};
use crate::guest;

fn guest_attack(name: &str, endings: &'static [&'static str]) -> Attack {
    Attack::new(name, &guest::tries(name), endings)
}

#[test]
fn guests_that_do_not_end() {
    let mut arena = Arena::tight("processor");
    let cpu = &["cpu_limit"];
    let says = "the step used more than 500 ms of processor time";
    for name in ["endless_loop", "endless_start", "realloc_never_returns", "bulk_fill"] {
        arena.guest(&guest_attack(name, cpu).says(says).grows_mib(96), &json!({}));
    }
    let too_deep = guest_attack("deep_recursion", &["stack_overflow"]).says("nested too deep");
    arena.guest(&too_deep, &json!({}));
    let back = guest_attack("realloc_calls_back", &["guest_trap"]).says("cannot leave component");
    arena.guest(&back, &json!({}));
    arena.end();
}

#[test]
fn many_guests_that_do_not_end() {
    let mut arena = Arena::tight("processor");
    guest::deploy(arena.client(), "endless_loop", guest::component("endless_loop"), &json!({}));
    let crowd = Attack::new(
        "endless loops, 24 at once",
        "takes all processors, and most places for runs",
        // Two processors do not give each of them its time before it is over.
        &["cpu_limit", "time_limit"],
    );
    arena.attack(&crowd.within_s(30).grows_mib(128), |client| {
        all_at_once(client, "endless_loop", 24)
    });
    arena.end();
}

#[test]
fn sleepers_of_one_workflow() {
    let mut arena = Arena::tight("processor");
    guest::deploy(arena.client(), "sleep", guest::component("sleep"), &json!({}));
    let crowd = Attack::new(
        "sleepers, 64 of one workflow",
        "takes every place for runs, and all of the line behind them",
        &["time_limit"],
    );
    // They have 24 places: three rounds of as many seconds as a run has.
    arena.attack(&crowd.within_s(30), |client| all_at_once(client, "sleep", 64));
    arena.end();
}

/// Triggers so many, and gives an end that is not the limit's, or the last one.
fn all_at_once(client: &Client, name: &str, count: usize) -> Got {
    let trigger = |_| guest::trigger(client, name, &Value::Null);
    let ids: Vec<String> = (0..count).map(trigger).collect();
    let ends: Vec<Got> = ids.iter().map(|id| Got::end_of(client, id)).collect();
    let is_limit = |got: &Got| matches!(got.ending.as_str(), "cpu_limit" | "time_limit");
    let other = ends.iter().find(|got| !is_limit(got)).cloned();
    other.unwrap_or_else(|| ends[0].clone())
}
