//! What ended long ago goes, and nothing else does.

use std::time::Duration;

use serde_json::json;
use waystation_core::{ExecutionId, Limits, RunRequest, Status};

use crate::support::{Does, World, suspend};

const DAY_MS: u64 = 86_400_000;

fn script(request: &RunRequest) -> Does {
    match request.props.to_value()["do"].as_str() {
        Some("pause") => Does::Asks(suspend(300 * DAY_MS)),
        _ => Does::Returns(json!("done")),
    }
}

async fn world(kept_days: u32) -> World {
    let world = World::with(Limits { kept_days, ..Limits::default() }, script).await;
    world.deploy(json!([{"name": "a", "props": {"do": "{{ event.do }}"}}])).await;
    world
}

/// So much time goes by, on the clock as everywhere.
async fn goes_by(world: &World, time: Duration) {
    for _ in 0..time.as_secs() {
        world.clock.advance_millis(1000);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn is_there(world: &World, id: ExecutionId) -> bool {
    world.engine.execution(id).await.unwrap().is_some()
}

#[tokio::test(start_paused = true)]
async fn what_ended_long_ago_is_removed_and_what_lives_is_not() {
    let world = world(30).await;
    let ended = world.trigger(json!({"do": "end"})).await;
    let paused = world.trigger(json!({"do": "pause"})).await;
    assert_eq!(world.settled(ended).await.status, Status::Completed);
    assert_eq!(world.settled(paused).await.status, Status::Suspended);
    world.clock.advance_millis(31 * DAY_MS);
    let fresh = world.trigger(json!({"do": "end"})).await;
    world.settled(fresh).await;
    goes_by(&world, Duration::from_secs(3500)).await;
    assert!(is_there(&world, ended).await, "the clock has jumped: it may be wrong");
    goes_by(&world, Duration::from_secs(300)).await;
    assert!(!is_there(&world, ended).await);
    assert!(is_there(&world, paused).await);
    assert!(is_there(&world, fresh).await);
    assert_eq!(world.engine.metrics().executions_removed, 1);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_and_comes_back_removes_nothing() {
    let world = world(30).await;
    let ended = world.trigger(json!({"do": "end"})).await;
    world.settled(ended).await;
    for _ in 0..5 {
        let right = waystation_core::Clock::now(&*world.clock);
        world.clock.advance_millis(365 * DAY_MS);
        goes_by(&world, Duration::from_secs(3000)).await;
        world.clock.set(right);
        goes_by(&world, Duration::from_secs(3000)).await;
    }
    assert!(is_there(&world, ended).await);
}

#[tokio::test(start_paused = true)]
async fn zero_days_keep_everything_for_ever() {
    let world = world(0).await;
    let ended = world.trigger(json!({"do": "end"})).await;
    world.settled(ended).await;
    world.clock.advance_millis(3000 * DAY_MS);
    goes_by(&world, Duration::from_secs(4000)).await;
    assert!(is_there(&world, ended).await);
}
