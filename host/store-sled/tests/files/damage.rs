//! Damaged databases: whatever is wrong with the files, the answer is one sentence that says
//! what to do, or the store opens and says what is missing; never a panic, never silence.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use waystation_core::Timestamp;
use waystation_store::{NewWorkflow, Store as _, StoreError, conformance};
use waystation_store_sled::fuzzing::Stored;
use waystation_store_sled::{Import, OpenError, STORE_FORMAT, SledStore, StoreEntry};

use crate::copy;

/// Looks at all of it, as if it were to be compacted.
fn open(folder: &Path) -> Result<SledStore, OpenError> {
    SledStore::open_compact(&folder.join("db"), &folder.join("components"), 0)
}

/// A folder with a store of some hundred transitions, cleanly closed.
async fn stored() -> TempDir {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).unwrap();
    conformance::differ(&store, 4711, 400).await;
    drop(store);
    folder
}

/// What is left of a store that opens.
#[derive(Debug, PartialEq)]
struct Left {
    problems: Vec<String>,
    entries: Vec<StoreEntry>,
}

/// What `harm` leaves of a store, or an error in words.
async fn outcome(sound: &Path, harm: impl FnOnce(&Path)) -> Result<Left, String> {
    let folder = TempDir::new().unwrap();
    copy(sound, folder.path());
    harm(&folder.path().join("db"));
    let store = open(folder.path()).map_err(|error| error.to_string())?;
    let problems = store.check().await.map_err(|error| error.to_string())?.problems;
    let mut snapshot = store.snapshot().await.map_err(|error| error.to_string())?;
    let mut entries = Vec::new();
    while let Some(part) = snapshot.next().await.map_err(|error| error.to_string())? {
        entries.extend(part);
    }
    Ok(Left { problems, entries })
}

fn overwrite(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(file).unwrap();
    change(&mut bytes);
    fs::write(file, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_one_opens() {
    let sound = stored().await;
    let left = outcome(sound.path(), |_| ()).await.unwrap();
    assert_eq!(left.problems, Vec::<String>::new());
    assert!(left.entries.len() > 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_emptied_gone_or_cut_off_is_not_taken_for_a_new_one() {
    let sound = stored().await;
    type Harm = fn(&Path);
    let harms: [(&str, Harm); 5] = [
        ("its file is gone", |db| fs::remove_file(db.join("db")).unwrap()),
        ("its file is empty", |db| fs::write(db.join("db"), b"").unwrap()),
        ("all but its mark is gone", |db| {
            for entry in fs::read_dir(db).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() && !path.ends_with("format") {
                    fs::remove_file(path).unwrap();
                }
            }
        }),
        ("its end is cut off", |db| {
            let snapshots = fs::read_dir(db).unwrap().map(|entry| entry.unwrap().path());
            for snapshot in snapshots.filter(|path| path.display().to_string().contains("snap.")) {
                fs::remove_file(snapshot).unwrap();
            }
            overwrite(&db.join("db"), |bytes| bytes.truncate(bytes.len() / 2));
        }),
        ("it is of another format", |db| fs::write(db.join("format"), "waystation-9").unwrap()),
    ];
    for (what, harm) in harms {
        let error = outcome(sound.path(), harm).await.expect_err(what);
        let says = error.contains("restore the data directory from a backup")
            || error.contains("has the format");
        assert!(says && !error.contains('\n'), "{what}: {error}");
    }
}

/// Bits flip anywhere: in pages, heads, snapshots, marks.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_bits_flip_there_is_no_panic_and_nothing_is_lost_in_silence() {
    let sound = stored().await;
    let whole = outcome(sound.path(), |_| ()).await.unwrap();
    let files: Vec<_> = fs::read_dir(sound.path().join("db"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| entry.file_name())
        .collect();
    let (mut refused, mut told, mut harmless) = (0, 0, 0);
    for file in files {
        let length = fs::metadata(sound.path().join("db").join(&file)).unwrap().len();
        let length = usize::try_from(length).unwrap();
        let step = (length / 40).max(1);
        for at in (step / 2..length).step_by(step) {
            let harm = |db: &Path| overwrite(&db.join(&file), |bytes| bytes[at] ^= 0x55);
            match outcome(sound.path(), harm).await {
                Err(error) => {
                    assert!(!error.contains('\n'), "{file:?} at {at}: {error}");
                    refused += 1;
                }
                Ok(left) if left.problems.is_empty() => {
                    assert!(left.entries == whole.entries, "{file:?} at {at}: lost in silence");
                    harmless += 1;
                }
                Ok(_) => told += 1,
            }
        }
    }
    // Much of a log-structured file is of pages that were written again since.
    assert!(refused + told > 20, "{refused} refused, {told} told, {harmless} harmless");
}

/// A folder with a database that holds nothing else.
fn holding(stored: &[Stored]) -> TempDir {
    let folder = TempDir::new().unwrap();
    let mut import = Import::create(&folder.path().join("db"), |why| panic!("{why}")).unwrap();
    let format = STORE_FORMAT.as_bytes();
    import.put(b"mformat", format).unwrap();
    for (key, value) in stored.iter().flat_map(Stored::entries) {
        import.put(&key, &value).unwrap();
    }
    import.finish().unwrap();
    folder
}

fn whole(key: &[u8], value: &str, cut: bool) -> Stored {
    Stored { key: key.to_vec(), value: value.as_bytes().to_vec(), cut }
}

#[test]
fn a_number_of_commits_that_none_has_come_to_is_damage() {
    for (number, is_refused) in [((1_u64 << 56) - 1, false), (1 << 56, true), (u64::MAX, true)] {
        let folder = holding(&[whole(b"mcommit", &number.to_string(), false)]);
        let refused = open(folder.path()).err().map(|error| error.to_string());
        assert_eq!(refused.is_some(), is_refused, "{number}: {refused:?}");
        assert!(refused.is_none_or(|why| why.contains("restore the data directory from a backup")));
    }
}

#[tokio::test]
async fn after_the_last_version_of_a_workflow_there_is_no_other() {
    let spec = serde_json::json!({"name": "w", "steps": [{"name": "a", "component": "c"}]});
    let spec: waystation_core::WorkflowSpec = serde_json::from_value(spec).unwrap();
    for (latest, is_refused) in [(u32::MAX - 1, false), (u32::MAX, true)] {
        let head = format!("{{\"latest\":{latest},\"live\":false}}");
        let folder = holding(&[whole(b"nw\0", &head, true)]);
        let store = open(folder.path()).unwrap();
        let digests = vec![waystation_core::Digest::of(b"c")];
        let workflow = NewWorkflow { spec: spec.clone(), digests, grants: vec![] };
        let deployed = store.put_workflow(workflow, Timestamp::from_millis(1)).await;
        assert_eq!(matches!(deployed, Err(StoreError::Damaged(_))), is_refused, "{deployed:?}");
    }
}
