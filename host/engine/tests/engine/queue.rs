//! A workflow has its share of what may wait, and others are accepted beside it.

use std::time::Duration;

use serde_json::json;
use waystation_core::{ExecutionId, Limits, RunRequest, Status};
use waystation_engine::{TriggerError, TriggerRequest};

use crate::support::{Does, World, bounded, call, suspend};

/// How long the step `ask` waits for an answer.
const ASKS_MS: u64 = 60_000;

/// One run of a workflow at a time, of which so many executions may wait.
fn limits(queued_max: usize, queued_per_workflow_max: usize) -> Limits {
    Limits {
        runs_max: 8,
        runs_per_workflow_max: 1,
        queued_max,
        queued_per_workflow_max,
        drain_s: 0,
        ..Limits::default()
    }
}

fn by_name(request: &RunRequest) -> Does {
    match request.execution.step.as_str() {
        "hang" => Does::Hangs,
        "ask" => Does::Asks(suspend(ASKS_MS)),
        _ => Does::Returns(json!("done")),
    }
}

async fn world(limits: Limits) -> World {
    let world = World::with(limits, by_name).await;
    for workflow in ["flood", "other", "third"] {
        world.deploy_as(workflow, json!([{"name": "hang"}])).await;
    }
    world.deploy_as("asks", json!([{"name": "ask"}, {"name": "hang"}])).await;
    world
}

async fn trigger(world: &World, workflow: &str) -> Result<ExecutionId, TriggerError> {
    world.try_trigger(workflow, json!({})).await
}

/// Triggers it as often as it is accepted.
async fn fill(world: &World, workflow: &str) -> Vec<ExecutionId> {
    let mut accepted = Vec::new();
    loop {
        match trigger(world, workflow).await {
            Ok(id) => accepted.push(id),
            Err(error) => {
                assert!(matches!(error, TriggerError::WorkflowBusy { .. }), "{error}");
                return accepted;
            }
        }
        assert!(accepted.len() < 100, "it never says no");
    }
}

fn full(workflow: &str, waiting_max: usize) -> Result<ExecutionId, TriggerError> {
    Err(TriggerError::WorkflowBusy { workflow: workflow.parse().unwrap(), waiting_max })
}

async fn runs(world: &World, id: ExecutionId) {
    world.until(id, |view| view.status == Status::Running).await;
}

/// Executions of the workflow that wait for an answer; none runs any more.
async fn asking(world: &World, count: usize) -> Vec<ExecutionId> {
    let mut asking = Vec::new();
    for _ in 0..count {
        let id = trigger(world, "asks").await.unwrap();
        world.settled(id).await;
        asking.push(id);
    }
    at_rest(world, 0).await;
    asking
}

/// Waits for all tasks that have nothing to do any more: so many runs are under way then.
async fn at_rest(world: &World, runs: u64) {
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(world.engine.metrics().runs_active, runs);
}

async fn resume(world: &World, id: ExecutionId) {
    let waiting = world.view(id).await.waiting.unwrap();
    let (link, action) = world.link(&waiting.resume_url.unwrap());
    world.engine.call_link(link, action, call(&json!({}))).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_flood_is_refused_at_its_edge_and_its_neighbours_are_not() {
    let world = world(limits(100, 3)).await;
    let flood = fill(&world, "flood").await;
    assert_eq!(flood.len(), 4, "one runs, and three wait");
    assert_eq!(trigger(&world, "flood").await, full("flood", 3));
    assert_eq!(fill(&world, "other").await.len(), 4);
    // Who runs and who waits makes room for one when it goes.
    world.engine.cancel(flood[0]).await.unwrap();
    runs(&world, flood[1]).await;
    assert_eq!(fill(&world, "flood").await.len(), 1);
    world.engine.cancel(flood[2]).await.unwrap();
    assert_eq!(fill(&world, "flood").await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn all_workflows_together_have_an_edge_as_well() {
    let world = world(limits(3, 2)).await;
    assert_eq!(fill(&world, "flood").await.len(), 3);
    let other = trigger(&world, "other").await.unwrap();
    trigger(&world, "other").await.unwrap();
    assert_eq!(trigger(&world, "other").await, Err(TriggerError::Busy));
    assert_eq!(trigger(&world, "third").await, Err(TriggerError::Busy));
    assert_eq!(trigger(&world, "flood").await, full("flood", 2), "that is the nearer edge");
    world.engine.cancel(other).await.unwrap();
    at_rest(&world, 2).await;
    trigger(&world, "third").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_is_never_refused_and_crowds_no_other_out() {
    let world = world(limits(5, 2)).await;
    let asking = asking(&world, 8).await;
    for id in &asking[..6] {
        resume(&world, *id).await;
    }
    runs(&world, asking[0]).await;
    world.clock.advance_millis(ASKS_MS);
    // Five are over their share now: they were accepted long ago.
    for id in &asking[6..] {
        world.until(*id, |view| view.status == Status::Queued).await;
    }
    assert_eq!(trigger(&world, "asks").await, full("asks", 2));
    // Five may wait. Two and no more of those that came back count among them.
    assert_eq!(fill(&world, "flood").await.len(), 3);
    trigger(&world, "other").await.unwrap();
    trigger(&world, "other").await.unwrap();
    assert_eq!(trigger(&world, "other").await, Err(TriggerError::Busy));
}

#[tokio::test(start_paused = true)]
async fn of_many_at_once_no_more_are_accepted_than_may_wait() {
    let world = world(limits(100, 3)).await;
    let first = trigger(&world, "flood").await.unwrap();
    runs(&world, first).await;
    let all = (0..50).map(|_| trigger(&world, "flood"));
    let all = futures_util::future::join_all(all).await;
    assert_eq!(all.iter().filter(|one| one.is_ok()).count(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_count_is_right_after_a_restart() {
    let before = world(limits(100, 3)).await;
    let flood = fill(&before, "flood").await;
    before.engine.shutdown().await;
    let World { store, clock, folder, .. } = before;
    let world = World::over(store, clock, folder, limits(100, 3), by_name).await;
    world.until(flood[0], |view| view.steps[0].1.attempt == 2).await;
    assert_eq!(trigger(&world, "flood").await, full("flood", 3));
    world.engine.cancel(flood[3]).await.unwrap();
    assert_eq!(fill(&world, "flood").await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_known_key_is_answered_although_there_is_no_room() {
    let world = world(limits(100, 1)).await;
    let keyed = |key: &str| TriggerRequest {
        workflow: "flood".parse().unwrap(),
        event: bounded(&json!({})),
        idempotency_key: Some(key.to_owned()),
        caller_waits: false,
    };
    let known = world.engine.trigger(keyed("known")).await.unwrap();
    fill(&world, "flood").await;
    let again = world.engine.trigger(keyed("known")).await.unwrap();
    assert_eq!((again.id, again.created), (known.id, false));
    let refused = world.engine.trigger(keyed("new")).await.unwrap_err();
    assert_eq!(Err(refused), full("flood", 1));
    world.engine.cancel(known.id).await.unwrap();
    at_rest(&world, 1).await;
    assert!(world.engine.trigger(keyed("new")).await.unwrap().created, "its key is still free");
}
