//! Torture: a server under load is killed, cut off from power, given a failing disk, a jumping
//! clock or storms of callers, and everything that it has answered must be true for ever.
//!
//! The server is the real binary and the steps are a real guest; all of it is seen from outside.
//! What is checked is exact: every answer is kept in a ledger and compared with what the server
//! says later; every history is read by rules that are told here a second time; and a witness
//! hears of every run from the guest itself.
//!
//! # Layout
//!
//! - what is done: `plan` (what an execution is to do), `workload` (the callers), `drain` (the
//!   end of a round)
//! - what is known: `world`, `ledger` (everything that was answered), `facts` (answers to calls)
//! - what has to be so: `rules` (of a history), `audit` (of everything)
//! - what is done to the server: `kill`, `race`, `clock`, `power`, `disk`, one file a mode;
//!   `image` (a disk of its own for `power` and `disk`)
//! - `session` (time, chance and progress), `report`

mod audit;
mod clock;
mod disk;
mod drain;
mod facts;
mod image;
mod kill;
mod ledger;
mod plan;
mod power;
mod race;
mod report;
mod rules;
mod session;
mod workload;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::Clock;
use image::Image;
pub use report::{Kind, Report, Violation};
use session::Session;

/// What is done to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `kill -9` at any moment.
    Kill,
    /// Everybody at the same pause at the same time.
    Race,
    /// The wall clock jumps.
    Clock,
    /// The power goes: what is not synced is lost.
    Power,
    /// The disk fails, or is full.
    Disk,
}

impl Mode {
    /// All of them.
    pub const ALL: [Mode; 5] = [Mode::Kill, Mode::Race, Mode::Clock, Mode::Power, Mode::Disk];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Kill => "kill",
            Mode::Race => "race",
            Mode::Clock => "clock",
            Mode::Power => "power",
            Mode::Disk => "disk",
        }
    }

    /// The mode of this name.
    pub fn of(word: &str) -> Option<Mode> {
        Mode::ALL.into_iter().find(|mode| mode.as_str() == word)
    }

    /// What a report counts.
    fn cycles(self) -> &'static str {
        match self {
            Mode::Kill => "kills",
            Mode::Race => "storms",
            Mode::Clock => "turns of the clock",
            Mode::Power => "power cuts",
            Mode::Disk => "failures",
        }
    }
}

/// Can this mode be done here?
///
/// # Errors
///
/// What is missing, in a sentence.
pub fn is_possible(mode: Mode) -> Result<(), String> {
    match mode {
        Mode::Kill | Mode::Race => Ok(()),
        Mode::Clock => Clock::is_possible(),
        Mode::Power => Image::is_possible(),
        Mode::Disk => disk::is_possible(),
    }
}

/// Tortures a server for about `time`, with random choices made from `seed`. `tell` gets lines
/// about the progress.
pub fn run(mode: Mode, time: Duration, seed: u64, tell: &dyn Fn(&str)) -> Report {
    let mut session = Session::new(mode, time, seed, tell);
    let torture = match mode {
        Mode::Kill => kill::run,
        Mode::Race => race::run,
        Mode::Clock => clock::run,
        Mode::Power => power::run,
        Mode::Disk => disk::run,
    };
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| torture(&mut session))) {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
        session.violation(&format!("the harness could not go on: {said}"));
    }
    session.end()
}
