//! The decisions: given where an execution stands, what happened and when, where it stands
//! next and what has to become durable with that.
//!
//! [`transition`] is total and deterministic. Every pair of state and event is listed: legal
//! ones lead to the file of their verb, all others are a typed [`Rejected`]. A host that
//! replays the history gets the same states from the same function.

mod cancel;
mod change;
mod crash;
mod delay;
mod exit;
mod fail;
mod finish;
mod rerun;
mod resume;
mod start;
mod suspend;
mod time_out;
mod trigger;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod scenario;

use crate::{
    BoundedJson, Event, Execution, HistoryEntry, LinkAction, PauseEnd, PauseId, PayloadId, State,
    Status, Timestamp,
};
use change::Change;
use finish::Finished;

/// What an accepted event leads to. All of it but [`Transition::effects`] becomes durable in
/// one atomic step, or none of it does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a transition has happened only when a store has it"]
pub struct Transition {
    /// Where the execution stands now.
    pub next: Execution,
    /// The line of the history.
    pub entry: HistoryEntry,
    /// Payloads that came and went.
    pub payloads: PayloadChanges,
    /// The pause that ended, and how.
    pub pause_end: Option<(PauseId, PauseEnd)>,
    /// What to do once the rest is durable; may be lost without harm.
    pub effects: Vec<Effect>,
}

impl Transition {
    /// When the execution needs attention next.
    pub fn wake(&self) -> Wake {
        self.next.wake()
    }
}

/// Stored values that came and went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PayloadChanges {
    /// To be stored.
    pub put: Vec<(PayloadId, BoundedJson)>,
    /// No longer needed.
    pub drop: Vec<PayloadId>,
}

/// When an execution needs attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// At once: a run is due; or is under way, and was cut off if nobody holds it.
    Now,
    /// When a pause's time is over.
    At(Timestamp),
    /// Never again.
    Never,
}

/// What to do after a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Stop the run under way: its outcome no longer matters.
    Interrupt,
}

/// Why an event does not apply. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The execution has ended.
    #[error("the execution has ended as {}", .0.as_str())]
    Ended(Status),
    /// The run that was named is not the one that is due or under way.
    #[error("another run is due or under way")]
    NotThisRun,
    /// There is nothing to resume.
    #[error("the execution is not paused")]
    NotPaused,
    /// The pause that was named is over, or never began.
    #[error("this pause is over")]
    PauseOver,
    /// A link of this pause was called already; it waits for the pause to begin.
    #[error("{} was called already, at {at}", action.as_str())]
    AlreadyCalled {
        /// What was called.
        action: LinkAction,
        /// When.
        at: Timestamp,
    },
    /// A call came early, and the run asks with a schema: whether they fit has to be found out
    /// first.
    #[error("a call came early; whether it fits the schema is not known")]
    EarlyCallUnchecked,
    /// The pause's time is not over.
    #[error("not due before {deadline}")]
    NotDue {
        /// When it will be.
        deadline: Timestamp,
    },
    /// The execution may not hold that much.
    #[error("the execution would hold {bytes} bytes of data; at most {bytes_max} are allowed")]
    DataLimit {
        /// What it would hold.
        bytes: u64,
        /// What it may hold.
        bytes_max: u64,
    },
}

/// What `event` makes of `execution` at `now`.
///
/// # Errors
///
/// [`Rejected`] when the event does not apply where the execution stands.
pub fn transition(
    execution: &Execution,
    event: Event,
    now: Timestamp,
) -> Result<Transition, Rejected> {
    let mut change = Change::begin(execution, event.clone().recorded(), now);
    match (&execution.state, event) {
        (State::Queued(due), Event::Start { run, attempt }) => {
            start::start(change, due, run, attempt)
        }
        (
            State::Running(current),
            Event::Finish { run, attempt, compute_ms, result, exports, flow, left, early_fit },
        ) => {
            change.same_run(current, run, attempt)?;
            change.add_left(left);
            let finished = Finished { compute_ms, result, exports, flow, early_fit };
            finish::finish(change, current, finished)
        }
        (State::Running(current), Event::Fail { run, attempt, compute_ms, failure, left }) => {
            change.same_run(current, run, attempt)?;
            change.add_left(left);
            fail::fail(change, current, compute_ms, failure)
        }
        (State::Running(current), Event::Crash { run, attempt }) => {
            change.same_run(current, run, attempt)?;
            crash::crash(change, current)
        }
        (State::Queued(_) | State::Running(_), Event::Resume { pause, by, data }) => {
            resume::early(change, pause, by, data)
        }
        (State::Suspended(open), Event::Resume { pause, by, data }) => {
            resume::resume(change, open, pause, by, data)
        }
        (State::Queued(_) | State::Running(_), Event::Cancel { pause, by }) => {
            cancel::before_pause(change, pause, by)
        }
        (State::Suspended(open), Event::Cancel { pause, by }) => {
            cancel::cancel(change, open, pause, by)
        }
        (State::Suspended(open), Event::TimeOut { pause }) => {
            time_out::time_out(change, open, pause)
        }
        (
            State::Completed | State::Failed | State::Canceled,
            Event::Start { .. }
            | Event::Finish { .. }
            | Event::Fail { .. }
            | Event::Crash { .. }
            | Event::Resume { .. }
            | Event::Cancel { .. }
            | Event::TimeOut { .. },
        ) => Err(Rejected::Ended(execution.status())),
        (State::Running(_) | State::Suspended(_), Event::Start { .. })
        | (
            State::Queued(_) | State::Suspended(_),
            Event::Finish { .. } | Event::Fail { .. } | Event::Crash { .. },
        ) => Err(Rejected::NotThisRun),
        (State::Queued(_) | State::Running(_), Event::TimeOut { .. }) => Err(Rejected::PauseOver),
    }
}

impl Execution {
    /// When the execution needs attention next.
    pub fn wake(&self) -> Wake {
        match &self.state {
            State::Queued(_) | State::Running(_) => Wake::Now,
            State::Suspended(pause) => Wake::At(pause.deadline),
            State::Completed | State::Failed | State::Canceled => Wake::Never,
        }
    }
}
