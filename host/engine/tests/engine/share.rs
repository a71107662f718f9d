//! A workflow has its share of the slots, and others find one beside it.
//!
//! Time passes when everybody waits. Whoever is not woken is found by the dispatcher's own look
//! every five seconds, so all that is told here has to take less.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;
use waystation_core::{ExecutionId, Limits, RunRequest, Status};
use waystation_engine::TriggerError;

use crate::support::{Does, World, call, suspend};

/// Less than it takes until the dispatcher looks without having been woken.
const SOON: Duration = Duration::from_secs(3);

/// Enough for everybody who was woken.
const MOMENT: Duration = Duration::from_millis(100);

fn limits(runs_max: usize, runs_per_workflow_max: usize) -> Limits {
    Limits { runs_max, runs_per_workflow_max, drain_s: 0, ..Limits::default() }
}

/// Steps `hang` hang, steps `wait` wait for a tenth of a second, others return.
fn by_name(request: &RunRequest) -> Does {
    match request.execution.step.as_str() {
        "hang" => Does::Hangs,
        "wait" => Does::Waits(100),
        _ => Does::Returns(json!("done")),
    }
}

async fn world(limits: Limits) -> World {
    let world = World::with(limits, by_name).await;
    for (workflow, step) in [("a", "hang"), ("b", "hang"), ("brief", "return"), ("slow", "wait")] {
        world.deploy_as(workflow, json!([{"name": step}])).await;
    }
    world
}

async fn trigger(world: &World, workflow: &str, count: usize) -> Vec<ExecutionId> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(world.try_trigger(workflow, json!({})).await.unwrap());
    }
    ids
}

async fn all_complete(world: &World, ids: &[ExecutionId]) {
    for id in ids {
        world.until(*id, |view| view.status == Status::Completed).await;
    }
}

fn hanging(world: &World) -> usize {
    world.seen().iter().filter(|seen| seen.step == "hang").count()
}

#[tokio::test(start_paused = true)]
async fn others_run_at_once_beside_a_workflow_that_would_take_all() {
    let world = world(Limits { drain_s: 0, ..Limits::default() }).await;
    trigger(&world, "a", 64).await;
    let started = Instant::now();
    let others = trigger(&world, "brief", 40).await;
    all_complete(&world, &others).await;
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    assert_eq!((hanging(&world), world.engine.metrics().runs_active), (24, 24));
}

#[tokio::test(start_paused = true)]
async fn others_are_found_behind_several_workflows_and_any_number_of_executions() {
    let world = world(limits(6, 2)).await;
    for workflow in ["a", "b"] {
        trigger(&world, workflow, 300).await;
    }
    let started = Instant::now();
    let others = trigger(&world, "brief", 10).await;
    all_complete(&world, &others).await;
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    assert_eq!(hanging(&world), 4);
}

#[tokio::test(start_paused = true)]
async fn the_last_slots_are_for_workflows_of_which_none_runs() {
    let world = world(Limits { drain_s: 0, ..Limits::default() }).await;
    for workflow in ["c", "d", "e", "f"] {
        world.deploy_as(workflow, json!([{"name": "hang"}])).await;
    }
    // One workflow takes its share, a second one what is left but for the last four.
    for (workflow, hang) in [("a", 24), ("b", 28), ("c", 29), ("d", 30), ("e", 31)] {
        trigger(&world, workflow, 40).await;
        tokio::time::sleep(MOMENT).await;
        assert_eq!(hanging(&world), hang, "{workflow}");
    }
    let started = Instant::now();
    let others = trigger(&world, "brief", 40).await;
    all_complete(&world, &others).await;
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    trigger(&world, "f", 40).await;
    tokio::time::sleep(MOMENT).await;
    assert_eq!(hanging(&world), 32, "no slot is kept from everybody");
}

