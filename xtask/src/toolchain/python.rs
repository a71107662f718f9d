//! componentize-py, and what tests in Python need, in a virtual environment of their own.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::say::say;
use super::{debian, folder, prefix};

/// The version that the Python library is written for, and a mail server for the tests.
const PACKAGES: [&str; 2] = ["componentize-py==0.25.1", "aiosmtpd==1.4.6"];

/// Makes `target/toolchains/python`. `false` when it was there.
pub(crate) fn set_up(root: &Path) -> Result<bool> {
    let home = folder(root).join("python");
    prefix::ensure("python", &home, &PACKAGES.join(" "), || {
        say(&format!("python: installing {} into {}", PACKAGES.join(", "), home.display()));
        make_venv(&home)?;
        run(Command::new(home.join("bin/python3"))
            .args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"])
            .args(PACKAGES))
    })
}

/// Makes a virtual environment.
pub(super) fn make_venv(home: &Path) -> Result<()> {
    if !has_venv() && debian::is_debian() {
        debian::install(&["python3-venv"])?;
    }
    ensure!(has_venv(), "python3 with its module venv is missing: install Python 3.10 or newer");
    run(Command::new("python3").args(["-m", "venv"]).arg(home))
}

fn has_venv() -> bool {
    Command::new("python3")
        .args(["-c", "import ensurepip, venv"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs it to its end; an exit code other than 0 is an error.
pub(super) fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| program.clone())?;
    ensure!(status.success(), "{program}: {status}");
    Ok(())
}
