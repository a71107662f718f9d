//! `format`: stores a data directory of the present format, for the test of formats. To be run once
//! for each format, before its release.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::process::ExitCode;

use waystation_tests::formats;

fn main() -> ExitCode {
    let Some(name) = std::env::args().nth(1) else {
        eprintln!("usage: format NAME");
        return ExitCode::from(2);
    };
    let folder = formats::folder().join(name);
    if folder.exists() {
        eprintln!("{} is there already", folder.display());
        return ExitCode::FAILURE;
    }
    formats::make(&folder);
    println!("{}", folder.display());
    ExitCode::SUCCESS
}
