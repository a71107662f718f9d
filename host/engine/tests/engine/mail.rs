//! Mails are delivered, also when the outbox was in the way at first.

use serde_json::json;

use crate::support::{Does, World, suspend};

#[tokio::test]
async fn a_mail_becomes_a_file() {
    let world = World::new(|_| Does::Mails(suspend(1000))).await;
    world.deploy(json!([{"name": "a", "allow": {"email": true}}])).await;
    let id = world.trigger(json!({})).await;
    world.settled(id).await;
    let outbox = world.folder.path().join("outbox");
    let file = loop {
        let files = std::fs::read_dir(&outbox).unwrap().map(|entry| entry.unwrap().path());
        match files.into_iter().find(|path| path.extension().is_some_and(|end| end == "eml")) {
            Some(file) => break file,
            None => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
        }
    };
    let text = std::fs::read_to_string(&file).unwrap();
    for part in ["To: owner@example.com", "From: host@example.com", "Subject: Please approve"] {
        assert!(text.contains(part), "{text}");
    }
    assert!(file.file_name().unwrap().to_str().unwrap().starts_with(&id.to_string()));
    while !world.store.mails(9).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.engine.metrics().mails_sent, 1);
}

#[tokio::test]
async fn a_mail_that_could_not_be_delivered_is_tried_again() {
    let world = World::new(|_| Does::Mails(suspend(1000))).await;
    world.deploy(json!([{"name": "a", "allow": {"email": true}}])).await;
    let outbox = world.folder.path().join("outbox");
    std::fs::remove_dir_all(&outbox).unwrap();
    world.trigger(json!({})).await;
    while world.engine.metrics().mails_failed == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    std::fs::create_dir(&outbox).unwrap();
    while world.engine.metrics().mails_sent == 0 {
        world.clock.advance_millis(5_000);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(std::fs::read_dir(&outbox).unwrap().count(), 1);
}
