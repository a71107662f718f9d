//! Components that were built before.
//!
//! The tools of languages that bring an engine along take seconds, and componentize-py does not
//! make the same bytes twice: the seed of Python's hashes is real randomness. So what came of a
//! source is kept: the same source gives the same component, and at once.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::BuildError;

/// How many are kept: each is some 12 to 25 MB.
const KEPT_MAX: usize = 40;

/// Where the component of one set of inputs is kept.
pub(crate) struct Kept {
    folder: PathBuf,
    file: PathBuf,
}

impl Kept {
    /// For everything in `work`, and `others` that the component depends on.
    pub(crate) fn at(cache: &Path, work: &Path, others: &[&str]) -> Result<Self, BuildError> {
        let mut hash = Sha256::new();
        for other in others {
            hash.update(other.as_bytes());
            hash.update([0]);
        }
        let mut files = Vec::new();
        list(work, &mut files)?;
        files.sort();
        for file in &files {
            let name = file.strip_prefix(work).unwrap_or(file).to_string_lossy();
            let bytes = fs::read(file).map_err(BuildError::io(file))?;
            hash.update(format!("{name}\0{}\0", bytes.len()));
            hash.update(&bytes);
        }
        let folder = cache.join("components");
        let file = folder.join(format!("{}.wasm", hex(&hash.finalize())));
        Ok(Self { folder, file })
    }

    /// The component, if it was built before.
    pub(crate) fn get(&self) -> Option<Vec<u8>> {
        fs::read(&self.file).ok()
    }

    /// Keeps it, and lets the oldest go.
    pub(crate) fn put(&self, component: &[u8]) -> Result<(), BuildError> {
        fs::create_dir_all(&self.folder).map_err(BuildError::io(&self.folder))?;
        // Beside its place, then renamed: what is there is whole.
        let aside =
            tempfile::NamedTempFile::new_in(&self.folder).map_err(BuildError::io(&self.folder))?;
        fs::write(aside.path(), component).map_err(BuildError::io(aside.path()))?;
        aside.persist(&self.file).map_err(|error| BuildError::io(&self.file)(error.error))?;
        self.let_go();
        Ok(())
    }

    fn let_go(&self) {
        let mut files = Vec::new();
        if list(&self.folder, &mut files).is_err() {
            return;
        }
        files.sort_by_key(|file| {
            std::cmp::Reverse(fs::metadata(file).and_then(|about| about.modified()).ok())
        });
        for old in files.iter().skip(KEPT_MAX) {
            // Another build may have been first.
            let _ = fs::remove_file(old);
        }
    }
}

/// The first 16 bytes of a hash, as text.
pub(crate) fn hex(hash: &[u8]) -> String {
    hash.iter().take(16).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), BuildError> {
    for entry in fs::read_dir(folder).map_err(BuildError::io(folder))? {
        let path = entry.map_err(BuildError::io(folder))?.path();
        if path.is_dir() { list(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_inputs_give_the_kept_component_and_others_do_not() {
        let dir = tempfile::tempdir().unwrap();
        let work = dir.path().join("work");
        fs::create_dir(&work).unwrap();
        fs::write(work.join("a.py"), "1").unwrap();
        let at = |others: &[&str]| Kept::at(dir.path(), &work, others).unwrap();
        assert_eq!(at(&["v1"]).get(), None);
        at(&["v1"]).put(b"component").unwrap();
        assert_eq!(at(&["v1"]).get(), Some(b"component".to_vec()));
        assert_eq!(at(&["v2"]).get(), None);
        fs::write(work.join("a.py"), "2").unwrap();
        assert_eq!(at(&["v1"]).get(), None);
    }
}
