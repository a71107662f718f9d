//! Licences, sources, bans and advisories, by cargo-deny.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::program::{cargo, run, succeeds_within};
use crate::terminal::note;

/// The advisory database is a few megabytes; a machine that can't reach it may hang instead.
const FETCH_TIME_MAX: Duration = Duration::from_secs(60);

pub(super) fn check(root: &Path) -> Result<()> {
    if !succeeds_within(cargo(root).args(["deny", "--version"]), FETCH_TIME_MAX) {
        note("cargo-deny is missing: installing it with cargo install --locked cargo-deny");
        run(cargo(root).args(["install", "--locked", "cargo-deny"]))?;
    }
    run(cargo(root).args([
        "deny",
        "check",
        "--hide-inclusion-graph",
        "licenses",
        "bans",
        "sources",
    ]))?;
    if !succeeds_within(cargo(root).args(["deny", "fetch", "db"]), FETCH_TIME_MAX) {
        note("WARNING: the advisory database can't be reached; advisories are NOT checked");
        return Ok(());
    }
    run(cargo(root).args(["deny", "check", "advisories"]))
}
