//! Coverage-guided fuzzing: `cargo xtask fuzz`.

mod report;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use self::report::Row;
use crate::program;
use crate::terminal::note;

/// What is shown when the command is asked for in a wrong way.
pub(crate) const USAGE: &str = "\
usage: cargo xtask fuzz [TARGET] [--seconds N]

  TARGET        one of tests/fuzz/fuzz_targets (all of them, one after the other)
  --seconds N   how long it takes, about; all targets together (60)";

/// One input may take this long, in seconds.
const INPUT_SECONDS_MAX: u32 = 20;

/// What a target may hold, in MiB.
const MEMORY_MIB_MAX: u32 = 2048;

/// Longest input, in bytes.
const INPUT_BYTES_MAX: u32 = 4096;

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    target: Option<String>,
    seconds: u64,
}

impl Wish {
    /// Reads the arguments. `None`: wrong usage.
    pub(crate) fn parse(arguments: &[&str]) -> Option<Wish> {
        let (target, rest) = match arguments {
            [target, rest @ ..] if !target.starts_with('-') => (Some((*target).to_owned()), rest),
            rest => (None, rest),
        };
        let seconds = match rest {
            [] => 60,
            ["--seconds", seconds] => seconds.parse().ok().filter(|seconds| *seconds > 0)?,
            _ => return None,
        };
        Some(Wish { target, seconds })
    }

    /// A bit of everything: that the targets still work under a fuzzer.
    pub(crate) fn short() -> Wish {
        Wish { target: None, seconds: 30 }
    }
}

/// Builds the targets and runs them. Fails when an input breaks one.
pub(crate) fn run(root: &Path, wish: &Wish) -> Result<ExitCode> {
    let mut targets = targets(root)?;
    if let Some(wanted) = &wish.target {
        if !targets.contains(wanted) {
            note(&format!("there is no target {wanted:?}; there are: {}", targets.join(", ")));
            return Ok(ExitCode::from(2));
        }
        targets.retain(|target| target == wanted);
    }
    build(root, &targets)?;
    let each = (wish.seconds / targets.len().max(1) as u64).max(1);
    let mut rows = Vec::new();
    for target in &targets {
        note(&format!("{target}: {each} s"));
        rows.push(fuzz(root, target, each)?);
    }
    note(&report::table(&rows));
    let broken = rows.iter().any(|row| row.broken_by.is_some());
    Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The names of the programs of `tests/fuzz/fuzz_targets`.
fn targets(root: &Path) -> Result<Vec<String>> {
    let folder = root.join("tests/fuzz/fuzz_targets");
    let mut targets = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        if let Some(name) = entry?.path().file_stem() {
            targets.push(name.to_string_lossy().into_owned());
        }
    }
    targets.sort();
    Ok(targets)
}

/// Builds them so that they tell where they have been. All else is what every build has: the
/// whole workspace is selected, so that the features are the same.
fn build(root: &Path, targets: &[String]) -> Result<()> {
    let mut cargo = program::cargo(root);
    cargo.args(["build", "--workspace", "--features", "waystation-fuzz/libfuzzer"]);
    for target in targets {
        cargo.args(["--bin", target]);
    }
    cargo.env("RUSTC_WORKSPACE_WRAPPER", root.join("tests/fuzz/instrument.sh"));
    program::run(&mut cargo)
}

fn fuzz(root: &Path, target: &str, seconds: u64) -> Result<Row> {
    let found = root.join("target/fuzz/corpus").join(target);
    let failures = root.join("target/fuzz/failures");
    for folder in [&found, &failures] {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let log = root.join("target/fuzz").join(target).with_extension("log");
    let file = File::create(&log).with_context(|| log.display().to_string())?;
    let mut fuzzer = Command::new(root.join("target/debug").join(target));
    fuzzer
        // The first takes what is new.
        .args([found, root.join("tests/fuzz/corpus").join(target)])
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={INPUT_SECONDS_MAX}"))
        .arg(format!("-rss_limit_mb={MEMORY_MIB_MAX}"))
        .arg(format!("-max_len={INPUT_BYTES_MAX}"))
        .arg(format!("-artifact_prefix={}/{target}-", failures.display()))
        .arg("-print_final_stats=1")
        .current_dir(root)
        .stdout(file.try_clone()?)
        .stderr(file);
    let status = fuzzer.status().with_context(|| target.to_owned())?;
    let said = fs::read(&log).with_context(|| log.display().to_string())?;
    let mut row = Row::read(target, &String::from_utf8_lossy(&said));
    if !status.success() && row.broken_by.is_none() {
        row.broken_by = Some(format!("{status}, see {}", shown(root, &log)));
    }
    Ok(row)
}

fn shown(root: &Path, path: &Path) -> String {
    let path: PathBuf = path.strip_prefix(root).unwrap_or(path).to_owned();
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_wish_may_be_left_out() {
        let wish = |target: Option<&str>, seconds| {
            Some(Wish { target: target.map(str::to_owned), seconds })
        };
        assert_eq!(Wish::parse(&[]), wish(None, 60));
        assert_eq!(Wish::parse(&["upload"]), wish(Some("upload"), 60));
        assert_eq!(Wish::parse(&["upload", "--seconds", "5"]), wish(Some("upload"), 5));
        assert_eq!(Wish::parse(&["--seconds", "7"]), wish(None, 7));
        for bad in [&["--seconds"][..], &["--seconds", "0"], &["a", "b"], &["--x", "1"]] {
            assert_eq!(Wish::parse(bad), None, "{bad:?}");
        }
    }
}
