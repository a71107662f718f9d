//! Packages of Debian.

use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context as _, Result, bail, ensure};

use super::say::say;

/// Is this machine one of Debian's kind?
pub(super) fn is_debian() -> bool {
    Path::new("/etc/debian_version").exists()
}

/// Installs those of `packages` that are missing. `false` when none was.
pub(crate) fn install(packages: &[&str]) -> Result<bool> {
    let missing: Vec<&str> = packages.iter().copied().filter(|name| !is_installed(name)).collect();
    if missing.is_empty() {
        say(&format!("debian: ready ({})", packages.join(", ")));
        return Ok(false);
    }
    let names = missing.join(" ");
    if !is_root()? {
        bail!("missing on this machine: {names}; install with: sudo apt-get install {names}");
    }
    say(&format!("debian: apt-get install {names}"));
    // A third party's source that fails must not stop this; what is missing then, fails below.
    apt_get(&["update"])?;
    let install = ["install", "--yes", "--no-install-recommends"];
    let output = apt_get(&[&install, missing.as_slice()].concat())?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "apt-get install {names} failed:\n{}", said.trim());
    Ok(true)
}

fn is_installed(package: &str) -> bool {
    let status = Command::new("dpkg-query").args(["-W", "-f", "${Status}", package]).output();
    status.is_ok_and(|output| output.stdout == b"install ok installed")
}

fn is_root() -> Result<bool> {
    let output = Command::new("id").arg("-u").output().context("id")?;
    Ok(output.stdout.trim_ascii() == b"0")
}

fn apt_get(arguments: &[&str]) -> Result<Output> {
    Command::new("apt-get")
        .arg("-qq")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .output()
        .context("apt-get")
}
