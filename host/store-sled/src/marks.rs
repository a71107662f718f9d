//! What a database says of itself beside its content, so that one that lost it is not taken for a
//! new one.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::files::write_synced;
use crate::open::{FORMATS_READ, OpenError, damaged};
use crate::write::last_commit;

/// Names the format, beside sled's own files. A database that has it once was whole and on
/// disk: when it is found empty or gone later, something took it away.
const WHOLE: &str = "format";

/// Holds the number of the last commit while the database is closed. What is open has none: a
/// database that ends before that number has lost commits.
const CLOSED: &str = "closed";

/// Was this a whole database before?
pub(crate) fn check_whole(folder: &Path) -> Result<bool, OpenError> {
    match fs::read_to_string(folder.join(WHOLE)) {
        Ok(found) if !FORMATS_READ.contains(&found.trim()) => {
            Err(OpenError::Format { path: folder.to_owned(), found: found.trim().to_owned() })
        }
        Ok(_) if !folder.join("db").exists() => Err(damaged(folder, "its file `db` is gone")),
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(OpenError::Io { path: folder.to_owned(), error }),
    }
}

/// Is it a database at all? `true`: its mark is there.
pub(crate) fn is_whole(folder: &Path) -> bool {
    check_whole(folder).unwrap_or(false)
}

/// Says that the database is whole and on disk, and of this format.
pub(crate) fn write_whole(folder: &Path, format: &str) -> io::Result<()> {
    write(folder, WHOLE, &format!("{format}\n"))
}

/// Says that the database is closed after commit number `last`.
pub(crate) fn write_closed(folder: &Path, last: u64) -> io::Result<()> {
    write(folder, CLOSED, &format!("{last}\n"))
}

/// Written aside, so that a mark is whole or not there. The ending is one that every start clears.
fn write(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    let aside = folder.join(format!("{name}.generating"));
    write_synced(&aside, text.as_bytes())?;
    fs::rename(&aside, folder.join(name))?;
    File::open(folder)?.sync_all()
}

/// Are all commits there that were there when the database was closed? It is open from now on.
pub(crate) fn check_closed(folder: &Path, db: &sled::Db) -> Result<(), OpenError> {
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
