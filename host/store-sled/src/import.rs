//! Filling a new database from the entries of another one: a restored backup, a compaction.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::open::{self, FORMATS_READ, OpenError, Opened};
use crate::value::PART_BYTES_MAX;
use crate::watch::Watch;
use crate::{keys, marks};

/// The longest key: two names of 64 bytes and what is beside them are far below.
const KEY_BYTES_MAX: usize = 512;

/// Entries that one batch writes, in bytes, about.
const BATCH_BYTES: usize = 256 * 1024;

/// A database in the making. It can be opened only when it was [finished](Import::finish).
pub struct Import {
    folder: PathBuf,
    db: sled::Db,
    _watch: Watch,
    batch: sled::Batch,
    batch_bytes: usize,
}

impl Import {
    /// A new database in `folder`, which must not be there, or be empty. `end` is called, on a
    /// thread of its own, when the disk fails in a way that may leave this thread waiting for
    /// ever: it has to end the process.
    ///
    /// # Errors
    ///
    /// The folder can't be used.
    pub fn create(folder: &Path, end: fn(&str) -> !) -> Result<Import, OpenError> {
        let io = |error| OpenError::Io { path: folder.to_owned(), error };
        fs::create_dir_all(folder).map_err(io)?;
        if fs::read_dir(folder).map_err(io)?.next().is_some() {
            return Err(io(io::Error::new(io::ErrorKind::AlreadyExists, "it is not empty")));
        }
        let Opened { db, config } = open::open_sled(folder)?;
        let watch = Watch::start(config, end).map_err(io)?;
        let (folder, batch) = (folder.to_owned(), sled::Batch::default());
        Ok(Import { folder, db, _watch: watch, batch, batch_bytes: 0 })
    }

    /// Adds an entry, as a snapshot gave it.
    ///
    /// # Errors
    ///
    /// It is no entry of such a database, or the disk is full or broken.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), OpenError> {
        if key.is_empty() || key.len() > KEY_BYTES_MAX || value.len() > PART_BYTES_MAX {
            return Err(self.failed("an entry that is no part of a store"));
        }
        self.batch.insert(key, value);
        self.batch_bytes += key.len() + value.len();
        if self.batch_bytes >= BATCH_BYTES { self.write() } else { Ok(()) }
    }

    /// Makes it durable, and a database that opens. One of an earlier format gets the present one
    /// when it does.
    ///
    /// # Errors
    ///
    /// Its entries are of another format, or the disk is full or broken.
    pub fn finish(mut self) -> Result<(), OpenError> {
        self.write()?;
        let format = self.db.get(keys::meta("format")).map_err(|error| self.failed(error))?;
        let format = format.map(|found| String::from_utf8_lossy(&found).into_owned());
        let format = format.unwrap_or_else(|| "none".to_owned());
        if !FORMATS_READ.contains(&format.as_str()) {
            return Err(OpenError::Format { path: self.folder, found: format });
        }
        self.db.flush().map_err(|error| self.failed(error))?;
        let Import { folder, db, .. } = self;
        // sled writes a last time when it is dropped.
        drop(db);
        let io = |error| OpenError::Io { path: folder.clone(), error };
        File::options()
            .write(true)
            .open(folder.join("db"))
            .and_then(|db| db.sync_all())
            .map_err(io)?;
        open::sync_all(&folder).map_err(io)?;
        marks::write_whole(&folder, &format).map_err(io)
    }

    fn write(&mut self) -> Result<(), OpenError> {
        self.batch_bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        self.db.apply_batch(batch).map_err(|error| self.failed(error))
    }

    fn failed(&self, error: impl ToString) -> OpenError {
        let error = io::Error::other(error.to_string());
        OpenError::Io { path: self.folder.clone(), error }
    }
}
