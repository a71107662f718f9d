//! What should have happened and has not is in the figures.

use std::time::Duration;

use serde_json::json;
use waystation_core::{Limits, Status};

use crate::support::{Does, World};

#[tokio::test(start_paused = true)]
async fn an_execution_that_waits_for_a_slot_is_noticed() {
    let limits = Limits { runs_max: 1, drain_s: 0, ..Limits::default() };
    let world = World::with(limits, |_| Does::Hangs).await;
    world.deploy(json!([{"name": "a"}])).await;
    let first = world.trigger(json!({})).await;
    world.until(first, |view| view.status == Status::Running).await;
    world.trigger(json!({})).await;
    world.clock.advance_millis(90_000);
    tokio::time::sleep(Duration::from_secs(15)).await;
    let metrics = world.engine.metrics();
    assert_eq!((metrics.ready_waiting, metrics.ready_waiting_ms), (1, 90_000));
    assert_eq!((metrics.timers_overdue, metrics.timers_overdue_ms), (0, 0));
    world.engine.cancel(first).await.unwrap();
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!(world.engine.metrics().ready_waiting, 0);
}
