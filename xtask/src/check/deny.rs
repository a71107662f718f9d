//! Licences, sources, bans, duplicates and advisories, by cargo-deny.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::program::{cargo, run, succeeds_within};
use crate::terminal::note;
use crate::toolchain;

/// The version that is installed where there is none.
const VERSION: &str = "0.20.2";

/// How long the program has to say its version.
const VERSION_TIME_MAX: Duration = Duration::from_secs(10);

/// The advisory database is a few megabytes; a machine that can't reach it may hang instead.
const FETCH_TIME_MAX: Duration = Duration::from_secs(60);

/// Checks what the workspace depends on against `deny.toml`. Installs cargo-deny first where it
/// is missing.
pub(crate) fn check(root: &Path) -> Result<()> {
    let program = program(root)?;
    let deny = || {
        let mut deny = Command::new(&program);
        deny.current_dir(root);
        deny
    };
    let offline = ["check", "--hide-inclusion-graph", "licenses", "bans", "sources"];
    run(deny().args(offline))?;
    if !succeeds_within(deny().args(["fetch", "db"]), FETCH_TIME_MAX) {
        note("WARNING: the advisory database can't be reached; advisories are NOT checked");
        return Ok(());
    }
    run(deny().args(["check", "advisories"]))
}

/// The one on the path, or our own.
fn program(root: &Path) -> Result<PathBuf> {
    let works =
        |program: &Path| succeeds_within(Command::new(program).arg("--version"), VERSION_TIME_MAX);
    let common = PathBuf::from("cargo-deny");
    if works(&common) {
        return Ok(common);
    }
    let folder = toolchain::folder(root).join("cargo-deny");
    let own = folder.join("bin/cargo-deny");
    if !works(&own) {
        note("cargo-deny is missing: it is built now, which takes some minutes");
        let mut install = cargo(root);
        install.args(["install", "--locked", "--version", VERSION, "--root"]).arg(&folder);
        // It runs for a second or two: what counts is how long it is built.
        install.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
        run(install.arg("cargo-deny"))?;
    }
    Ok(own)
}
