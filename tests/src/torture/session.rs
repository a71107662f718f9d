//! One mode's time, chance and progress.

use std::path::Path;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::torture::drain::By;
use crate::torture::report::{Kind, Report, Violation};
use crate::torture::world::World;
use crate::torture::{Mode, audit, drain};
use crate::wait;

/// Between two lines about the progress.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Executions of one data directory. All of them are looked at again and again.
const EXECUTIONS_MAX: usize = 1000;

/// A mode at work.
pub(super) struct Session<'a> {
    pub(super) rng: Rng,
    pub(super) report: Report,
    started: Instant,
    time: Duration,
    told: Instant,
    tell: &'a dyn Fn(&str),
}

impl<'a> Session<'a> {
    pub(super) fn new(
        mode: Mode,
        time: Duration,
        seed: u64,
        tell: &'a dyn Fn(&str),
    ) -> Session<'a> {
        let now = Instant::now();
        let report = Report::new(mode, seed);
        Session { rng: Rng::with_seed(seed), report, started: now, time, told: now, tell }
    }

    /// Is there time left, and nothing wrong?
    pub(super) fn goes_on(&self) -> bool {
        self.started.elapsed() < self.time && self.report.is_clean()
    }

    /// Is there time left for this world, and nothing wrong with it?
    pub(super) fn goes_on_in(&self, world: &World) -> bool {
        let ledger = world.ledger();
        self.goes_on() && ledger.violations.is_empty() && ledger.ids().len() < EXECUTIONS_MAX
    }

    /// Lets a random time in this range go by, in milliseconds.
    pub(super) fn pause(&mut self, ms: std::ops::Range<u64>) {
        wait::pause(Duration::from_millis(self.rng.u64(ms)));
    }

    /// Counts one more cycle, and tells of the progress now and then.
    pub(super) fn cycle(&mut self, world: &World) {
        self.report.cycles += 1;
        if self.told.elapsed() < TELL_EVERY {
            return;
        }
        self.told = Instant::now();
        let ledger = world.ledger();
        let Report { mode, cycles, executions, acknowledged, .. } = &self.report;
        (self.tell)(&format!(
            "{}: {:.0} s, {cycles} {}, {} executions, {} operations acknowledged, {} violations",
            mode.as_str(),
            self.started.elapsed().as_secs_f64(),
            mode.cycles(),
            executions + ledger.ids().len() as u64,
            acknowledged + ledger.acknowledged,
            ledger.violations.len(),
        ));
    }

    /// The end of a round: everything comes to its end, and is looked at.
    pub(super) fn settle(&mut self, world: &World, outbox: &Path, by: By<'_>) {
        drain::drain(world, &mut self.rng, by);
        audit::whole(world, outbox);
        audit::store(world);
    }

    /// Something is wrong that no ledger knows of.
    pub(super) fn violation(&mut self, what: &str) {
        self.report.violations.push(Violation { kind: Kind::Other, what: what.to_owned() });
    }

    pub(super) fn end(mut self) -> Report {
        self.report.took = self.started.elapsed();
        self.report
    }
}
