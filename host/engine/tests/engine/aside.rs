//! Executions whose records can't be read or written harm nobody but themselves.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::json;
use tempfile::TempDir;
use waystation_core::{ExecutionId, Limits, ManualClock, RunRequest, Status, Timestamp};
use waystation_store::{Call, Fate, FaultyStore, Gate, MemoryStore, Store};

use crate::support::{Does, World, suspend};

/// More calls than any of these tests makes: an engine that asks again and again without a pause
/// is stopped.
const CALLS_MAX: u64 = 20_000;

/// Every call about one of these fails, until they are mended.
#[derive(Default)]
struct Broken(Mutex<HashSet<ExecutionId>>);

impl Gate for Broken {
    async fn before(&self, call: Call) -> Fate {
        assert!(call.number < CALLS_MAX, "the store is asked without end");
        let broken = call.execution.is_some_and(|id| self.0.lock().contains(&id));
        if broken { Fate::Fails } else { Fate::Proceeds }
    }

    async fn after(&self, _: Call) -> Fate {
        Fate::Proceeds
    }
}

async fn world(
    script: impl Fn(&RunRequest) -> Does + Send + Sync + 'static,
) -> (World, Arc<Broken>) {
    let broken = Arc::new(Broken::default());
    let inner = Arc::new(MemoryStore::new());
    let store: Arc<dyn Store> = Arc::new(FaultyStore::new(inner, broken.clone()));
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_700_000_000_000)));
    let limits = Limits { runs_max: 1, ..Limits::default() };
    let folder = Arc::new(TempDir::new().unwrap());
    (World::over(store, clock, folder, limits, script).await, broken)
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_moved_takes_no_slot_from_others_and_is_tried_again() {
    let (world, broken) = world(|request| match request.execution.step.as_str() {
        "ask" => Does::Asks(suspend(1000)),
        _ => Does::Returns(json!("done")),
    })
    .await;
    world.deploy(json!([{"name": "ask"}, {"name": "act"}])).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let id = world.trigger(json!({})).await;
        world.settled(id).await;
        ids.push(id);
    }
    // The first two can be read by nobody; the timers and the one slot go on with the third.
    let [first, second, third] = ids[..] else { unreachable!("there are three") };
    broken.0.lock().extend([first, second]);
    world.clock.advance_millis(61_500);
    world.until(third, |view| view.status == Status::Completed).await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    let metrics = world.engine.metrics();
    assert_eq!((metrics.timers_overdue, metrics.timers_overdue_ms), (2, 60_500));

    broken.0.lock().remove(&first);
    world.until(first, |view| view.status == Status::Completed).await;
    broken.0.lock().clear();
    world.until(second, |view| view.status == Status::Completed).await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!(world.engine.metrics().timers_overdue, 0);
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_inputs_can_not_be_read_gives_its_slot_back() {
    let (world, broken) = world(|_| Does::Waits(100)).await;
    world.deploy(json!([{"name": "a"}])).await;
    let first = world.trigger(json!({})).await;
    let (second, third) = (world.trigger(json!({})).await, world.trigger(json!({})).await);
    broken.0.lock().insert(second);
    world.until(third, |view| view.status == Status::Completed).await;
    world.until(first, |view| view.status == Status::Completed).await;
    broken.0.lock().clear();
    world.until(second, |view| view.status == Status::Completed).await;
}
