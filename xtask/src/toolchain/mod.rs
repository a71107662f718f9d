//! What the guests' languages and the tests need, set up once and privately where that is
//! possible: in `target/toolchains`. What is ready costs a look and no network; what was
//! interrupted is done again.

mod debian;
mod prefix;
mod python;
mod rust;
mod say;

use std::path::{Path, PathBuf};

use anyhow::Result;

pub(crate) use python::set_up as python;
pub(crate) use rust::set_up as rust;
use say::say;

/// What the tests need of Debian.
const TEST_PACKAGES: [&str; 4] = ["chromium", "chromium-driver", "faketime", "strace"];

/// Sets up everything. `false` when all was there.
pub(crate) fn all(root: &Path) -> Result<bool> {
    let mut worked = python(root)?;
    worked |= rust(root)?;
    if debian::is_debian() {
        worked |= debian::install(&TEST_PACKAGES)?;
        return Ok(worked);
    }
    say(&format!("tests: install what belongs to {}", TEST_PACKAGES.join(", ")));
    Ok(worked)
}

/// Where the private toolchains are; `waystation_build::Options::toolchains` wants it.
pub(crate) fn folder(root: &Path) -> PathBuf {
    root.join("target/toolchains")
}
