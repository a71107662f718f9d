//! Guests that want memory.

use serde_json::{Value, json};

use crate::arena::Arena;
use crate::attack::{Attack, Got};
use crate::guest;

#[test]
fn guests_that_take_all_memory() {
    let mut arena = Arena::tight("memory");
    let limit = &["memory_limit"];
    let attack = |name: &str| Attack::new(name, &guest::tries(name), limit);
    let says = "the step needs more than its 64 MiB of memory";
    arena.guest(&attack("memory_grow").says(says).grows_mib(64 + 32), &json!({}));
    arena.guest(&attack("many_memories").says(says), &json!({}));
    let little = json!({"limits": {"memory_mib": 4}});
    arena.guest(&attack("many_tables").says("its 4 MiB of memory"), &little);

    let all = Attack::new("memory_grow, 12 at once", "takes all memory that runs may have", limit);
    arena.attack(&all.within_s(20).grows_mib(12 * 64 + 64), |client| {
        let trigger = |_| guest::trigger(client, "memory_grow", &Value::Null);
        let ids: Vec<String> = (0..12).map(trigger).collect();
        let mut ends = ids.iter().map(|id| Got::end_of(client, id));
        let last = ends.next_back().unwrap();
        ends.find(|got| got.ending != "memory_limit").unwrap_or(last)
    });
    arena.end();
}

#[test]
fn components_that_need_more_than_a_run_gets() {
    let mut arena = Arena::tight("memory");
    let returns = "(func (export \"handler\") (param i32 i32) (result i32) (call $return_nothing))";
    for (name, tries, items) in [
        ("nine memories", "has one memory more than it may", "(memory 1)".repeat(8)),
        ("65 tables", "has one table more than it may", "(table 1 funcref)".repeat(65)),
        (
            "a huge table",
            "begins with a table of 100 001 elements",
            "(table 100001 funcref)".into(),
        ),
        ("4 GiB of memory", "begins with all memory that there can be", "(memory 65536)".into()),
    ] {
        let component = waystation_wat::module(&format!("{items} {returns}"));
        let attack = Attack::new(name, tries, &["too_demanding"]);
        arena.attack(&attack, |client| Got::answer(&client.put_component("demanding", component)));
    }
    arena.end();
}
