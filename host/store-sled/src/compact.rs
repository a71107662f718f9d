//! Gives back space: sled's file does not come back from its high-water mark.
//!
//! Everything live is copied into `FOLDER.compacting`, which becomes a database when it is whole
//! and on disk. Then the two change places, by two renames, and the old one, by then
//! `FOLDER.replaced`, is removed. Whatever a crash leaves of this, [`recover`] makes one database
//! of it again before it is opened. A compaction that fails leaves things as they were: nobody
//! needs it to go on.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::committer::die;
use crate::import::Import;
use crate::marks;
use crate::open::{self, OpenError, Opened, sync_parent};

/// A database is compacted when its file is so many times as large as what lives in it.
const FACTOR: u64 = 8;

/// Room that the copy of so many live bytes may take, at the most: sled writes in large pieces.
const ROOM_FACTOR: u64 = 4;
const ROOM_BYTES: u64 = 64 << 20;

fn beside(folder: &Path, ending: &str) -> PathBuf {
    let mut name = folder.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn copy_of(folder: &Path) -> PathBuf {
    beside(folder, ".compacting")
}

fn replaced(folder: &Path) -> PathBuf {
    beside(folder, ".replaced")
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Brings to an end, or takes back, what a crash left of a compaction. Removes only what a whole
/// database stands in for.
pub(crate) fn recover(folder: &Path) -> io::Result<()> {
    let (copy, old) = (copy_of(folder), replaced(folder));
    if !folder.exists() && old.exists() {
        // It died between the two renames.
        let whole = if marks::is_whole(&copy) { &copy } else { &old };
        fs::rename(whole, folder)?;
        sync_parent(folder)?;
    }
    if marks::is_whole(folder) {
        remove(&copy)?;
        remove(&old)?;
    }
    Ok(())
}

/// Compacts the database if its file is larger than `over_bytes` and much larger than what
/// lives in it. What is returned is the database, compacted or as it was.
pub(crate) fn compact_if_worth_it(
    folder: &Path,
    opened: Opened,
    over_bytes: u64,
) -> Result<Opened, OpenError> {
    let Some(live) = is_worth_it(&opened.db, over_bytes).map_err(|e| open::damaged(folder, e))?
    else {
        return Ok(opened);
    };
    let before = opened.db.size_on_disk().unwrap_or_default();
    let copied = is_possible(folder, live).and_then(|()| copy(folder, &opened.db));
    if let Err(why) = copied {
        tracing::warn!(%why, "the database is mostly empty, and can't be compacted");
        // The next start removes what can't be removed now.
        let _ = remove(&copy_of(folder));
        return Ok(opened);
    }
    drop(opened);
    if let Err(why) = exchange(folder) {
        tracing::warn!(%why, "the database is mostly empty, and can't be replaced");
    }
    let opened = open::open_sled(folder)?;
    recover(folder).map_err(|error| OpenError::Io { path: folder.to_owned(), error })?;
    let after = opened.db.size_on_disk().unwrap_or_default();
    tracing::info!(before, after, "the database was compacted");
    Ok(opened)
}

/// Bytes that live in the database, if it is worth to compact it. Looks closer only when its
/// file is larger than `over_bytes`, and no further than it must.
fn is_worth_it(db: &sled::Db, over_bytes: u64) -> Result<Option<u64>, sled::Error> {
    let size = db.size_on_disk()?;
    if size <= over_bytes {
        return Ok(None);
    }
    let mut live = 0;
    for entry in db.iter() {
        let (key, value) = entry?;
        live += (key.len() + value.len()) as u64;
        if live.saturating_mul(FACTOR) >= size {
            return Ok(None);
        }
    }
    Ok(Some(live))
}

/// Can two folders change places here, and is there room for both?
fn is_possible(folder: &Path, live: u64) -> Result<(), String> {
    let failed = |error: io::Error| error.to_string();
    let about = fs::symlink_metadata(folder).map_err(failed)?;
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = fs::metadata(parent.unwrap_or(Path::new("."))).map_err(failed)?;
    if !about.is_dir() || about.dev() != parent.dev() {
        return Err("its folder is a link or a mount point".to_owned());
    }
    let disk = rustix::fs::statvfs(folder).map_err(|error| error.to_string())?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let room = live.saturating_mul(ROOM_FACTOR).saturating_add(ROOM_BYTES);
    if free < room {
        return Err(format!("the disk has {free} bytes left, and {room} may be needed"));
    }
    Ok(())
}

fn copy(folder: &Path, db: &sled::Db) -> Result<(), String> {
    let copy = copy_of(folder);
    remove(&copy).map_err(|error| error.to_string())?;
    // A disk that is broken, and not full, ends the start.
    let mut import = Import::create(&copy, |why| die(why)).map_err(|error| error.to_string())?;
    for entry in db.iter() {
        let (key, value) = entry.map_err(|error| error.to_string())?;
        import.put(&key, &value).map_err(|error| error.to_string())?;
    }
    import.finish().map_err(|error| error.to_string())
}

/// Puts the copy in the place of the database, or leaves everything as it was.
fn exchange(folder: &Path) -> io::Result<()> {
    let (copy, old) = (copy_of(folder), replaced(folder));
    fs::rename(folder, &old)?;
    if let Err(error) = fs::rename(&copy, folder) {
        fs::rename(&old, folder)?;
        return Err(error);
    }
    sync_parent(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database that holds nothing but its format and `text`.
    fn database(folder: &Path, text: &str) {
        let mut import = Import::create(folder, |why| panic!("{why}")).unwrap();
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
            leave(&folder, &copy_of(&folder), &replaced(&folder));
            assert_eq!(text(&folder), expected, "case {number}");
            assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "case {number}");
        }
    }

    #[test]
    fn what_no_whole_database_stands_in_for_is_not_removed() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("store");
        database(&copy_of(&folder), "new");
        database(&replaced(&folder), "old");
        // Something makes an empty folder in between.
        fs::create_dir(&folder).unwrap();
        recover(&folder).unwrap();
        assert!(copy_of(&folder).exists() && replaced(&folder).exists());
    }

    /// Fills a database and takes everything away again.
    fn swollen(folder: &Path) {
        database(folder, "kept");
        let db = open::open(folder, u64::MAX).unwrap().db;
        for n in 0..20_000_u32 {
            db.insert(n.to_be_bytes(), vec![7; 2000]).unwrap();
        }
        db.flush().unwrap();
        for n in 0..20_000_u32 {
            db.remove(n.to_be_bytes()).unwrap();
        }
        db.flush().unwrap();
    }

    /// Which file it is: another one after a compaction. How large it is says less: sled cuts off
    /// the end of its file, too, when it has the time.
    fn file(folder: &Path) -> u64 {
        fs::metadata(folder.join("db")).unwrap().ino()
    }

    fn size(folder: &Path) -> u64 {
        fs::metadata(folder.join("db")).unwrap().len()
    }

    #[test]
    fn what_was_deleted_gives_its_space_back() {
        let home = tempfile::tempdir().unwrap();
        let (folder, fresh) = (home.path().join("store"), home.path().join("fresh"));
        swollen(&folder);
        let before = file(&folder);
        assert_eq!(text(&folder), "kept");
        assert_eq!(file(&folder), before, "it was not asked for");
        drop(open::open(&folder, 1 << 20).unwrap().db);
        assert_ne!(file(&folder), before);
        assert_eq!(text(&folder), "kept");
        database(&fresh, "kept");
        assert_eq!(text(&fresh), "kept");
        assert!(size(&folder) <= 2 * size(&fresh), "{} and {}", size(&folder), size(&fresh));
    }

    #[test]
    fn a_database_that_can_not_be_compacted_opens_as_it_is() {
        let home = tempfile::tempdir().unwrap();
        let (folder, link) = (home.path().join("elsewhere"), home.path().join("store"));
        swollen(&folder);
        let before = file(&folder);
        std::os::unix::fs::symlink(&folder, &link).unwrap();
        drop(open::open(&link, 1 << 20).unwrap().db);
        assert_eq!(text(&link), "kept");
        assert_eq!(file(&folder), before);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 2);
    }
}
