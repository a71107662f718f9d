//! The torture harness as a program: `torture MODE SECONDS SEED`. `cargo xtask torture` builds
//! what it needs and runs it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::process::ExitCode;
use std::time::Duration;

use waystation_tests::torture::{self, Mode};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((mode, seconds, seed)) = parse(&arguments) else {
        eprintln!("usage: torture kill|race|clock|power|disk SECONDS SEED");
        return ExitCode::from(2);
    };
    let tell = |line: &str| eprintln!("{line}");
    let report = torture::run(mode, Duration::from_secs(seconds), seed, &tell);
    println!("{report}");
    if report.is_clean() {
        return ExitCode::SUCCESS;
    }
    let mode = mode.as_str();
    println!("again: cargo xtask torture --mode {mode} --seconds {seconds} --seed {seed}");
    ExitCode::FAILURE
}

fn parse(arguments: &[String]) -> Option<(Mode, u64, u64)> {
    match arguments {
        [mode, seconds, seed] => Some((Mode::of(mode)?, seconds.parse().ok()?, seed.parse().ok()?)),
        _ => None,
    }
}
