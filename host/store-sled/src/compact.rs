//! Gives back space: sled's file does not come back from its high-water mark.
//!
//! Everything live is copied into `FOLDER.new`, which becomes a database when it is whole and
//! on disk. Then the two change places, by two renames, and the old one is removed. Whatever
//! a crash leaves of this, [`recover`] makes one database of it again before it is opened.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::import::Import;
use crate::open::{self, OpenError};
use crate::view::broken;

/// A database is compacted when its file is so many times as large as what lives in it.
const FACTOR: u64 = 8;

fn beside(folder: &Path, ending: &str) -> PathBuf {
    let mut name = folder.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn sync_parent(folder: &Path) -> io::Result<()> {
    match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        Some(_) | None => File::open(".")?.sync_all(),
    }
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Brings to an end, or takes back, what a crash left of a compaction.
pub(crate) fn recover(folder: &Path) -> io::Result<()> {
    let (new, old) = (beside(folder, ".new"), beside(folder, ".old"));
    if !folder.exists() && old.exists() {
        // It died between the two renames.
        let whole = if open::is_marked(&new) { &new } else { &old };
        fs::rename(whole, folder)?;
        sync_parent(folder)?;
    }
    remove(&new)?;
    remove(&old)
}

/// Is the database so much larger than what lives in it? Looks closer only when its file is
/// larger than `over_bytes`.
pub(crate) fn is_worth_it(db: &sled::Db, over_bytes: u64) -> Result<bool, sled::Error> {
    let size = db.size_on_disk()?;
    if size <= over_bytes {
        return Ok(false);
    }
    let mut live = 0;
    for entry in db.iter() {
        let (key, value) = entry?;
        live += (key.len() + value.len()) as u64;
    }
    Ok(size > live.saturating_mul(FACTOR))
}

/// Puts a compact copy in the place of the database, which is closed first.
pub(crate) fn compact(folder: &Path, db: sled::Db) -> Result<(), OpenError> {
    let io = |error| OpenError::Io { path: folder.to_owned(), error };
    let (new, old) = (beside(folder, ".new"), beside(folder, ".old"));
    let before = db.size_on_disk().unwrap_or_default();
    remove(&new).map_err(io)?;
    let mut import = Import::create(&new)?;
    for entry in db.iter() {
        let (key, value) = entry.map_err(|error| OpenError::Damaged {
            path: folder.to_owned(),
            why: broken(error).to_string(),
        })?;
        import.put(&key, &value)?;
    }
    import.finish()?;
    drop(db);
    fs::rename(folder, &old).map_err(io)?;
    fs::rename(&new, folder).map_err(io)?;
    sync_parent(folder).map_err(io)?;
    remove(&old).map_err(io)?;
    let after = fs::metadata(folder.join("db")).map(|about| about.len()).unwrap_or_default();
    tracing::info!(before, after, "the database was compacted");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database that holds nothing but its format and `text`.
    fn database(folder: &Path, text: &str) {
        let mut import = Import::create(folder).unwrap();
        import.put(&crate::keys::meta("format"), open::FORMAT.as_bytes()).unwrap();
        import.put(b"mtext", text.as_bytes()).unwrap();
        import.finish().unwrap();
    }

    fn text(folder: &Path) -> String {
        let db = open::open(folder, u64::MAX).unwrap().db;
        String::from_utf8(db.get(b"mtext").unwrap().unwrap().to_vec()).unwrap()
    }

    fn unfinished(folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("db"), b"half").unwrap();
    }

    #[test]
    fn whatever_a_crash_leaves_there_is_one_whole_database() {
        type Leave = fn(&Path, &Path, &Path);
        let cases: [(Leave, &str); 4] = [
            // While it copied.
            (|folder, new, _| (database(folder, "old"), unfinished(new)).0, "old"),
            // Before the first rename.
            (|folder, new, _| (database(folder, "old"), database(new, "new")).0, "old"),
            // Between the two.
            (|_, new, old| (database(new, "new"), database(old, "old")).0, "new"),
            // Before the old one was removed.
            (|folder, _, old| (database(folder, "new"), unfinished(old)).0, "new"),
        ];
        for (number, (leave, expected)) in cases.into_iter().enumerate() {
            let home = tempfile::tempdir().unwrap();
            let folder = home.path().join("store");
            let (new, old) = (beside(&folder, ".new"), beside(&folder, ".old"));
            leave(&folder, &new, &old);
            assert_eq!(text(&folder), expected, "case {number}");
            assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "case {number}");
        }
    }

    #[test]
    fn what_was_deleted_gives_its_space_back() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("store");
        database(&folder, "kept");
        let db = open::open(&folder, u64::MAX).unwrap().db;
        for n in 0..20_000_u32 {
            db.insert(n.to_be_bytes(), vec![7; 2000]).unwrap();
        }
        db.flush().unwrap();
        for n in 0..20_000_u32 {
            db.remove(n.to_be_bytes()).unwrap();
        }
        db.flush().unwrap();
        drop(db);
        let size = || fs::metadata(folder.join("db")).unwrap().len();
        let before = size();
        assert_eq!(text(&folder), "kept");
        assert_eq!(size(), before, "it was not asked for");
        drop(open::open(&folder, 1 << 20).unwrap().db);
        assert!(size() * 4 < before, "{before} bytes became {}", size());
        assert_eq!(text(&folder), "kept");
    }
}
