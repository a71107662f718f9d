//! Removes machine code from disk that nobody is likely to need. wasmtime's cache sees to that
//! only in an engine that compiles, and the one of the server does not.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fs, io};

use crate::capacity::Capacity;

/// What is known of an entry.
struct Entry {
    /// Its machine code, and what wasmtime notes down beside it.
    files: Vec<PathBuf>,
    /// Their sizes, in bytes.
    bytes: u64,
    /// When it was loaded last: wasmtime notes it down each time.
    used: SystemTime,
}

impl Default for Entry {
    fn default() -> Entry {
        Entry { files: Vec::new(), bytes: 0, used: SystemTime::UNIX_EPOCH }
    }
}

/// Removes the entries below `modules` that were not used for longest, until the others are
/// within `capacity`. With `new`, which was just put there and stays, also removes what other
/// versions of wasmtime left: only an entry tells which version this is.
pub(crate) fn tidy(modules: &Path, new: Option<&Path>, capacity: Capacity) -> io::Result<()> {
    let mut entries = Vec::new();
    for shelf in there(fs::read_dir(modules))?.into_iter().flatten() {
        let shelf = shelf?;
        if !shelf.file_type()?.is_dir() {
            continue;
        }
        let shelf = shelf.path();
        if new.is_some_and(|new| new.parent() != Some(&shelf)) {
            tracing::info!(folder = %shelf.display(), "removing another version's machine code");
            there(fs::remove_dir_all(shelf))?;
        } else {
            entries.extend(entries_of(&shelf)?);
        }
    }
    let is_new = |entry: &Entry| new.is_some_and(|new| entry.files.iter().any(|file| file == new));
    entries.sort_by_cached_key(|entry| (is_new(entry), entry.used));
    let sizes: Vec<u64> = entries.iter().map(|entry| entry.bytes).collect();
    for file in entries.drain(..capacity.too_many(&sizes)).flat_map(|entry| entry.files) {
        there(fs::remove_file(file))?;
    }
    Ok(())
}

/// The entries of one version. The name of each of an entry's files begins with the entry's.
fn entries_of(shelf: &Path) -> io::Result<impl Iterator<Item = Entry>> {
    let mut entries: HashMap<String, Entry> = HashMap::new();
    for file in there(fs::read_dir(shelf))?.into_iter().flatten() {
        let file = file?;
        let Some(about) = there(file.metadata())? else { continue };
        if !about.is_file() {
            continue;
        }
        let name = file.file_name().to_string_lossy().into_owned();
        let entry = entries.entry(name.split('.').next().unwrap_or_default().into()).or_default();
        entry.files.push(file.path());
        entry.bytes = entry.bytes.saturating_add(about.len());
        entry.used = entry.used.max(about.modified()?);
    }
    Ok(entries.into_values())
}

/// What is gone was removed by somebody else, which is as good.
fn there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tempfile::TempDir;

    use super::*;

    const ALL: Capacity = Capacity { entries_max: 100, bytes_max: 1000 };

    /// A folder with files of ten bytes, each a second younger than the one before.
    fn folder(files: &[&str]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (at, name) in files.iter().enumerate() {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, [0; 10]).unwrap();
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(at as u64);
            fs::File::options().write(true).open(&path).unwrap().set_modified(at).unwrap();
        }
        folder
    }

    fn files(folder: &TempDir) -> Vec<String> {
        let mut names = Vec::new();
        for shelf in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            for file in fs::read_dir(shelf.path()).unwrap().map(Result::unwrap) {
                let file = file.path();
                names.push(file.strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            }
        }
        names.sort();
        names
    }

    #[test]
    fn what_was_not_used_for_longest_goes_with_all_its_files() {
        let folder = folder(&["v/a", "v/b", "v/b.stats", "v/c", "v/a.stats"]);
        tidy(folder.path(), None, Capacity { bytes_max: 50, ..ALL }).unwrap();
        assert_eq!(files(&folder).len(), 5);
        tidy(folder.path(), None, Capacity { bytes_max: 49, ..ALL }).unwrap();
        assert_eq!(files(&folder), ["v/a", "v/a.stats", "v/c"]);
        tidy(folder.path(), None, Capacity { entries_max: 1, ..ALL }).unwrap();
        assert_eq!(files(&folder), ["v/a", "v/a.stats"]);
    }

    #[test]
    fn what_was_just_put_stays_however_old_its_file_is() {
        let folder = folder(&["v/new", "v/b", "v/c"]);
        let new = folder.path().join("v/new");
        tidy(folder.path(), Some(&new), Capacity { bytes_max: 20, ..ALL }).unwrap();
        assert_eq!(files(&folder), ["v/c", "v/new"]);
        tidy(folder.path(), Some(&new), Capacity { bytes_max: 1, ..ALL }).unwrap();
        assert_eq!(files(&folder), ["v/new"]);
    }

    #[test]
    fn other_versions_go_when_it_is_known_which_they_are() {
        let folder = folder(&["v1/a", "v2/b"]);
        tidy(folder.path(), None, ALL).unwrap();
        assert_eq!(files(&folder), ["v1/a", "v2/b"]);
        tidy(folder.path(), Some(&folder.path().join("v2/b")), ALL).unwrap();
        assert_eq!(files(&folder), ["v2/b"]);
        assert!(!folder.path().join("v1").exists());
    }

    #[test]
    fn a_folder_that_is_not_there_is_tidy() {
        let folder = tempfile::tempdir().unwrap();
        tidy(&folder.path().join("modules"), None, ALL).unwrap();
    }
}
