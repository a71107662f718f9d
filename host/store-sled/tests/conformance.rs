//! The sled store keeps every promise, also over restarts.

use std::path::Path;

use tempfile::TempDir;
use waystation_core::{Caller, Event, Timestamp};
use waystation_store::{Attachments, Created, NoRoom, Room, Store, conformance};
use waystation_store_sled::{OpenError, SledStore};

fn open(folder: &Path) -> Result<SledStore, OpenError> {
    SledStore::open(&folder.join("db"), &folder.join("components"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sled_store_conforms() {
    let folders = std::sync::Mutex::new(Vec::new());
    conformance::run(async || {
        let folder = TempDir::new().unwrap();
        let store = open(folder.path()).unwrap();
        folders.lock().unwrap().push(folder);
        store
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sled_store_does_what_the_memory_store_does() {
    for seed in 1..=8 {
        let folder = TempDir::new().unwrap();
        let store = open(folder.path()).unwrap();
        conformance::differ(&store, seed * 7919, 150).await;
        let report = store.check().await.unwrap();
        assert_eq!(report.problems, Vec::<String>::new(), "seed {seed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_there_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let first = open(folder.path()).unwrap();
    conformance::differ(&first, 4711, 100).await;
    let before = first.list(&Default::default(), 99).await.unwrap();
    let ready = first.ready(99, &[]).await.unwrap();
    let deadlines = first.deadlines(99).await.unwrap();
    drop(first);
    let second = open(folder.path()).unwrap();
    assert_eq!(second.list(&Default::default(), 99).await.unwrap(), before);
    assert_eq!(second.ready(99, &[]).await.unwrap(), ready);
    assert_eq!(second.deadlines(99).await.unwrap(), deadlines);
    assert_eq!(second.check().await.unwrap().problems, Vec::<String>::new());
    // And it goes on.
    let live = before.iter().find(|one| !one.status().is_terminal()).unwrap();
    let cancel = Event::Cancel { pause: None, by: Caller::Operator };
    let now = Timestamp::from_millis(1_800_000_000_000);
    second.apply(live.id, cancel, now, Attachments::default()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_share_commits_and_each_is_heard() {
    let folder = TempDir::new().unwrap();
    let store = std::sync::Arc::new(open(folder.path()).unwrap());
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..32_u64 {
        let store = store.clone();
        writers.spawn(async move { conformance_writer(&store, writer).await });
    }
    let executions: usize = writers.join_all().await.into_iter().sum();
    assert_eq!(store.list(&Default::default(), 9999).await.unwrap().len(), executions);
    assert_eq!(store.figures().queued, 0);
}

/// Room for one more of a workflow of which fewer are ready.
fn fewer(of_workflow: usize) -> Room {
    Room { of_workflow, ..Room::ANY }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_are_created_at_once_than_there_is_room_for() {
    let folder = TempDir::new().unwrap();
    let store = std::sync::Arc::new(open(folder.path()).unwrap());
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..500 {
        let store = store.clone();
        let create =
            async move { conformance::create_numbered_within(&*store, number, fewer(40)).await };
        writers.spawn(create);
    }
    let created = writers.join_all().await;
    assert_eq!(created.iter().filter(|one| **one == Created::New).count(), 40);
    assert_eq!(store.ready(9999, &[]).await.unwrap().len(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn how_many_are_ready_is_known_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let first = open(folder.path()).unwrap();
    for number in 0..50 {
        conformance::create_numbered(&first, number).await;
    }
    let cancel = Event::Cancel { pause: None, by: Caller::Operator };
    for one in first.ready(20, &[]).await.unwrap() {
        first.apply(one.id, cancel.clone(), one.since, Attachments::default()).await.unwrap();
    }
    drop(first);
    let second = open(folder.path()).unwrap();
    let create = conformance::create_numbered_within;
    let no_room = Created::Refused(NoRoom::OfWorkflow);
    assert_eq!(create(&second, 100, fewer(30)).await, no_room);
    assert_eq!(create(&second, 101, fewer(31)).await, Created::New);
}

async fn conformance_writer(store: &SledStore, writer: u64) -> usize {
    for n in 0..20 {
        conformance::create_numbered(store, writer * 1000 + n).await;
    }
    20
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_is_told_that_it_is_in_use() {
    let folder = TempDir::new().unwrap();
    let _first = open(folder.path()).unwrap();
    let second = open(folder.path()).err().unwrap();
    assert!(matches!(second, OpenError::InUse(_)), "{second}");
}

#[tokio::test(flavor = "multi_thread")]
async fn leftovers_of_a_crash_are_cleared_and_foreign_files_refused() {
    let folder = TempDir::new().unwrap();
    drop(open(folder.path()).unwrap());
    let half = folder.path().join("db/snap.0000000000000000.generating");
    std::fs::write(&half, b"half a snapshot").unwrap();
    drop(open(folder.path()).unwrap());
    assert!(!half.exists());
    std::fs::write(folder.path().join("db/blobs/17"), b"?").unwrap();
    assert!(matches!(open(folder.path()).err().unwrap(), OpenError::Damaged { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_database_is_an_error_and_no_panic() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).unwrap();
    conformance::differ(&store, 99, 60).await;
    drop(store);
    let db = folder.path().join("db/conf");
    std::fs::write(&db, b"not a configuration").unwrap();
    let error = open(folder.path()).err().unwrap().to_string();
    assert!(error.contains("restore the data directory from a backup"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_unsynced_file_ever_appears() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).unwrap();
    conformance::differ(&store, 1234, 300).await;
    assert_eq!(std::fs::read_dir(folder.path().join("db/blobs")).unwrap().count(), 0);
}
