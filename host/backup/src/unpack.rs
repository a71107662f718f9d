//! Making a data directory's content of a backup.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use waystation_store_sled::{ComponentFiles, Import};

use crate::{BackupError, End, Item, Manifest, read};

/// What unpacking leaves to others.
#[derive(Clone, Copy, Debug)]
pub struct Hands {
    /// Makes a file of keys with this text: for its owner's eyes, and durable.
    pub write_key: fn(&Path, &str) -> io::Result<()>,
    /// Is called, on a thread of its own, when the disk fails in a way that may leave this
    /// thread waiting for ever: it has to end the process.
    pub give_up: fn(&str) -> !,
}

/// Makes of a backup what lies in a data directory: `store`, `components`, files of keys. It goes
/// into the folder `to`, which is made anew, and nowhere else. What is in it after an error is
/// worth nothing.
///
/// # Errors
///
/// It is no backup, it is damaged or cut off, or the disk is full or broken.
pub fn unpack(from: impl Read, to: &Path, hands: Hands) -> Result<(Manifest, End), BackupError> {
    let failed = |error: io::Error| BackupError::Write { path: to.to_owned(), error };
    match fs::remove_dir_all(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => fs::create_dir(to).map_err(failed)?,
    }
    let files = ComponentFiles::open(&to.join("components")).map_err(failed)?;
    let mut import = Import::create(&to.join("store"), hands.give_up)?;
    let read = read(from, |item| match item {
        Item::Entry(key, value) => Ok(import.put(key, value)?),
        Item::Component(digest, bytes) => files.put_from(digest, bytes).map_err(failed),
        Item::Key(name, text) => (hands.write_key)(&to.join(name), &text).map_err(failed),
    })?;
    import.finish()?;
    Ok(read)
}
