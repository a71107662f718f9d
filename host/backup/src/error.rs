//! Why a backup was not read, or not unpacked.

use std::io;
use std::path::PathBuf;

use waystation_store_sled::{OpenError, STORE_FORMATS_READ};

use crate::FORMAT;

/// The longest word of a backup that is quoted, in characters.
const WORD_CHARS_MAX: usize = 80;

/// Why a backup was not read, or not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// It is none, or something is wrong with it.
    #[error("this is no backup, or a damaged one: {0}")]
    Damaged(&'static str),
    /// It has another format.
    #[error("the backup has the format {found:?}; this version reads {:?}", FORMAT)]
    Format {
        /// Which.
        found: String,
    },
    /// Its entries are of a store of another format.
    #[error(
        "the backup is of a store of the format {found:?}; this version reads {} (restore it with \
         the version that made it)",
        store_formats_read()
    )]
    StoreFormat {
        /// Which.
        found: String,
    },
    /// The disk says so.
    #[error("the backup can't be read: {0}")]
    Unreadable(io::Error),
    /// What is in it can't be written.
    #[error("{}: {error}", path.display())]
    Write {
        /// Where to.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Its entries make no store.
    #[error(transparent)]
    Store(#[from] OpenError),
}

/// As it stands in a message.
fn store_formats_read() -> String {
    STORE_FORMATS_READ.map(|format| format!("{format:?}")).join(" and ")
}

/// A word of a backup, which may be anything, no longer than one can read.
pub(crate) fn word(text: &str) -> String {
    text.chars().take(WORD_CHARS_MAX).collect()
}
