//! The data directory: for its owner alone, and for one process at a time.
//!
//! What lies in it: `lock`, `token`, `link-keys`, `secret-key`, `store/`, `components/`,
//! `compiled/`, `outbox/`.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::failure::{Done, Failure};

/// A folder in it while it is restored from a backup: as long as it is there, not all is.
pub(crate) const RESTORING: &str = ".restoring";

/// The mode of the directory.
const MODE: u32 = 0o700;

/// An open data directory. The lock lasts as long as this does, and no longer than the process.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Opens the directory at `path`, or makes it.
    ///
    /// # Errors
    ///
    /// It can't be used, or another process uses it.
    pub(crate) fn open(path: &Path) -> Done<DataDir> {
        let shown = path.display();
        let failed = |error: io::Error| {
            Failure::new(format!("the data directory {shown} can't be used: {error}"))
        };
        DirBuilder::new().recursive(true).mode(MODE).create(path).map_err(failed)?;
        if std::fs::metadata(path).map_err(failed)?.permissions().mode() & 0o777 != MODE {
            std::fs::set_permissions(path, Permissions::from_mode(MODE)).map_err(failed)?;
        }
        let lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join("lock"));
        let mut lock = lock.map_err(failed)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut pid = String::new();
                let who = match lock.read_to_string(&mut pid) {
                    Ok(_) if !pid.trim().is_empty() => format!(" (process {})", pid.trim()),
                    _ => String::new(),
                };
                return Err(Failure::new(format!(
                    "another waystation{who} uses the data directory {shown}"
                ))
                .hint("stop it, or choose another directory with --data"));
            }
            Err(error) => return Err(failed(error.into())),
        }
        let pid = std::process::id();
        // For the message above alone; the lock is the lock.
        let noted =
            lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| writeln!(lock, "{pid}"));
        noted.map_err(failed)?;
        Ok(DataDir { path: path.to_owned(), _lock: lock })
    }

    /// Is all of it there?
    ///
    /// # Errors
    ///
    /// A restore was cut off in the middle.
    pub(crate) fn is_whole(&self) -> Done {
        if !self.join(RESTORING).exists() {
            return Ok(());
        }
        let shown = self.path.display();
        Err(Failure::new(format!("a restore into the data directory {shown} was cut off"))
            .hint("empty it, and restore again"))
    }

    /// A path in it.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let first = DataDir::open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
        let second = DataDir::open(&path).unwrap_err().to_string();
        assert!(second.contains("another waystation (process"), "{second}");
        drop(first);
        DataDir::open(&path).unwrap();
    }
}
