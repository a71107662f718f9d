//! The engine with scripted steps and a clock that is moved by hand: no WebAssembly, no HTTP.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod alarm;
mod approvals;
mod aside;
mod mail;
mod queue;
mod reading;
mod recovery;
mod reruns;
mod retention;
mod share;
mod support;
mod test_runs;
