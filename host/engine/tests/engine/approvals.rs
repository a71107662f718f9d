//! A step suspends; a link, an operator or the time goes on.

use serde_json::json;
use waystation_core::{Flow, LinkAction, OnTimeout, PauseEnding, Status};
use waystation_engine::{ApprovalState, CallError, LinkOutcome};

use crate::support::{Does, World, bounded, call, suspend};

const DAY_MS: u64 = 86_400_000;

async fn asking() -> World {
    let world = World::new(|request| match request.execution.step.as_str() {
        "ask" => Does::Asks(suspend(DAY_MS)),
        _ => Does::Returns(json!("done")),
    });
    let world = world.await;
    world.deploy(json!([{"name": "ask"}, {"name": "act"}])).await;
    world
}

#[tokio::test]
async fn to_approve_is_to_resume_also_before_the_pause() {
    let world = World::new(|_| Does::Hangs).await;
    world.deploy(json!([{"name": "ask"}])).await;
    let id = world.trigger(json!({})).await;
    world.until(id, |view| view.status == Status::Running).await;
    let (link, _) = world.link(&world.seen()[0].resume_url);
    let called = async |action| {
        let answer = world.engine.call_link(link, action, call(&json!(1))).await.unwrap();
        (answer.outcome, answer.already)
    };
    assert_eq!(called(LinkAction::Approve).await, (LinkOutcome::Accepted, false));
    assert_eq!(called(LinkAction::Approve).await, (LinkOutcome::Accepted, true));
    assert_eq!(called(LinkAction::Resume).await, (LinkOutcome::Accepted, true));
}

#[tokio::test]
async fn a_link_resumes_and_its_request_is_an_export() {
    let world = asking().await;
    let id = world.trigger(json!({})).await;
    let paused = world.settled(id).await;
    let waiting = paused.waiting.unwrap();
    assert_eq!((waiting.step.as_str(), waiting.kind), ("ask", "suspend"));
    let (link, action) = world.link(&waiting.resume_url.unwrap());
    let answer = world.engine.call_link(link, action, call(&json!({"ok": 1}))).await.unwrap();
    assert_eq!((answer.outcome, answer.already), (LinkOutcome::Resumed, false));
    let done = world.until(id, |view| view.status.is_terminal()).await;
    assert_eq!(done.status, Status::Completed);
    let exports = &done.steps[0].1.exports;
    assert_eq!(exports["$resume_data"].to_value()["body"], json!({"ok": 1}));
    assert_eq!(exports["$resume"].to_value()["client_ip"], "192.0.2.1");
    assert_eq!((done.compute_ms, done.credits, done.segments.len()), (14, 2, 2));
    let again = world.engine.call_link(link, action, call(&json!({}))).await.unwrap();
    assert!(again.already);
    assert_eq!(again.at, answer.at);
}

#[tokio::test]
async fn the_second_action_is_told_what_happened() {
    let world = asking().await;
    let id = world.trigger(json!({})).await;
    let waiting = world.settled(id).await.waiting.unwrap();
    let (cancel, action) = world.link(&waiting.cancel_url.unwrap());
    let answer = world.engine.call_link(cancel, action, call(&json!(null))).await.unwrap();
    assert_eq!(answer.outcome, LinkOutcome::Canceled);
    assert_eq!(world.view(id).await.status, Status::Canceled);
    let (resume, action) = world.link(&waiting.resume_url.unwrap());
    let late = world.engine.call_link(resume, action, call(&json!(null))).await.unwrap_err();
    assert_eq!(late, CallError::PauseOver { ending: PauseEnding::Canceled, at: answer.at });
}

#[tokio::test]
async fn after_a_day_it_goes_on_by_itself() {
    let world = asking().await;
    let id = world.trigger(json!({})).await;
    world.settled(id).await;
    world.clock.advance_millis(DAY_MS - 1);
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    assert_eq!(world.view(id).await.status, Status::Suspended, "not a moment early");
    world.clock.advance_millis(1);
    let done = world.until(id, |view| view.status == Status::Completed).await;
    assert_eq!(done.steps[0].1.exports["$resume"].to_value()["reason"], "timeout");
    assert!(!done.steps[0].1.exports.contains_key("$resume_data"));
}

