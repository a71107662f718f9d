//! Components' bytes: files under their digests, written aside, synced, renamed.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use waystation_core::Digest;

/// Numbers files that are being written.
static NEXT_PART: AtomicU64 = AtomicU64::new(0);

/// A folder of components, each in a file named by its digest.
#[derive(Clone, Debug)]
pub struct ComponentFiles {
    folder: PathBuf,
}

impl ComponentFiles {
    /// The components in `folder`, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// The folder can't be made or written to.
    pub fn open(folder: &Path) -> io::Result<ComponentFiles> {
        fs::create_dir_all(folder)?;
        let files = ComponentFiles { folder: folder.to_owned() };
        files.clear_unfinished()?;
        Ok(files)
    }

    /// Stores a component. Durable; one that is there already is left alone.
    ///
    /// # Errors
    ///
    /// It could not be written; nothing is left of it.
    pub fn put(&self, digest: Digest, mut bytes: &[u8]) -> io::Result<()> {
        self.put_from(digest, &mut bytes)
    }

    /// The same, of bytes that are read as they are stored. One that is there already is not read.
    ///
    /// # Errors
    ///
    /// It could not be read or written; nothing is left of it.
    pub fn put_from(&self, digest: Digest, bytes: &mut dyn Read) -> io::Result<()> {
        let path = self.path(digest);
        if !path.exists() {
            // A name of its own: the same component may come twice at the same time.
            let number = NEXT_PART.fetch_add(1, Ordering::Relaxed);
            let aside = self.folder.join(format!("{}.{number}.part", digest.hex()));
            let written = copy_synced(&aside, bytes).and_then(|()| fs::rename(&aside, &path));
            if written.is_err() {
                // The next start clears what can't be removed now.
                let _ = fs::remove_file(&aside);
            }
            written?;
        }
        // Also when it was there: whoever put it there may not have come this far.
        File::open(&self.folder)?.sync_all()
    }

    /// A component's bytes, checked against their digest.
    ///
    /// # Errors
    ///
    /// Not there, not readable, or not what was stored.
    pub fn get(&self, digest: Digest) -> io::Result<Vec<u8>> {
        let path = self.path(digest);
        let bytes = fs::read(&path)?;
        if Digest::of(&bytes) != digest {
            let message = format!("{} is damaged: its digest is another", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(bytes)
    }

    fn path(&self, digest: Digest) -> PathBuf {
        self.folder.join(format!("{}.wasm", digest.hex()))
    }

    fn clear_unfinished(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "part") {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

pub(crate) fn write_synced(path: &Path, mut bytes: &[u8]) -> io::Result<()> {
    copy_synced(path, &mut bytes)
}

fn copy_synced(path: &Path, bytes: &mut dyn Read) -> io::Result<()> {
    let mut file = File::create(path)?;
    io::copy(bytes, &mut file)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_was_stored() {
        let folder = tempfile::tempdir().unwrap();
        let files = ComponentFiles::open(folder.path()).unwrap();
        let digest = Digest::of(b"abc");
        files.put(digest, b"abc").unwrap();
        files.put(digest, b"abc").unwrap();
        assert_eq!(files.get(digest).unwrap(), b"abc");
        assert!(files.get(Digest::of(b"x")).is_err());
    }

    #[test]
    fn the_same_component_may_come_many_times_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let files = ComponentFiles::open(folder.path()).unwrap();
        let bytes = vec![7; 1 << 20];
        let digest = Digest::of(&bytes);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| files.put(digest, &bytes).unwrap());
            }
        });
        assert_eq!(files.get(digest).unwrap(), bytes);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn notices_damage() {
        let folder = tempfile::tempdir().unwrap();
        let files = ComponentFiles::open(folder.path()).unwrap();
        let digest = Digest::of(b"abc");
        files.put(digest, b"abc").unwrap();
        fs::write(files.path(digest), b"abd").unwrap();
        assert_eq!(files.get(digest).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn clears_what_a_crash_left_half_written() {
        let folder = tempfile::tempdir().unwrap();
        let half = folder.path().join("00.part");
        fs::write(&half, b"half").unwrap();
        ComponentFiles::open(folder.path()).unwrap();
        assert!(!half.exists());
    }
}
