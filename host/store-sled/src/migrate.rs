//! Brings a database of the format before to the present one, when it is opened.
//!
//! `waystation-2` has who is ready under `r` number, execution: one line for all workflows. Each
//! such entry goes to its place in the line of its workflow. An old one begins with a zero byte
//! after the `r`, a new one never does, so that what a crash leaves, some of both, is no riddle:
//! the next start moves the rest.
//!
//! The mark beside sled's files names the new format before anything is moved: no earlier version
//! opens what is half moved. The tree names it with the last entries that are moved.

use std::fs::File;
use std::path::Path;

use waystation_store::StoreError;

use crate::committer::die;
use crate::keys::{self, Key};
use crate::marks;
use crate::open::{FORMAT, OpenError, Opened, damaged};
use crate::view::Read as _;
use crate::watch::Watch;
use crate::write::StoredExecution;

/// The format that is migrated.
pub(crate) const FROM: &str = "waystation-2";

/// Entries that one batch moves.
const BATCH: usize = 1000;

/// Migrates the database, unless it has the present format.
pub(crate) fn migrate(folder: &Path, opened: &Opened) -> Result<(), OpenError> {
    let failed = |error| failed(folder, error);
    let format = opened.db.get(keys::meta("format")).map_err(failed)?;
    if format.as_deref() != Some(FROM.as_bytes()) {
        return Ok(());
    }
    let io = |error| OpenError::Io { path: folder.to_owned(), error };
    let _watch = Watch::start(opened.config.clone(), |why| die(why)).map_err(io)?;
    marks::write_whole(folder, FORMAT).map_err(io)?;
    let mut batch = sled::Batch::default();
    let (mut moved, mut left) = (0, 0);
    for entry in opened.db.scan_prefix(keys::former_ready()) {
        let (key, since) = entry.map_err(failed)?;
        // Whoever is listed and can't be read could not be moved before, either.
        let Ok(Some(place)) = place(&opened.db, &key) else {
            left += 1;
            continue;
        };
        batch.remove(key);
        batch.insert(place, since);
        moved += 1;
        if moved % BATCH == 0 {
            write(folder, &opened.db, std::mem::take(&mut batch))?;
        }
    }
    batch.insert(keys::meta("format"), FORMAT.as_bytes());
    write(folder, &opened.db, batch)?;
    tracing::info!(from = FROM, to = FORMAT, moved, "the database has a new format");
    if left > 0 {
        tracing::warn!(
            left,
            "entries of the list of what is ready lead nowhere and stay; see check"
        );
    }
    Ok(())
}

/// Where the entry belongs; `None`: nobody is ready there.
fn place(tree: &sled::Tree, key: &[u8]) -> Result<Option<Key>, StoreError> {
    let Some((number, id)) = keys::read_entry_at(key) else { return Ok(None) };
    let stored: Option<StoredExecution> = tree.record(&keys::execution(id))?;
    let stored = stored.filter(|stored| stored.ready == Some(number));
    Ok(stored.map(|stored| keys::ready(&stored.execution.workflow, number, id)))
}

/// Writes the batch, and returns when it is on disk.
fn write(folder: &Path, db: &sled::Db, batch: sled::Batch) -> Result<(), OpenError> {
    let failed = |error| failed(folder, error);
    db.apply_batch(batch).map_err(failed)?;
    db.flush().map_err(failed)?;
    let file = File::options().write(true).open(folder.join("db"));
    let synced = file.and_then(|file| file.sync_data());
    synced.map_err(|error| OpenError::Io { path: folder.to_owned(), error })
}

