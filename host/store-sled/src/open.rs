//! Opening a database: what sled leaves undone, and what it does in panics.

use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use crate::keys;

/// The format of the whole database; a store of another one is not opened.
const FORMAT: &str = "waystation-1";

/// How much of the database sled keeps in memory, in bytes.
const CACHE_BYTES: u64 = 128 << 20;

/// The unit in which sled frees space, in bytes, fixed when a database is made. It also sets
/// the size above which a node goes to an unsynced file (a quarter of it).
const SEGMENT_BYTES: usize = 4 << 20;

/// How often sled collects garbage, in milliseconds. (It flushes, too; nothing relies on it.)
const COLLECT_MS: u64 = 500;

/// Why a database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder can't be used.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Another process has it open.
    #[error("{}: in use by another process", .0.display())]
    InUse(PathBuf),
    /// Its content is damaged.
    #[error("{}: the database is damaged ({why}); restore the data directory from a backup", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// Another version of Waystation made it.
    #[error("{}: the database has the format {found:?}; this version reads {FORMAT:?}", path.display())]
    Format {
        /// Which.
        path: PathBuf,
        /// What was found.
        found: String,
    },
}

/// Opens the database in `folder`, or makes it.
pub(crate) fn open(folder: &Path) -> Result<sled::Db, OpenError> {
    let io = |error| OpenError::Io { path: folder.to_owned(), error };
    let damaged = |why: String| OpenError::Damaged { path: folder.to_owned(), why };
    let new = !folder.join("db").exists();
    fs::create_dir_all(folder).map_err(io)?;
    clear_unfinished(folder).map_err(io)?;
    refuse_blobs(folder).map_err(damaged)?;
    let config = sled::Config::new()
        .path(folder)
        .cache_capacity(CACHE_BYTES)
        .segment_size(SEGMENT_BYTES)
        .flush_every_ms(Some(COLLECT_MS));
    // sled asserts its way through damaged files.
    let opened = catch_unwind(AssertUnwindSafe(|| config.open()))
        .map_err(|_| damaged("sled could not read it".into()))?;
    let db = opened.map_err(|error| match error {
        sled::Error::Io(error) if is_locked(&error) => OpenError::InUse(folder.to_owned()),
        sled::Error::Io(error) => io(error),
        other => damaged(other.to_string()),
    })?;
    let read = |key: &[u8]| db.get(key).map_err(|error| damaged(error.to_string()));
    match read(&keys::meta("format"))? {
        Some(found) if *found != *FORMAT.as_bytes() => {
            let found = String::from_utf8_lossy(&found).into_owned();
            return Err(OpenError::Format { path: folder.to_owned(), found });
        }
        Some(_) => {}
        None if new || db.is_empty() => {
            db.insert(keys::meta("format"), FORMAT.as_bytes())
                .and_then(|_| db.flush())
                .map_err(|error| damaged(error.to_string()))?;
            sync_all(folder).map_err(io)?;
        }
        None => return Err(damaged("it holds something else".into())),
    }
    Ok(db)
}

/// sled 0.34 does not open a folder in which it died while it wrote a snapshot.
fn clear_unfinished(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "generating") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Values are cut so small that sled never needs its unsynced files. If there is one, something
/// else wrote here.
fn refuse_blobs(folder: &Path) -> Result<(), String> {
    match fs::read_dir(folder.join("blobs")).map(|mut blobs| blobs.next()) {
        Ok(Some(_)) => Err("there are files in its folder blobs".into()),
        Ok(None) | Err(_) => Ok(()),
    }
}

/// Makes a new database's files and folders durable, which sled does not.
fn sync_all(folder: &Path) -> io::Result<()> {
    for name in ["conf", "db", "blobs", "."] {
        match File::open(folder.join(name)) {
            Ok(file) => file.sync_all()?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        Some(_) | None => Ok(()),
    }
}

fn is_locked(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
        || error.to_string().contains("could not acquire lock")
}
