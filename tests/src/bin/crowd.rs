//! `crowd EXECUTIONS`: what so many suspended executions cost. `cargo xtask crowd` builds what
//! it needs and runs it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::process::ExitCode;

use waystation_tests::crowd;

fn main() -> ExitCode {
    let executions = std::env::args().nth(1).and_then(|count| count.parse().ok());
    let Some(executions) = executions.filter(|count| *count > 0) else {
        eprintln!("usage: crowd EXECUTIONS");
        return ExitCode::from(2);
    };
    println!("{executions} suspended executions");
    let crowd = crowd::run(executions, &|line| println!("{line}"));
    for problem in &crowd.problems {
        println!("the store: {problem}");
    }
    if crowd.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
