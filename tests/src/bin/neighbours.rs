//! `neighbours EXECUTIONS`: how much longer executions take while a hostile component is
//! compiled beside them.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::process::ExitCode;

use waystation_tests::neighbours::{self, Beside, Latency};

fn main() -> ExitCode {
    let executions = std::env::args().nth(1).and_then(|count| count.parse().ok());
    let Some(executions) = executions.filter(|count| *count > 0) else {
        eprintln!("usage: neighbours EXECUTIONS");
        return ExitCode::from(2);
    };
    let Beside { alone, beside } = neighbours::measure(executions);
    for (what, Latency { median, p90, longest }) in [("alone", alone), ("beside", beside)] {
        println!("{what:<8} median {median:.1?}  p90 {p90:.1?}  longest {longest:.1?}");
    }
    let ratio = beside.median.as_secs_f64() / alone.median.as_secs_f64();
    println!("median beside / alone: {ratio:.2}");
    ExitCode::SUCCESS
}
