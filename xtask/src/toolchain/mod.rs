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

pub(crate) use debian::install as debian;
pub(crate) use python::set_up as python;
pub(crate) use rust::set_up as rust;
use say::say;

/// What the tests need of Debian.
const TEST_PACKAGES: [&str; 4] = ["chromium", "chromium-driver", "faketime", "strace"];

/// Sets up everything.
pub(crate) fn all(root: &Path) -> Result<()> {
    python(root)?;
    rust(root)?;
    if debian::is_debian() {
        return debian(&TEST_PACKAGES);
    }
    say(&format!("tests: install what belongs to {}", TEST_PACKAGES.join(", ")));
    Ok(())
}

/// Where the private toolchains are; `waystation_build::Options::toolchains` wants it.
pub(crate) fn folder(root: &Path) -> PathBuf {
    root.join("target/toolchains")
}
