//! Opening a database: what sled leaves undone, and what it does in panics.

use std::cell::Cell;
use std::fs::{self, File};
use std::io;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

use crate::write::last_commit;
use crate::{compact, keys};

/// The format of the whole database; a store of another one is not opened.
pub(crate) const FORMAT: &str = "waystation-2";

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

/// Names the format, beside sled's own files. A database that has it once was whole and on
/// disk: when it is found empty or gone later, something took it away.
const MARK: &str = "format";

/// Holds the number of the last commit while the database is closed. What is open has none: a
/// database that ends before that number has lost commits.
const CLOSED: &str = "closed";

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
    let marked = check_mark(folder)?;
    let opened = open_sled(folder)?;
    check_format(folder, &opened.db, marked)?;
    if !marked {
        sync_all(folder).map_err(io)?;
        mark(folder).map_err(io)?;
    }
    check_closed(folder, &opened.db)?;
    compact::compact_if_worth_it(folder, opened, compact_over)
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

/// Was this a whole database before?
fn check_mark(folder: &Path) -> Result<bool, OpenError> {
    match fs::read_to_string(folder.join(MARK)) {
        Ok(found) if found.trim() != FORMAT => {
            Err(OpenError::Format { path: folder.to_owned(), found: found.trim().to_owned() })
        }
        Ok(_) if !folder.join("db").exists() => Err(damaged(folder, "its file `db` is gone")),
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(OpenError::Io { path: folder.to_owned(), error }),
    }
}

/// Is it a database at all? `true`: its mark is there.
pub(crate) fn is_marked(folder: &Path) -> bool {
    check_mark(folder).unwrap_or(false)
}

/// Says that the database is whole and on disk.
pub(crate) fn mark(folder: &Path) -> io::Result<()> {
    write_synced(folder, MARK, &format!("{FORMAT}\n"))
}

/// Says that the database is closed after commit number `last`.
pub(crate) fn mark_closed(folder: &Path, last: u64) -> io::Result<()> {
    write_synced(folder, CLOSED, &format!("{last}\n"))
}

fn write_synced(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    let aside = folder.join(format!("{name}.generating"));
    let mut file = File::create(&aside)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&aside, folder.join(name))?;
    File::open(folder)?.sync_all()
}

fn check_format(folder: &Path, db: &sled::Db, marked: bool) -> Result<(), OpenError> {
    match db.get(keys::meta("format")).map_err(|error| damaged(folder, error))? {
        Some(found) if *found != *FORMAT.as_bytes() => {
            let found = String::from_utf8_lossy(&found).into_owned();
            Err(OpenError::Format { path: folder.to_owned(), found })
        }
        Some(_) => Ok(()),
        None if marked => Err(damaged(folder, "it was not empty, and is")),
        None if db.is_empty() => {
            let made = db.insert(keys::meta("format"), FORMAT.as_bytes());
            made.and_then(|_| db.flush()).map_err(|error| damaged(folder, error))?;
            Ok(())
        }
        None => Err(damaged(folder, "it holds something else")),
    }
}

fn check_closed(folder: &Path, db: &sled::Db) -> Result<(), OpenError> {
    let io = |error| OpenError::Io { path: folder.to_owned(), error };
    let path = folder.join(CLOSED);
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        text => text.map_err(io)?,
    };
    let found = last_commit(db).map_err(|error| damaged(folder, error))?;
    match text.trim().parse::<u64>() {
        Ok(last) if last > found => {
            return Err(damaged(folder, format!("it ends with commit {found}, and not {last}")));
        }
        Ok(_) => {}
        Err(error) => return Err(damaged(folder, format!("its file `{CLOSED}`: {error}"))),
    }
    fs::remove_file(path).and_then(|()| File::open(folder)?.sync_all()).map_err(io)
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
    match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        Some(_) | None => Ok(()),
    }
}

fn is_locked(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
        || error.to_string().contains("could not acquire lock")
}
