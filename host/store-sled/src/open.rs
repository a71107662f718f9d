//! Opening a database: what sled leaves undone, and what it does in panics.

use std::cell::Cell;
use std::fs::{self, File};
use std::io;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

use crate::write::last_commit;
use crate::{compact, keys, marks, migrate};

/// The format of the whole database.
pub(crate) const FORMAT: &str = "waystation-3";

/// A store of another one is not opened; one of the first is [migrated](migrate) as it is.
pub(crate) const FORMATS_READ: [&str; 2] = [migrate::FROM, FORMAT];

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
    #[error("{}: the database has the format {found:?}; this version reads {}", path.display(), formats_read())]
    Format {
        /// Which.
        path: PathBuf,
        /// What was found.
        found: String,
    },
}

/// An open database, and what it was opened with: that is where sled notes that it failed.
pub(crate) struct Opened {
    pub(crate) db: sled::Db,
    pub(crate) config: sled::Config,
}

/// How often a folder that is in use is tried again, and after which time.
const TRIES: u32 = 40;
const BETWEEN_TRIES: Duration = Duration::from_millis(50);

/// Opens the database in `folder`, or makes it. One that is larger than `compact_over` bytes,
/// and much larger than what lives in it, is compacted first.
pub(crate) fn open(folder: &Path, compact_over: u64) -> Result<Opened, OpenError> {
    // sled asserts its way through damaged files.
    let opened = quietly(|| open_checked(folder, compact_over));
    opened.unwrap_or_else(|| Err(damaged(folder, "sled could not read it")))
}

thread_local! {
    /// Is what this thread says in a panic for nobody?
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Carries `act` out. `None`: it panicked. What it said then is for sled's authors, and not for
/// those who read the one sentence that is made of it.
fn quietly<T>(act: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                others(panic);
            }
        }));
    });
    QUIET.set(true);
    let done = catch_unwind(AssertUnwindSafe(act));
    QUIET.set(false);
    done.ok()
}

fn open_checked(folder: &Path, compact_over: u64) -> Result<Opened, OpenError> {
    let io = |error| OpenError::Io { path: folder.to_owned(), error };
    compact::recover(folder).map_err(io)?;
    fs::create_dir_all(folder).map_err(io)?;
    let marked = marks::check_whole(folder)?;
    let opened = open_sled(folder)?;
    check_format(folder, &opened.db, marked)?;
    if !marked {
        sync_all(folder).map_err(io)?;
        marks::write_whole(folder, FORMAT).map_err(io)?;
    }
    marks::check_closed(folder, &opened.db)?;
    last_commit(&opened.db).map_err(|error| damaged(folder, error))?;
    migrate::migrate(folder, &opened)?;
    compact::compact_if_worth_it(folder, opened, compact_over)
}

/// As it stands in a message.
fn formats_read() -> String {
    FORMATS_READ.map(|format| format!("{format:?}")).join(" and ")
}

pub(crate) fn damaged(folder: &Path, why: impl ToString) -> OpenError {
    OpenError::Damaged { path: folder.to_owned(), why: why.to_string() }
}

/// Opens sled, whatever is in `folder`. One that is in use is tried again for a while: when it
/// was closed a moment ago, sled's threads may still hold its lock.
pub(crate) fn open_sled(folder: &Path) -> Result<Opened, OpenError> {
    for _ in 0..TRIES {
        match try_open(folder) {
            Err(OpenError::InUse(_)) => std::thread::park_timeout(BETWEEN_TRIES),
            settled => return settled,
        }
    }
    try_open(folder)
}

fn try_open(folder: &Path) -> Result<Opened, OpenError> {
    let io = |error| OpenError::Io { path: folder.to_owned(), error };
    clear_unfinished(folder).map_err(io)?;
    refuse_blobs(folder).map_err(|why| damaged(folder, why))?;
    let config = sled::Config::new()
        .path(folder)
        .cache_capacity(CACHE_BYTES)
        .segment_size(SEGMENT_BYTES)
        .flush_every_ms(Some(COLLECT_MS));
    match config.open() {
        Ok(db) => Ok(Opened { db, config }),
        Err(sled::Error::Io(error)) if is_locked(&error) => {
            Err(OpenError::InUse(folder.to_owned()))
        }
        Err(sled::Error::Io(error)) => Err(io(error)),
        Err(other) => Err(damaged(folder, other)),
    }
}

fn check_format(folder: &Path, db: &sled::Db, marked: bool) -> Result<(), OpenError> {
    match db.get(keys::meta("format")).map_err(|error| damaged(folder, error))? {
        Some(found) => {
            let found = String::from_utf8_lossy(&found).into_owned();
            match FORMATS_READ.contains(&found.as_str()) {
                true => Ok(()),
                false => Err(OpenError::Format { path: folder.to_owned(), found }),
            }
        }
        None if marked => Err(damaged(folder, "it was not empty, and is")),
        None if db.is_empty() => {
            let made = db.insert(keys::meta("format"), FORMAT.as_bytes());
            made.and_then(|_| db.flush()).map_err(|error| damaged(folder, error))?;
            Ok(())
        }
        None => Err(damaged(folder, "it holds something else")),
    }
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
pub(crate) fn sync_all(folder: &Path) -> io::Result<()> {
    for name in ["conf", "db", "blobs", "."] {
        match File::open(folder.join(name)) {
            Ok(file) => file.sync_all()?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    sync_parent(folder)
}

/// Makes durable that a folder has its name.
pub(crate) fn sync_parent(folder: &Path) -> io::Result<()> {
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

fn is_locked(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
        || error.to_string().contains("could not acquire lock")
}
