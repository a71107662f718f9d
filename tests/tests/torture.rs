//! A short pass of each mode of `cargo xtask torture`.
#![expect(clippy::print_stderr, reason = "a test that can't be done here says so")]

use std::time::Duration;

use waystation_tests::torture::{self, Mode};

/// A bit of everything: several cycles of each mode, also on a slow machine.
const TIME: Duration = Duration::from_secs(6);

#[track_caller]
fn holds_in(mode: Mode) {
    if let Err(missing) = torture::is_possible(mode) {
        eprintln!("not tested: {}: {missing}", mode.as_str());
        return;
    }
    let report = torture::run(mode, TIME, fastrand::u64(1..1_000_000_000), &|_| ());
    eprintln!("{report}");
    assert!(report.is_clean(), "{report}");
    assert!(report.cycles > 0 && report.acknowledged > 0, "nothing was done: {report}");
}

#[test]
fn nothing_acknowledged_is_lost_when_the_server_is_killed_at_any_moment() {
    holds_in(Mode::Kill);
}

#[test]
fn of_many_callers_at_the_same_moment_exactly_one_wins_each_pause() {
    holds_in(Mode::Race);
}

#[test]
fn a_clock_that_jumps_changes_no_outcome_and_delays_nothing() {
    holds_in(Mode::Clock);
}

#[test]
fn nothing_acknowledged_is_lost_when_the_power_goes() {
    holds_in(Mode::Power);
}

#[test]
fn nothing_is_acknowledged_that_a_failing_disk_did_not_take() {
    holds_in(Mode::Disk);
}
