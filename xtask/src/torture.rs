//! The harnesses that mistreat and measure a server: `cargo xtask torture` and `cargo xtask crowd`.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::terminal::note;
use crate::{guests, program, toolchain};

/// What is shown when the command is asked for in a wrong way.
pub(crate) const USAGE: &str = "\
usage: cargo xtask torture [--seconds N] [--seed S] [--mode kill|race|clock|power|disk]

  --seconds N   how long it takes, about; all modes together without --mode (60)
  --seed S      what random choices are made from; a failure names it (random)
  --mode MODE   kill: kill -9 at any moment      race: many callers of one pause at once
                clock: the wall clock jumps      power: power cuts, as root
                disk: the disk fails or is full  (all of them, one after the other)";

const MODES: [&str; 5] = ["kill", "race", "clock", "power", "disk"];

/// What was asked for, as the harness takes it: `MODE|all SECONDS SEED|random`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    mode: String,
    seconds: u64,
    seed: String,
}

impl Wish {
    /// Reads the arguments. `None`: wrong usage.
    pub(crate) fn parse(mut arguments: &[&str]) -> Option<Wish> {
        let mut wish = Wish { mode: "all".into(), seconds: 60, seed: "random".into() };
        while let [name, value, rest @ ..] = arguments {
            match *name {
                "--mode" if MODES.contains(value) => wish.mode = (*value).to_owned(),
                "--seconds" => wish.seconds = value.parse().ok().filter(|seconds| *seconds > 0)?,
                "--seed" => wish.seed = value.parse::<u64>().ok()?.to_string(),
                _ => return None,
            }
            arguments = rest;
        }
        arguments.is_empty().then_some(wish)
    }

    fn has(&self, mode: &str) -> bool {
        self.mode == mode || self.mode == "all"
    }
}

/// Builds what the harness needs, and runs it. Its exit code is ours.
pub(crate) fn run(root: &Path, wish: &Wish) -> Result<ExitCode> {
    for (mode, packages) in [
        ("clock", &["faketime"][..]),
        ("power", &["e2fsprogs", "mount"]),
        ("disk", &["e2fsprogs", "mount", "strace"]),
    ] {
        if wish.has(mode) {
            toolchain::debian_packages(packages)?;
        }
    }
    let Wish { mode, seconds, seed } = wish;
    harness(root, "torture", &[mode, &seconds.to_string(), seed])
}

/// Measures a crowd of suspended executions.
pub(crate) fn crowd(root: &Path, executions: &str) -> Result<ExitCode> {
    harness(root, "crowd", &[executions])
}

/// Builds the binary, and the guest that harnesses have it run.
pub(crate) fn prepare(root: &Path) -> Result<()> {
    let toolbox = root.join("target/guests/tests/toolbox.wasm");
    let guests = guests::all(root)?.into_iter().filter(|guest| guest.wasm == toolbox);
    guests::build(root, &guests.collect::<Vec<_>>())?;
    // The harness runs the binary. Not `cargo run`: that would select other features.
    program::run(program::cargo(root).args(["build", "--workspace"]))
}

/// Runs a program of the package of tests on the binary and the guest that it needs.
fn harness(root: &Path, name: &str, arguments: &[&str]) -> Result<ExitCode> {
    prepare(root)?;
    let harness = root.join("target/debug").join(name);
    note(&format!("$ {name} {}", arguments.join(" ")));
    let status = Command::new(&harness).args(arguments).current_dir(root).status();
    let status = status.with_context(|| harness.display().to_string())?;
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(mode: &str, seconds: u64, seed: &str) -> Option<Wish> {
        Some(Wish { mode: mode.into(), seconds, seed: seed.into() })
    }

    #[test]
    fn every_part_of_a_wish_may_be_left_out() {
        assert_eq!(Wish::parse(&[]), wish("all", 60, "random"));
        let all = ["--mode", "kill", "--seed", "7", "--seconds", "5"];
        assert_eq!(Wish::parse(&all), wish("kill", 5, "7"));
        for bad in [&["--mode"][..], &["--mode", "all"], &["--seconds", "0"], &["--seed", "x"]] {
            assert_eq!(Wish::parse(bad), None, "{bad:?}");
        }
    }
}
