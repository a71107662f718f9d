//! A step runs again: later, when it is called, or because it failed.

use serde_json::{Value, json};
use waystation_core::{FailureKind, Limits, Status};

use crate::support::{Does, World, call, rerun};

#[tokio::test]
async fn context_is_handed_from_run_to_run() {
    let world = World::new(|request| match request.run.runs {
        3 => Does::Returns(json!("enough")),
        runs => Does::Asks(rerun(1000, json!({"run": runs}), 10)),
    });
    let world = world.await;
    world.deploy(json!([{"name": "a"}])).await;
    let id = world.trigger(json!({})).await;
    for _ in 0..2 {
        let runs = world.settled(id).await.steps[0].1.runs;
        world.clock.advance_millis(1000);
        world.until(id, |view| view.steps[0].1.runs > runs).await;
    }
    let done = world.until(id, |view| view.status == Status::Completed).await;
    assert_eq!(done.steps[0].1.exports["$return_value"].to_value(), json!("enough"));
    let contexts: Vec<Option<Value>> = world.seen().into_iter().map(|seen| seen.context).collect();
    assert_eq!(contexts, [None, Some(json!({"run": 1})), Some(json!({"run": 2}))]);
}

#[tokio::test]
async fn a_callback_comes_within_the_step() {
    let world = World::new(|request| match &request.run.callback_request {
        Some(request) => Does::Returns(request.to_value()["body"].clone()),
        None => Does::Asks(rerun(86_400_000, json!(null), 1)),
    });
    let world = world.await;
    world.deploy(json!([{"name": "a"}])).await;
    let id = world.trigger(json!({})).await;
    let waiting = world.settled(id).await.waiting.unwrap();
    assert_eq!(waiting.kind, "rerun");
    let (link, action) = world.link(&waiting.resume_url.unwrap());
    world.engine.call_link(link, action, call(&json!({"job": "done"}))).await.unwrap();
    let done = world.until(id, |view| view.status == Status::Completed).await;
    assert_eq!(done.steps[0].1.exports["$return_value"].to_value(), json!({"job": "done"}));
    assert_eq!(done.steps[0].1.runs, 2);
    assert_eq!(world.seen()[0].callback_request, None);
    assert!(world.seen()[1].callback_request.is_some());
}

#[tokio::test]
async fn a_failed_run_is_tried_again_with_the_same_links_and_key() {
    let world = World::new(|request| match request.execution.attempt {
        3 => Does::Returns(json!("at last")),
        _ => Does::Fails { retryable: true },
    });
    let world = world.await;
    let retry = json!({"attempts": 3, "backoff_ms": 60_000, "factor": 2});
    world.deploy(json!([{"name": "a", "retry": retry}])).await;
    let id = world.trigger(json!({})).await;
    let waiting = world.settled(id).await.waiting.unwrap();
    assert_eq!((waiting.kind, waiting.resume_url), ("retry", None));
    world.clock.advance_millis(60_000);
    world.until(id, |view| view.steps[0].1.attempt == 2 && view.status == Status::Suspended).await;
    world.engine.resume(id, call(&json!({}))).await.unwrap();
    world.until(id, |view| view.status == Status::Completed).await;
    let seen = world.seen();
    assert_eq!(seen.iter().map(|seen| seen.attempt).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(seen.iter().all(|one| one.resume_url == seen[0].resume_url));
    assert!(seen.iter().all(|one| one.idempotency_key == seen[0].idempotency_key));
    assert!(seen.iter().all(|one| one.runs == 1));
}

#[tokio::test]
async fn props_are_filled_in_with_what_came_before() {
    let world = World::new(|request| match request.execution.step.as_str() {
        "first" => Does::Returns(json!({"n": [1, 2]})),
        _ => Does::Returns(json!(null)),
    });
    let world = world.await;
    let props = json!({"list": "{{ steps.first.$return_value.n }}", "text": "{{ event.who }}!"});
    let wrong = json!({"x": "{{ event.nobody.name }}"});
    world
        .deploy(json!([{"name": "first"}, {"name": "second", "props": props},
                       {"name": "third", "props": wrong}]))
        .await;
    let id = world.trigger(json!({"who": "Ann"})).await;
    let failed = world.until(id, |view| view.status == Status::Failed).await;
    let seen = world.seen();
    assert_eq!(seen[1].props, json!({"list": [1, 2], "text": "Ann!"}));
    assert_eq!(seen[1].steps, json!({"first": {"$return_value": {"n": [1, 2]}}}));
    assert_eq!(seen.len(), 2, "the third step has not run");
    let error = failed.error.unwrap();
    assert_eq!(error.step.as_str(), "third");
    assert!(error.message.starts_with("props.x: "), "{}", error.message);
}

/// The one slot that there is, and a step that wants all of it.
async fn beside_a_greedy_step(greedy: impl Fn() -> Does + Send + Sync + 'static) {
    let limits = Limits { runs_max: 1, step_runs_max: u32::MAX, ..Limits::default() };
    let world = World::with(limits, move |request| match request.event.to_value() {
        event if event == json!("greedy") => greedy(),
        event => Does::Returns(event),
    });
    let world = world.await;
    world.deploy(json!([{"name": "a"}])).await;
    let greedy = world.trigger(json!("greedy")).await;
    world.until(greedy, |view| view.steps[0].1.runs > 3).await;
    for calm in ["one", "two"] {
        let calm = world.trigger(json!(calm)).await;
        world.until(calm, |view| view.status == Status::Completed).await;
    }
    let runs = world.view(greedy).await.steps[0].1.runs;
    world.until(greedy, |view| view.steps[0].1.runs > runs).await;
    world.engine.cancel(greedy).await.unwrap();
}

#[tokio::test]
async fn a_step_that_runs_again_at_once_for_ever_leaves_room_to_others() {
    beside_a_greedy_step(|| Does::Asks(rerun(0, json!(null), u32::MAX))).await;
}

#[tokio::test]
async fn a_step_that_calls_itself_for_ever_leaves_room_to_others() {
    beside_a_greedy_step(|| Does::CallsItself(rerun(60_000, json!(null), u32::MAX))).await;
}

#[tokio::test]
async fn runs_of_a_step_have_an_end() {
    let limits = Limits { step_runs_max: 5, ..Limits::default() };
    let world = World::with(limits, |_| Does::Asks(rerun(0, json!(null), u32::MAX))).await;
    world.deploy(json!([{"name": "a"}])).await;
    let id = world.trigger(json!({})).await;
    let failed = world.until(id, |view| view.status == Status::Failed).await;
    assert_eq!(failed.error.unwrap().kind, FailureKind::RunLimit);
    assert_eq!((failed.steps[0].1.runs, world.seen().len()), (5, 5));
}
