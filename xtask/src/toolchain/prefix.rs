//! A folder that is either whole or made again.

use std::fs::{self, File};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::say::say;

/// Written last: the folder is whole, and made by this recipe.
const STAMP: &str = ".ready";

/// Makes `folder` with `make`, unless it was made whole by the same `recipe` before: then
/// `false`.
///
/// It is made in place, since what is installed there names its own path.
pub(super) fn ensure(
    name: &str,
    folder: &Path,
    recipe: &str,
    make: impl FnOnce() -> Result<()>,
) -> Result<bool> {
    let home = folder.parent().unwrap_or(folder);
    fs::create_dir_all(home).with_context(|| home.display().to_string())?;
    // One set-up at a time; the lock goes with the file.
    let lock = File::create(home.join(format!("{name}.lock")))?;
    lock.lock().with_context(|| format!("the lock of {}", folder.display()))?;

    let recipe = format!("{recipe}\n{}\n", folder.display());
    if fs::read_to_string(folder.join(STAMP)).is_ok_and(|stamp| stamp == recipe) {
        say(&format!("{name}: ready"));
        return Ok(false);
    }
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    fs::create_dir_all(folder)?;
    let started = Instant::now();
    make().with_context(|| format!("setting up {}", folder.display()))?;
    fs::write(folder.join(STAMP), recipe)?;
    say(&format!("{name}: set up in {} s", started.elapsed().as_secs()));
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_made_once_and_again_when_it_was_interrupted() -> Result<()> {
        let home = std::env::temp_dir().join(format!("xtask-prefix-{}", std::process::id()));
        let folder = home.join("python");
        let made = std::cell::Cell::new(0);
        let make = |fails: bool| {
            made.set(made.get() + 1);
            if fails { anyhow::bail!("cut off") } else { Ok(()) }
        };
        assert!(ensure("test", &folder, "v1", || make(true)).is_err());
        assert!(ensure("test", &folder, "v1", || make(false))?);
        assert!(!ensure("test", &folder, "v1", || make(false))?);
        assert_eq!(made.get(), 2);
        ensure("test", &folder, "v2", || make(false))?;
        assert_eq!(made.get(), 3);
        fs::remove_dir_all(home)?;
        Ok(())
    }
}
