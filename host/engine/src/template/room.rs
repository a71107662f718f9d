//! How large values are when they are written out.

use std::io;

use minijinja::{Error, ErrorKind};
use serde::Serialize;

/// How many bytes may still be written. They go nowhere.
///
/// Lists may repeat and share their items, so that a few bytes of memory are gigabytes of text:
/// values are measured with this before anything writes them out.
pub(super) struct Room {
    left: usize,
    bytes_max: usize,
    full: bool,
}

impl Room {
    /// Room for `bytes_max` bytes.
    pub(super) fn new(bytes_max: usize) -> Room {
        Room { left: bytes_max, bytes_max, full: false }
    }

    /// Takes the room that `value` needs as JSON.
    ///
    /// # Errors
    ///
    /// There is not enough, or the value can't be JSON.
    pub(super) fn take(&mut self, value: &impl Serialize) -> Result<(), Error> {
        serde_json::to_writer(&mut *self, value).map_err(|error| {
            let problem = if error.is_io() {
                format!("the values get larger than {} bytes", self.bytes_max)
            } else {
                error.to_string()
            };
            Error::new(ErrorKind::BadSerialization, problem)
        })
    }

    /// Was there ever not enough?
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// What is taken.
    pub(super) fn taken(&self) -> usize {
        self.bytes_max - self.left
    }
}

impl io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.left.checked_sub(bytes.len()) {
            Some(left) => {
                self.left = left;
                Ok(bytes.len())
            }
            None => {
                self.full = true;
                Err(io::ErrorKind::StorageFull.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
