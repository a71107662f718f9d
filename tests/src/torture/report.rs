//! What a mode did and found.

use std::fmt;
use std::time::Duration;

use crate::torture::Mode;

/// Violations that are shown; more of them say the same.
const SHOWN_MAX: usize = 12;

/// A promise that was not kept.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Which kind of promise.
    pub kind: Kind,
    /// What happened.
    pub what: String,
}

/// The kinds of broken promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something that was answered is not so any more.
    Lost,
    /// A run that was recorded ran again.
    Repeated,
    /// Anything else.
    Other,
}

/// What one mode did and found.
#[derive(Clone, Debug)]
pub struct Report {
    /// The mode.
    pub mode: Mode,
    /// What its random choices were made from.
    pub seed: u64,
    /// How long it took.
    pub took: Duration,
    /// Kills, cuts, storms or failures of a disk.
    pub cycles: u64,
    /// Executions that were triggered.
    pub executions: u64,
    /// Entries in their histories.
    pub transitions: u64,
    /// Operations that were answered.
    pub acknowledged: u64,
    /// Begins of runs that the witness heard of.
    pub begins: u64,
    /// Promises that were not kept.
    pub violations: Vec<Violation>,
    /// What there is to know besides.
    pub notes: Vec<String>,
}

impl Report {
    pub(super) fn new(mode: Mode, seed: u64) -> Report {
        Report {
            mode,
            seed,
            took: Duration::ZERO,
            cycles: 0,
            executions: 0,
            transitions: 0,
            acknowledged: 0,
            begins: 0,
            violations: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Were all promises kept?
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    /// Says something once.
    pub(super) fn note(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.notes.contains(&text) {
            self.notes.push(text);
        }
    }

    fn count(&self, kind: Kind) -> usize {
        self.violations.iter().filter(|violation| violation.kind == kind).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { mode, seed, took, .. } = self;
        writeln!(f, "{} ({:.0} s, seed {seed})", mode.as_str(), took.as_secs_f64())?;
        writeln!(f, "  {:<18} {}", mode.cycles(), self.cycles)?;
        writeln!(f, "  {:<18} {}", "executions", self.executions)?;
        writeln!(f, "  {:<18} {}", "transitions", self.transitions)?;
        writeln!(f, "  {:<18} {}", "begins witnessed", self.begins)?;
        writeln!(f, "  {:<18} {}", "acknowledged", self.acknowledged)?;
        writeln!(f, "  {:<18} {}", "lost", self.count(Kind::Lost))?;
        writeln!(f, "  {:<18} {}", "repeated", self.count(Kind::Repeated))?;
        write!(f, "  {:<18} {}", "other violations", self.count(Kind::Other))?;
        for note in &self.notes {
            write!(f, "\n  note: {note}")?;
        }
        for violation in self.violations.iter().take(SHOWN_MAX) {
            write!(f, "\n  {:?}: {}", violation.kind, violation.what)?;
        }
        match self.violations.len().checked_sub(SHOWN_MAX) {
            Some(more @ 1..) => write!(f, "\n  … and {more} more"),
            _ => Ok(()),
        }
    }
}
