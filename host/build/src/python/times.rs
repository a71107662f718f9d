//! One time for all files: Python keeps them in memory, and so in the component.

use std::fs::{self, File, FileTimes};
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::BuildError;

/// 1980-01-01, the oldest time that archives can hold.
const SETTLED: Duration = Duration::from_secs(315_532_800);

/// Gives everything in `folder`, and itself, the same time of modification.
pub(super) fn settle(folder: &Path) -> Result<(), BuildError> {
    for entry in fs::read_dir(folder).map_err(BuildError::io(folder))? {
        let path = entry.map_err(BuildError::io(folder))?.path();
        if path.is_dir() { settle(&path)? } else { set(&path)? }
    }
    set(folder)
}

fn set(path: &Path) -> Result<(), BuildError> {
    let times = FileTimes::new().set_modified(SystemTime::UNIX_EPOCH + SETTLED);
    File::open(path).and_then(|file| file.set_times(times)).map_err(BuildError::io(path))
}
