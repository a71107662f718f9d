//! Lists, histories, waiting.

use std::time::Duration;

use serde_json::json;
use waystation_core::Status;
use waystation_store::ExecutionFilter;

use crate::support::{Does, World, suspend};

#[tokio::test]
async fn pages_follow_each_other_newest_first() {
    let world = World::new(|_| Does::Returns(json!(1))).await;
    world.deploy(json!([{"name": "a"}])).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        world.clock.advance_millis(1);
        ids.insert(0, world.trigger(json!({})).await);
    }
    let mut listed = Vec::new();
    let mut filter = ExecutionFilter::default();
    loop {
        let page = world.engine.executions(filter.clone(), 2).await.unwrap();
        assert!(page.items.len() <= 2);
        listed.extend(page.items.iter().map(|item| item.id));
        match page.next_cursor {
            Some(cursor) => filter.before = Some(cursor.parse().unwrap()),
            None => break,
        }
    }
    assert_eq!(listed, ids);
}

#[tokio::test]
async fn waiting_ends_with_a_pause_or_the_time() {
    let world = World::new(|request| match request.event.to_value()["hang"].as_bool() {
        Some(true) => Does::Hangs,
        _ => Does::Asks(suspend(1000)),
    });
    let world = world.await;
    world.deploy(json!([{"name": "a"}])).await;
    let id = world.trigger(json!({})).await;
    let view = world.engine.wait(id, Duration::from_secs(20)).await.unwrap().unwrap();
    assert_eq!(view.status, Status::Suspended);
    let id = world.trigger(json!({"hang": true})).await;
    let view = world.engine.wait(id, Duration::from_millis(20)).await.unwrap().unwrap();
    assert!(!view.status.is_terminal());
}

#[tokio::test]
async fn the_history_names_steps_and_hides_values() {
    let world = World::new(|_| Does::Returns(json!("a secret value"))).await;
    world.deploy(json!([{"name": "first"}])).await;
    let id = world.trigger(json!({})).await;
    world.until(id, |view| view.status == Status::Completed).await;
    let history = world.engine.history(id, 0, 100).await.unwrap().unwrap().items;
    assert_eq!(history[2]["step"], "first");
    assert_eq!(history[2]["run"], 1);
    assert_eq!(history[2]["result"], json!({"bytes": 16}));
    assert!(!json!(history).to_string().contains("a secret value"));
}
