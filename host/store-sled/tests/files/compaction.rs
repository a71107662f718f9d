//! A database that is mostly empty is compacted when it is opened, and `kill -9` at any moment
//! of that takes nothing away.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use waystation_core::{Caller, Event, Timestamp};
use waystation_store::{Attachments, ExecutionFilter, Store, conformance};
use waystation_store_sled::SledStore;

use crate::copy;

/// Says to the child which database it is to open.
const FOLDER: &str = "WAYSTATION_TEST_FOLDER";

/// Small enough that the tests' database is looked at.
const OVER_BYTES: u64 = 1 << 20;

fn open(folder: &Path, over_bytes: u64) -> SledStore {
    SledStore::open_compact(&folder.join("store"), &folder.join("components"), over_bytes).unwrap()
}

/// Which file it is, and how large. It is another one after a compaction; that it is smaller says
/// little: sled cuts off the end of its file, too, when it has the time.
fn file(folder: &Path) -> (u64, u64) {
    let about = fs::metadata(folder.join("store/db")).unwrap();
    (about.ino(), about.len())
}

/// A database from which 2000 executions were removed; 50 are left.
async fn mostly_empty() -> TempDir {
    let folder = TempDir::new().unwrap();
    let store = std::sync::Arc::new(open(folder.path(), u64::MAX));
    let now = Timestamp::from_millis(1_800_000_000_000);
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..41 {
        let store = store.clone();
        writers.spawn(async move {
            for n in 0..50 {
                conformance::create_numbered(&*store, writer * 1000 + n).await;
            }
        });
    }
    writers.join_all().await;
    let all = store.list(&ExecutionFilter::default(), 9999).await.unwrap();
    let ending = all.iter().skip(50).map(|execution| {
        let event = Event::Cancel { pause: None, by: Caller::Operator };
        store.apply(execution.id, event, now, Attachments::default())
    });
    for ended in futures_util::future::join_all(ending).await {
        ended.unwrap();
    }
    assert_eq!(store.remove_ended(now.plus_millis(1), 9999).await, Ok(2000));
    folder
}

async fn is_whole(folder: &Path) {
    let store = open(folder, u64::MAX);
    let report = store.check().await.unwrap();
    assert_eq!((report.executions, report.problems), (50, vec![]));
}

/// Not a test of its own: what the child of the test below does.
#[test]
fn child_that_opens() {
    if let Ok(folder) = std::env::var(FOLDER) {
        drop(open(&PathBuf::from(folder), OVER_BYTES));
    }
}

fn opening(folder: &Path) -> std::process::Child {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "compaction::child_that_opens"])
        .env(FOLDER, folder)
        .stdout(Stdio::null());
    child.stderr(Stdio::null()).spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mostly_empty_database_becomes_small_and_keeps_what_lives() {
    let folder = mostly_empty().await;
    is_whole(folder.path()).await;
    let (before, large) = file(folder.path());
    drop(open(folder.path(), OVER_BYTES));
    let (after, small) = file(folder.path());
    assert_ne!(after, before);
    assert!(small <= large, "{large} became {small}");
    is_whole(folder.path()).await;
}

/// Kills the child when its copy has come so far: every other time in the middle of copying,
/// else while the two change places.
async fn kill_halfway(folder: &Path, kill: u64) {
    let mut child = opening(folder);
    let (copy, mark) = (folder.join("store.compacting"), folder.join("store.compacting/format"));
    let seen = || if kill.is_multiple_of(2) { copy.exists() } else { mark.exists() };
    while !seen() && child.try_wait().unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(Duration::from_micros(kill * 311 % 9000)).await;
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_while_it_is_compacted_takes_nothing_away() {
    let sound = mostly_empty().await;
    let mut halfway = 0;
    for kill in 0..30 {
        let folder = TempDir::new().unwrap();
        copy(sound.path(), folder.path());
        kill_halfway(folder.path(), kill).await;
        halfway += u32::from(fs::read_dir(folder.path()).unwrap().count() > 2);
        is_whole(folder.path()).await;
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "the store and its components");
    }
    assert!(halfway > 5, "{halfway} kills met a compaction under way");
}
