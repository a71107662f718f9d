//! A test run shows what would happen and leaves nothing behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tempfile::TempDir;
use waystation_core::{Limits, ManualClock, SecretTerms, SecretValue, Status, Timestamp};
use waystation_store::{Call, Fate, FaultyStore, Gate, MemoryStore, StoreError};

use crate::support::{Does, World, bounded, suspend};

#[tokio::test]
async fn a_test_run_ends_where_the_workflow_would_pause() {
    let world = World::new(|request| {
        assert!(request.execution.test);
        match request.execution.step.as_str() {
            "first" => Does::Returns(json!(1)),
            _ => Does::Asks(suspend(1000)),
        }
    });
    let world = world.await;
    world.deploy(json!([{"name": "first"}, {"name": "ask"}, {"name": "act"}])).await;
    let name = "w".parse().unwrap();
    let report = world.engine.test_run(&name, bounded(&json!({}))).await.unwrap().unwrap();
    assert_eq!(report.status, Status::Canceled);
    let message = "Workflow execution canceled — this may be due to flow.suspend() usage \
                   (not supported in test)";
    assert_eq!(report.message.as_deref(), Some(message));
    assert_eq!(report.steps[0].1.exports["$return_value"].to_value(), json!(1));
    assert_eq!(world.seen().len(), 2);
    assert!(world.store.list(&Default::default(), 9).await.unwrap().is_empty());
    assert_eq!(world.due().await, 0);
}

#[tokio::test]
async fn a_test_run_tries_once() {
    let world = World::new(|_| Does::Fails { retryable: true }).await;
    world.deploy(json!([{"name": "a", "retry": {"attempts": 5}}])).await;
    let name = "w".parse().unwrap();
    let report = world.engine.test_run(&name, bounded(&json!({}))).await.unwrap().unwrap();
    assert_eq!(report.status, Status::Failed);
    assert_eq!(report.message.as_deref(), Some("Oops: it broke"));
    assert_eq!(world.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_trigger_during_a_test_run_gets_its_slot_afterwards() {
    let limits = waystation_core::Limits { runs_max: 1, ..Default::default() };
    let world = World::with(limits, |request| match request.execution.test {
        true => Does::Waits(300),
        false => Does::Returns(json!(1)),
    });
    let world = world.await;
    world.deploy(json!([{"name": "a"}])).await;
    let name = "w".parse().unwrap();
    let event = bounded(&json!({}));
    let test = async { world.engine.test_run(&name, event).await.unwrap().unwrap() };
    let trigger = async {
        while world.seen().is_empty() {
            tokio::task::yield_now().await;
        }
        let id = world.trigger(json!({})).await;
        assert_eq!(world.view(id).await.status, Status::Queued);
        id
    };
    let started = tokio::time::Instant::now();
    let (_, id) = tokio::join!(test, trigger);
    world.until(id, |view| view.status == Status::Completed).await;
    let swept = std::time::Duration::from_secs(5);
    assert!(started.elapsed() < swept, "nobody told the dispatcher");
}

#[tokio::test(start_paused = true)]
async fn only_so_many_are_tested_at_once_and_others_find_a_slot() {
    let limits = waystation_core::Limits { runs_max: 3, test_runs_max: 2, ..Default::default() };
    let world = World::with(limits, |request| match request.execution.test {
        true => Does::Waits(60_000),
        false => Does::Returns(json!(1)),
    });
    let world = world.await;
    world.deploy(json!([{"name": "a"}])).await;
    let name = "w".parse().unwrap();
    let test = || world.engine.test_run(&name, bounded(&json!({})));
    let others = async {
        while world.seen().len() < 2 {
            tokio::task::yield_now().await;
        }
        let refused = test().await;
        assert!(matches!(refused, Err(waystation_store::StoreError::Busy)), "{refused:?}");
        let id = world.trigger(json!({})).await;
        world.until(id, |view| view.status == Status::Completed).await;
    };
    let (first, second, ()) = tokio::join!(test(), test(), others);
    assert!(first.is_ok() && second.is_ok());
    assert!(test().await.is_ok(), "a place is free again");
}

#[tokio::test]
async fn what_is_not_there_can_not_be_tested() {
    let world = World::new(|_| Does::Hangs).await;
    let name = "w".parse().unwrap();
    assert!(world.engine.test_run(&name, bounded(&json!({}))).await.unwrap().is_none());
}

/// No secret can be read from when this is set.
#[derive(Default)]
struct NoSecrets(AtomicBool);

impl Gate for NoSecrets {
    async fn before(&self, call: Call) -> Fate {
        if call.method == "secret" && self.0.load(Ordering::SeqCst) {
            Fate::Fails
        } else {
            Fate::Proceeds
        }
    }

    async fn after(&self, _: Call) -> Fate {
        Fate::Proceeds
    }
}

#[tokio::test]
async fn a_store_that_fails_under_a_test_run_is_no_result_of_it() {
    let no_secrets = Arc::new(NoSecrets::default());
    let inner = Arc::new(MemoryStore::new());
    let store = Arc::new(FaultyStore::new(inner, no_secrets.clone()));
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_700_000_000_000)));
    let folder = Arc::new(TempDir::new().unwrap());
    let world = World::over(store, clock, folder, Limits::default(), |_| Does::Hangs).await;
    let terms = SecretTerms { destinations: vec![], reveal: true };
    let value = SecretValue::new("a secret value".to_owned().into()).unwrap();
    world.engine.put_secret("KEY".parse().unwrap(), terms, &value).await.unwrap();
    world
        .deploy(json!([{"name": "a", "allow": {"secrets": [{"name": "KEY", "reveal": true}]}}]))
        .await;
    no_secrets.0.store(true, Ordering::SeqCst);
    let name = "w".parse().unwrap();
    let tested = world.engine.test_run(&name, bounded(&json!({}))).await;
    assert!(matches!(tested, Err(StoreError::Io(_))), "{tested:?}");
}
