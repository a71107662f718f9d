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

/// What lies in a data directory, and nowhere else together.
const OURS: [&str; 9] = [
    "lock",
    "token",
    "link-keys",
    "secret-key",
    "store",
    "components",
    "compiled",
    "outbox",
    RESTORING,
];

/// Lies in a new file system that is all the server's.
const OF_A_FILE_SYSTEM: &str = "lost+found";

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
    /// It can't be used, holds the files of others, or another process uses it.
    pub(crate) fn open(path: &Path) -> Done<DataDir> {
        let shown = path.display();
        let failed = |error: io::Error| {
            Failure::new(format!("the data directory {shown} can't be used: {error}"))
        };
        if is_of_others(path).map_err(failed)? {
            return Err(Failure::new(format!("{shown} is in use, and is no data directory"))
                .hint("--data with a new or an empty directory, for the server alone"));
        }
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

/// Are there files in it, and none of ours? It would be closed to whoever they belong to.
fn is_of_others(path: &Path) -> io::Result<bool> {
    let entries = match std::fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        entries => entries?,
    };
    let mut others = false;
    for entry in entries {
        let name = entry?.file_name();
        if OURS.iter().any(|ours| name == *ours) {
            return Ok(false);
        }
        others |= name != OF_A_FILE_SYSTEM;
    }
    Ok(others)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    /// A directory that is open to others, with these files.
    fn open_to_others(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        folder
    }

    #[test]
    fn a_directory_of_others_stays_as_it_is() {
        for files in [&["photo.jpg"][..], &[".hidden"], &["lost+found", "notes"], &["tokens"]] {
            let folder = open_to_others(files);
            let refused = DataDir::open(folder.path()).unwrap_err().to_string();
            assert!(refused.contains("no data directory"), "{refused}");
            assert!(refused.contains(folder.path().to_str().unwrap()), "{refused}");
            assert_eq!(mode(folder.path()), 0o755, "{files:?}");
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), files.len());
        }
    }

    #[test]
    fn an_own_one_and_an_empty_one_are_closed_to_others() {
        for files in [&[][..], &["lost+found"], &["lock"], &["token", "notes"]] {
            let folder = open_to_others(files);
            DataDir::open(folder.path()).unwrap();
            assert_eq!(mode(folder.path()), MODE, "{files:?}");
        }
    }

    #[test]
    fn one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let first = DataDir::open(&path).unwrap();
        assert_eq!(mode(&path), MODE);
        let second = DataDir::open(&path).unwrap_err().to_string();
        assert!(second.contains("another waystation (process"), "{second}");
        drop(first);
        DataDir::open(&path).unwrap();
    }
}
