//! Brings every execution to its end.

use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::Value;

use crate::torture::audit;
use crate::torture::report::Kind;
use crate::torture::workload::{Worker, operate};
use crate::torture::world::World;
use crate::wait;

/// Within this time all have ended: nothing that is left takes more than seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Executions that did not end and are told of; the others are only counted.
const TOLD_MAX: usize = 3;

/// Repeats what was not answered, ends what waits, and waits for the rest. `push` is done
/// between two looks: it may turn a clock.
pub(super) fn drain(world: &World, rng: &mut Rng, mut push: impl FnMut()) {
    let until = Instant::now() + PATIENCE;
    let mut looks = 0;
    loop {
        repeat_unanswered(world, rng);
        push();
        let left = left(world);
        if left.is_empty() {
            return;
        }
        if Instant::now() > until {
            return give_up(world, &left);
        }
        for item in &left {
            let waits = !item["waiting"].is_null();
            // The first looks leave some to their timeouts.
            if waits && (looks > 3 || rng.u8(0..3) > 0) {
                let id = item["id"].as_str().unwrap_or_default();
                let action = if rng.u8(0..5) == 0 { "cancel" } else { "resume" };
                operate(world, rng, id, action);
            }
        }
        looks += 1;
        wait::pause(Duration::from_millis(50));
    }
}

fn repeat_unanswered(world: &World, rng: &mut Rng) {
    let plans = std::mem::take(&mut world.ledger().unanswered);
    for plan in plans {
        Worker { world, rng: rng.fork() }.send(&plan);
    }
}

/// Executions that have not ended; all of them are known afterwards.
fn left(world: &World) -> Vec<Value> {
    let Some(listed) = audit::list(world) else { return vec![Value::Null] };
    audit::adopt(world, &listed);
    listed.into_values().filter(|item| item["finished_at"].is_null()).collect()
}

fn give_up(world: &World, left: &[Value]) {
    for item in left.iter().take(TOLD_MAX) {
        let what = format!("did not end in {PATIENCE:?}, with {} others: {item}", left.len() - 1);
        world.ledger().violation(Kind::Lost, what);
    }
}
