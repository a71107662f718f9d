//! The torture harness as a program: `torture MODE|all SECONDS SEED|random`. `cargo xtask torture`
//! builds what it needs and runs it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::process::ExitCode;
use std::time::Duration;

use waystation_tests::torture::{self, Mode};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((modes, seconds, seed)) = parse(&arguments) else {
        eprintln!("usage: torture kill|race|clock|power|disk|all SECONDS SEED|random");
        return ExitCode::from(2);
    };
    let share = (seconds / modes.len() as u64).max(1);
    let mut failed = Vec::new();
    for mode in modes {
        if !torture(mode, share, seed) {
            failed.push(mode.as_str());
        }
    }
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("failed: {}", failed.join(", "));
    ExitCode::FAILURE
}

fn parse(arguments: &[String]) -> Option<(Vec<Mode>, u64, u64)> {
    let [mode, seconds, seed] = arguments else { return None };
    let modes = if mode == "all" { Mode::ALL.to_vec() } else { vec![Mode::of(mode)?] };
    let seed = if seed == "random" { random() } else { seed.parse().ok()? };
    Some((modes, seconds.parse().ok()?, seed))
}

/// Short enough to be typed again.
fn random() -> u64 {
    fastrand::u64(1..1_000_000_000)
}

/// `false` when a promise was broken, or the mode can't be done here.
fn torture(mode: Mode, seconds: u64, seed: u64) -> bool {
    let word = mode.as_str();
    if let Err(missing) = torture::is_possible(mode) {
        println!("{word}: {missing}");
        return false;
    }
    eprintln!("{word}: {seconds} s, seed {seed}");
    let tell = |line: &str| eprintln!("{line}");
    let report = torture::run(mode, Duration::from_secs(seconds), seed, &tell);
    println!("{report}");
    if !report.is_clean() {
        println!("again: cargo xtask torture --mode {word} --seconds {seconds} --seed {seed}");
    }
    report.is_clean()
}