#[tokio::test(start_paused = true)]
async fn slots_that_become_free_go_to_whom_they_may() {
    let world = world(limits(6, 3)).await;
    world.deploy_as("c", json!([{"name": "hang"}])).await;
    let first = trigger(&world, "a", 3).await;
    // It has one, and the last two are not for its second.
    let two = trigger(&world, "b", 2).await;
    trigger(&world, "c", 1).await;
    tokio::time::sleep(MOMENT).await;
    assert_eq!(world.engine.metrics().runs_active, 5);
    assert_eq!(world.view(two[1]).await.status, Status::Queued);
    for id in &first[..2] {
        assert_eq!(world.view(two[1]).await.status, Status::Queued);
        world.engine.cancel(*id).await.unwrap();
        tokio::time::sleep(MOMENT).await;
    }
    assert_eq!(world.view(two[1]).await.status, Status::Running);
    assert_eq!(world.engine.metrics().runs_active, 4);
}

#[tokio::test(start_paused = true)]
async fn a_share_of_all_slots_keeps_nobody_from_any() {
    let world = world(limits(2, 24)).await;
    trigger(&world, "a", 3).await;
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(hanging(&world), 2);
}

#[tokio::test(start_paused = true)]
async fn when_a_run_ends_the_next_of_its_workflow_begins() {
    for others in [0, 2] {
        let world = world(limits(6, 2)).await;
        trigger(&world, "a", others).await;
        let ids = trigger(&world, "slow", 30).await;
        let started = Instant::now();
        let most = (others + 2) as u64;
        for id in ids {
            let done = |view: &waystation_engine::ExecutionView| {
                assert!(world.engine.metrics().runs_active <= most);
                view.status == Status::Completed
            };
            world.until(id, done).await;
        }
        // Two at a time, each a tenth of a second.
        let took = started.elapsed();
        assert!(took >= Duration::from_millis(1500) && took < SOON, "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_execution_keeps_its_slot_from_step_to_step() {
    let world = world(limits(4, 1)).await;
    world.deploy(json!([{"name": "wait"}, {"name": "then"}])).await;
    let ids = trigger(&world, "w", 3).await;
    all_complete(&world, &ids).await;
    let steps: Vec<_> = world.seen().into_iter().map(|seen| seen.step).collect();
    assert_eq!(steps, ["wait", "then", "wait", "then", "wait", "then"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_resumed_waits_for_its_share_as_well() {
    let world = World::with(limits(4, 1), |request| match request.execution.step.as_str() {
        "ask" => Does::Asks(suspend(60_000)),
        _ => by_name(request),
    });
    let world = world.await;
    world.deploy(json!([{"name": "ask"}, {"name": "hang"}])).await;
    let ids = trigger(&world, "w", 3).await;
    for id in &ids {
        let waiting = world.settled(*id).await.waiting.unwrap();
        let (link, action) = world.link(&waiting.resume_url.unwrap());
        world.engine.call_link(link, action, call(&json!({}))).await.unwrap();
        // It is the first to come that runs.
        world.until(ids[0], |view| view.status == Status::Running).await;
    }
    assert_eq!(hanging(&world), 1);
    for (n, id) in (2..).zip(&ids[..2]) {
        let canceled = Instant::now();
        world.engine.cancel(*id).await.unwrap();
        world.until(ids[n - 1], |view| view.status == Status::Running).await;
        assert!(canceled.elapsed() < SOON);
        assert_eq!(hanging(&world), n);
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_its_share_counts_as_waiting_and_no_longer_than_it_does() {
    let world = world(Limits { queued_max: 5, ..limits(8, 1) }).await;
    let ids = trigger(&world, "a", 6).await;
    assert_eq!(world.try_trigger("a", json!({})).await, Err(TriggerError::Busy));
    for id in &ids[1..] {
        world.engine.cancel(*id).await.unwrap();
    }
    let others = trigger(&world, "brief", 5).await;
    all_complete(&world, &others).await;
    assert_eq!(hanging(&world), 1);
}
