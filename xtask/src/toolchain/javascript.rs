//! Node.js and npm. What else a build in JavaScript needs, it fetches by itself.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

use super::debian;
use super::say::say;

/// Makes sure that Node.js and npm are there. `false` when they were.
pub(crate) fn set_up(_root: &Path) -> Result<bool> {
    if starts("node") && starts("npm") {
        say("javascript: ready (node and npm are installed)");
        return Ok(false);
    }
    if debian::is_debian() {
        debian::install(&["nodejs", "npm"])?;
    }
    ensure!(
        starts("node") && starts("npm"),
        "Node.js 20 or newer with npm is missing: see nodejs.org/en/download"
    );
    Ok(true)
}

fn starts(program: &str) -> bool {
    let mut command = Command::new(program);
    let silent = command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    silent.status().is_ok_and(|status| status.success())
}