#[tokio::test]
async fn the_operator_resumes_and_cancels() {
    let world = asking().await;
    let (one, two) = (world.trigger(json!({})).await, world.trigger(json!({})).await);
    world.settled(one).await;
    world.settled(two).await;
    world.engine.resume(one, call(&json!({"by": "me"}))).await.unwrap();
    let done = world.until(one, |view| view.status == Status::Completed).await;
    assert_eq!(done.steps[0].1.exports["$resume"].to_value()["reason"], "operator");
    world.engine.cancel(two).await.unwrap();
    assert!(world.engine.cancel(two).await.unwrap().already);
    let refused = world.engine.resume(two, call(&json!({}))).await.unwrap_err();
    assert!(matches!(refused, CallError::Ended { status: Status::Canceled, .. }));
    assert_eq!(world.due().await, 0);
}

#[tokio::test]
async fn a_run_under_way_is_interrupted_by_the_operators_cancel() {
    let world = World::new(|_| Does::Hangs).await;
    world.deploy(json!([{"name": "a"}])).await;
    let id = world.trigger(json!({})).await;
    world.until(id, |view| view.status == Status::Running).await;
    world.engine.cancel(id).await.unwrap();
    assert_eq!(world.view(id).await.status, Status::Canceled);
    while world.engine.metrics().runs_active > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_body_that_does_not_fit_the_schema_leaves_it_paused() {
    let world = World::new(|_| {
        let schema = json!({"type": "object", "required": ["approved"]});
        Does::Asks(Flow::Suspend {
            timeout_ms: DAY_MS,
            on_timeout: OnTimeout::Resume,
            message: Some("Buy it?".into()),
            resume_schema: Some(bounded(&schema).into()),
        })
    });
    let world = world.await;
    world.deploy(json!([{"name": "a"}])).await;
    let id = world.trigger(json!({})).await;
    let waiting = world.settled(id).await.waiting.unwrap();
    let (link, action) = world.link(&waiting.resume_url.unwrap());
    let refused = world.engine.call_link(link, action, call(&json!({"x": 1}))).await.unwrap_err();
    assert!(matches!(&refused, CallError::Schema(why) if why.contains("approved")), "{refused}");
    let (page, _) = world.link(&waiting.approval_url.unwrap());
    let approval = world.engine.approval(page).await.unwrap();
    assert!(matches!(approval.state, ApprovalState::Open { message: Some(_), .. }));
    world.engine.call_link(link, action, call(&json!({"approved": true}))).await.unwrap();
    world.until(id, |view| view.status == Status::Completed).await;
}

#[tokio::test]
async fn a_schema_that_can_not_be_used_lets_nothing_through() {
    let world = World::new(|_| {
        Does::Asks(Flow::Suspend {
            timeout_ms: DAY_MS,
            on_timeout: OnTimeout::Resume,
            message: None,
            resume_schema: Some(bounded(&json!("no schema")).into()),
        })
    });
    let world = world.await;
    world.deploy(json!([{"name": "a"}])).await;
    let id = world.trigger(json!({})).await;
    let waiting = world.settled(id).await.waiting.unwrap();
    let (link, action) = world.link(&waiting.resume_url.unwrap());
    let refused = world.engine.call_link(link, action, call(&json!({"x": 1}))).await.unwrap_err();
    assert!(matches!(&refused, CallError::Store(_)), "{refused}");
    assert_eq!(world.view(id).await.status, Status::Suspended);
}

#[tokio::test]
async fn one_of_two_hundred_callers_wins() {
    let world = asking().await;
    let id = world.trigger(json!({})).await;
    let waiting = world.settled(id).await.waiting.unwrap();
    let (link, action) = world.link(&waiting.resume_url.unwrap());
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..200 {
        let engine = world.engine.clone();
        callers
            .spawn(async move { engine.call_link(link, action, call(&json!(n))).await.unwrap() });
    }
    let answers = callers.join_all().await;
    assert_eq!(answers.iter().filter(|answer| !answer.already).count(), 1);
    world.until(id, |view| view.status == Status::Completed).await;
    assert_eq!(world.seen().iter().filter(|seen| seen.step == "act").count(), 1);
}
