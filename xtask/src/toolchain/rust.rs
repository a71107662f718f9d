//! The Rust target of guests: rustup's, or where that can't be fetched, Debian's.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::say::say;
use super::{debian, folder, prefix};
use crate::program;

const TARGET: &str = "wasm32-wasip2";
/// Fetching the target takes seconds; a machine that can't reach the server may hang instead.
const RUSTUP_TIME_MAX: Duration = Duration::from_secs(15);
/// Debian's stable release first: its versions don't move. The next one where that is gone.
const SUITES: [&str; 2] = ["trixie", "forky"];
/// Unpacks a compiler and its standard library for the target from Debian's packages.
const SCRIPT: &str = include_str!("debian-rust.sh");

/// Makes sure that guests in Rust can be built. `false` when they could be before.
pub(crate) fn set_up(root: &Path) -> Result<bool> {
    if waystation_build::target_is_installed(root) {
        say(&format!("rust: ready ({TARGET} is installed)"));
        return Ok(false);
    }
    let home = folder(root).join("rust");
    if !home.join("env").is_file() && add_by_rustup(root) {
        return Ok(true);
    }
    prefix::ensure("rust", &home, SCRIPT, || {
        if !debian::is_debian() {
            bail!("the Rust target {TARGET} is missing: rustup target add {TARGET}");
        }
        SUITES.iter().find(|suite| unpack(suite, &home)).map(|_| ()).with_context(|| {
            format!("no compiler for {TARGET} from Debian's {}", SUITES.join(" or "))
        })
    })
}

fn add_by_rustup(root: &Path) -> bool {
    say(&format!("rust: rustup target add {TARGET}"));
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", TARGET]).current_dir(root).env("RUSTUP_MAX_RETRIES", "0");
    program::succeeds_within(&mut rustup, RUSTUP_TIME_MAX)
        && waystation_build::target_is_installed(root)
}

fn unpack(suite: &str, home: &Path) -> bool {
    say(&format!("rust: unpacking Debian {suite}'s compiler for {TARGET} into {}", home.display()));
    let script =
        Command::new("bash").args(["-c", SCRIPT, "debian-rust.sh", suite]).arg(home).status();
    script.is_ok_and(|status| status.success())
}