fn failed(folder: &Path, error: sled::Error) -> OpenError {
    match error {
        sled::Error::Io(error) => OpenError::Io { path: folder.to_owned(), error },
        other => damaged(folder, other),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use waystation_store::{Ready, Store as _, conformance};

    use super::*;
    use crate::{Import, SledStore, open};

    /// More than a batch.
    const EXECUTIONS: u64 = 2 * BATCH as u64 + 3;

    fn store(folder: &Path) -> SledStore {
        SledStore::open(&folder.join("store"), &folder.join("components")).unwrap()
    }

    fn format(folder: &Path) -> (String, String) {
        let mark = fs::read_to_string(folder.join("store/format")).unwrap();
        let db = open::open_sled(&folder.join("store")).unwrap().db;
        let tree = db.get(keys::meta("format")).unwrap().unwrap();
        (mark.trim().to_owned(), String::from_utf8(tree.to_vec()).unwrap())
    }

    async fn ready(store: &SledStore) -> Vec<Ready> {
        store.ready(usize::MAX, &[]).await.unwrap()
    }

    async fn problems(store: &SledStore) -> Vec<String> {
        store.check().await.unwrap().problems
    }

    /// A database as the format before has it, and who is ready in it.
    async fn former(folder: &Path) -> Vec<Ready> {
        let new = store(folder);
        let creating = (0..EXECUTIONS).map(|n| conformance::create_numbered(&new, n));
        futures_util::future::join_all(creating).await;
        let ready = ready(&new).await;
        drop(new);
        step_back(folder, usize::MAX);
        marks::write_whole(&folder.join("store"), FROM).unwrap();
        ready
    }

    /// Moves as many entries as that to where they were in the format before.
    fn step_back(folder: &Path, entries: usize) {
        let db = open::open_sled(&folder.join("store")).unwrap().db;
        for entry in db.scan_prefix(keys::ready_of(&"w".parse().unwrap())).take(entries) {
            let (key, since) = entry.unwrap();
            let (_, number, id) = keys::read_ready(&key).unwrap();
            let old = [&b"r"[..], &number.to_be_bytes(), id.as_bytes()].concat();
            db.remove(key).unwrap();
            db.insert(old, since).unwrap();
        }
        db.insert(keys::meta("format"), FROM.as_bytes()).unwrap();
        db.flush().unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_was_ready_is_ready_in_the_same_order() {
        let folder = tempfile::tempdir().unwrap();
        let before = former(folder.path()).await;
        assert_eq!(format(folder.path()), (FROM.into(), FROM.into()));
        let migrated = store(folder.path());
        assert_eq!(ready(&migrated).await, before);
        assert_eq!(problems(&migrated).await, Vec::<String>::new());
        // Newcomers come last, and the next start has nothing to do.
        conformance::create_numbered(&migrated, EXECUTIONS).await;
        let after = ready(&migrated).await;
        assert_eq!(after[..before.len()], before);
        drop(migrated);
        assert_eq!(format(folder.path()), (FORMAT.into(), FORMAT.into()));
        let again = store(folder.path());
        assert_eq!(ready(&again).await, after);
        assert_eq!(problems(&again).await, Vec::<String>::new());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_a_crash_left_half_moved_is_moved_by_the_next_start() {
        for moved in [0, 1, BATCH, 2 * BATCH, 2 * BATCH + 3] {
            let folder = tempfile::tempdir().unwrap();
            let before = former(folder.path()).await;
            drop(store(folder.path()));
            // The mark of the folder goes first, that of the tree last.
            step_back(folder.path(), before.len() - moved);
            assert_eq!(format(folder.path()), (FORMAT.into(), FROM.into()));
            let migrated = store(folder.path());
            assert_eq!(ready(&migrated).await, before, "{moved} were moved");
            assert_eq!(problems(&migrated).await, Vec::<String>::new());
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_was_restored_from_an_earlier_backup_is_migrated_at_the_next_start() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let before = former(from.path()).await;
        let mut import = Import::create(&to.path().join("store"), |why| panic!("{why}")).unwrap();
        let db = open::open_sled(&from.path().join("store")).unwrap().db;
        for entry in db.iter() {
            let (key, value) = entry.unwrap();
            import.put(&key, &value).unwrap();
        }
        import.finish().unwrap();
        assert_eq!(format(to.path()), (FROM.into(), FROM.into()));
        let migrated = store(to.path());
        assert_eq!(ready(&migrated).await, before);
        assert_eq!(problems(&migrated).await, Vec::<String>::new());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_that_can_not_be_read_keeps_nobody_from_opening() {
        let folder = tempfile::tempdir().unwrap();
        let before = former(folder.path()).await;
        let db = open::open_sled(&folder.path().join("store")).unwrap().db;
        let record = crate::value::part_key(&keys::execution(before[1].id), 0);
        db.insert(record, b"nonsense").unwrap();
        db.flush().unwrap();
        drop(db);
        let migrated = store(folder.path());
        let others: Vec<_> = before.iter().filter(|one| one.id != before[1].id).cloned().collect();
        assert_eq!(ready(&migrated).await, others);
        assert!(!problems(&migrated).await.is_empty());
    }
}
