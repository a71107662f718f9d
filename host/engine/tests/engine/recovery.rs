//! What happens to runs, slots and callers when a process ends, or has too much to do.

use std::sync::Arc;

use serde_json::json;
use waystation_core::{FailureKind, Limits, Status};
use waystation_engine::{TriggerError, TriggerRequest};

use crate::support::{Does, World, bounded, suspend};

fn impatient() -> Limits {
    Limits { drain_s: 0, ..Limits::default() }
}

/// A new process over the same store.
async fn restarted(
    before: World,
    script: impl Fn(&waystation_core::RunRequest) -> Does + Send + Sync + 'static,
) -> World {
    before.engine.shutdown().await;
    let World { store, clock, folder, .. } = before;
    World::over(store, clock, folder, impatient(), script).await
}

async fn hanging() -> World {
    let world = World::with(impatient(), |_| Does::Hangs).await;
    world.deploy(json!([{"name": "a"}])).await;
    world
}

#[tokio::test]
async fn a_run_that_was_cut_off_is_repeated_as_the_next_attempt() {
    let world = hanging().await;
    let id = world.trigger(json!({})).await;
    world.until(id, |view| view.status == Status::Running).await;
    let first = world.seen();
    let world = restarted(world, |_| Does::Returns(json!("done"))).await;
    let done = world.until(id, |view| view.status == Status::Completed).await;
    assert_eq!((done.steps[0].1.runs, done.steps[0].1.attempt), (1, 2));
    assert_eq!(world.seen()[0].resume_url, first[0].resume_url);
    let types = world.history_types(id).await;
    assert_eq!(types, ["trigger", "start", "crash", "start", "finish"]);
}

#[tokio::test]
async fn a_run_that_kills_every_host_is_given_up() {
    let mut world = hanging().await;
    let id = world.trigger(json!({})).await;
    for attempt in 1..5 {
        world.until(id, |view| view.steps[0].1.attempt == attempt).await;
        world = restarted(world, |_| Does::Hangs).await;
    }
    world.until(id, |view| view.steps[0].1.attempt == 5).await;
    let world = restarted(world, |_| Does::Hangs).await;
    let failed = world.until(id, |view| view.status == Status::Failed).await;
    assert_eq!(failed.error.unwrap().kind, FailureKind::HostFault);
}

#[tokio::test]
async fn a_deadline_that_passed_meanwhile_fires_once() {
    let script = |request: &waystation_core::RunRequest| match request.execution.step.as_str() {
        "ask" => Does::Asks(suspend(1000)),
        _ => Does::Returns(json!("done")),
    };
    let world = World::new(script).await;
    world.deploy(json!([{"name": "ask"}, {"name": "act"}])).await;
    let id = world.trigger(json!({})).await;
    world.settled(id).await;
    world.engine.shutdown().await;
    world.clock.advance_millis(1_000_000);
    let world = restarted(world, script).await;
    world.until(id, |view| view.status == Status::Completed).await;
    let types = world.history_types(id).await;
    assert_eq!(types.iter().filter(|word| *word == "time_out").count(), 1);
    assert_eq!(world.seen().len(), 1);
}

#[tokio::test]
async fn paused_executions_hold_no_slot() {
    let limits = Limits { runs_max: 1, ..impatient() };
    let world = World::with(limits, |_| Does::Asks(suspend(1000))).await;
    world.deploy(json!([{"name": "a"}])).await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(world.trigger(json!({})).await);
    }
    for id in ids {
        assert_eq!(world.settled(id).await.status, Status::Suspended);
    }
}

#[tokio::test]
async fn a_full_host_says_so_before_it_accepts() {
    let limits = Limits { runs_max: 1, queued_max: 3, ..impatient() };
    let world = World::with(limits, |_| Does::Hangs).await;
    world.deploy(json!([{"name": "a"}])).await;
    let mut accepted = 0;
    let refused = loop {
        let request = TriggerRequest {
            workflow: "w".parse().unwrap(),
            event: bounded(&json!({})),
            idempotency_key: None,
            caller_waits: false,
        };
        match world.engine.trigger(request).await {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
        assert!(accepted < 100, "it never says no");
    };
    assert_eq!(refused, TriggerError::Busy);
    // One runs, and three wait.
    assert_eq!(accepted, 4);
}

#[tokio::test]
async fn a_shut_down_engine_accepts_nothing_and_leaves_what_is_queued() {
    let world = hanging().await;
    let id = world.trigger(json!({})).await;
    world.until(id, |view| view.status == Status::Running).await;
    world.engine.shutdown().await;
    assert!(!world.engine.is_ready());
    let request = TriggerRequest {
        workflow: "w".parse().unwrap(),
        event: bounded(&json!({})),
        idempotency_key: None,
        caller_waits: false,
    };
    assert_eq!(world.engine.trigger(request).await.unwrap_err(), TriggerError::ShuttingDown);
}

#[tokio::test]
async fn the_same_idempotency_key_starts_one_execution() {
    let world = World::new(|_| Does::Returns(json!(1))).await;
    world.deploy(json!([{"name": "a"}])).await;
    let trigger = || TriggerRequest {
        workflow: "w".parse().unwrap(),
        event: bounded(&json!({})),
        idempotency_key: Some("order 17".into()),
        caller_waits: false,
    };
    let engine = Arc::new(world.engine.clone());
    let first = engine.trigger(trigger()).await.unwrap();
    let second = engine.trigger(trigger()).await.unwrap();
    assert_eq!((first.created, second.created), (true, false));
    assert_eq!(first.id, second.id);
}
