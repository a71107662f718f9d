//! What lies on the disk: damaged, too large, cut off.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod compaction;
mod damage;

use std::fs;
use std::path::Path;

/// Copies a folder and all that is in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}
