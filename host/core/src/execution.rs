//! An execution: one triggered instance of one workflow version.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Caller, ExecutionError, ExecutionId, LinkAction, OnTimeout, RetryPolicy, Segment, StepName,
    Timestamp, Workflow, WorkflowName,
};

/// Everything that decides what may happen next. Small: payloads are held by reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// Its identity.
    pub id: ExecutionId,
    /// The workflow it is an instance of, …
    pub workflow: WorkflowName,
    /// … in this version.
    pub workflow_version: u32,
    /// One more with every accepted event; 1 after the trigger.
    pub version: u64,
    /// When it was triggered.
    pub triggered_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Where it stands.
    pub state: State,
    /// The workflow's steps, in order.
    pub steps: Vec<StepState>,
    /// The event that triggered it.
    pub event: PayloadRef,
    /// A call of a link of the current run that came before its pause.
    pub early_call: Option<EarlyCall>,
    /// The stretch of work under way.
    pub segment: Option<Segment>,
    /// Time in runs over all closed segments, in milliseconds.
    pub compute_ms: u64,
    /// Credits over all closed segments.
    pub credits: u64,
    /// Payloads stored, in bytes.
    pub payload_bytes: u64,
    /// Payloads that may be stored, in bytes: the limit in force at the trigger.
    pub payload_bytes_max: u64,
    /// Runs that one step may have: the limit in force at the trigger. Executions from before
    /// there was one have the default.
    #[serde(default = "Execution::step_runs_max")]
    pub step_runs_max: u32,
    /// Log that all runs left, in bytes as it is stored. Executions from before it was counted
    /// begin at 0, as with the mails.
    #[serde(default)]
    pub log_bytes: u64,
    /// Mails that all runs sent.
    #[serde(default)]
    pub mails: u32,
    /// The next payload's number.
    pub next_payload: u32,
    /// Why it failed.
    pub error: Option<ExecutionError>,
    /// What the step that called `exit` gave as the reason.
    pub exit_reason: Option<String>,
}

/// What a trigger decides.
#[derive(Clone, Debug)]
pub struct NewExecution<'a> {
    /// Its identity.
    pub id: ExecutionId,
    /// The workflow version it is pinned to.
    pub workflow: &'a Workflow,
    /// The event.
    pub event: crate::BoundedJson,
    /// Payloads that it may store, in bytes.
    pub payload_bytes_max: u64,
    /// Memory of steps that ask for none of their own, in MiB.
    pub memory_mib: u32,
    /// Runs that one step may have.
    pub step_runs_max: u32,
}

impl Execution {
    fn step_runs_max() -> u32 {
        crate::Limits::default().step_runs_max
    }
}

/// A stored JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayloadRef {
    /// Its number in the execution.
    pub id: PayloadId,
    /// Its size in bytes.
    pub bytes: u64,
}

/// A payload's number in its execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PayloadId(pub u32);

/// Where an execution stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum State {
    /// A run waits to be started.
    Queued(Run),
    /// A run is under way.
    Running(Run),
    /// Paused.
    Suspended(Pause),
    /// Ended well.
    Completed,
    /// Ended with an error.
    Failed,
    /// Ended by somebody's wish.
    Canceled,
}

/// The word for a [`State`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words of State")]
pub enum Status {
    Queued,
    Running,
    Suspended,
    Completed,
    Failed,
    Canceled,
}

impl Status {
    /// All of them, in the order of a life.
    pub const ALL: [Status; 6] = [
        Status::Queued,
        Status::Running,
        Status::Suspended,
        Status::Completed,
        Status::Failed,
        Status::Canceled,
    ];

    /// Does it never change again?
    pub fn is_terminal(self) -> bool {
        match self {
            Status::Queued | Status::Running | Status::Suspended => false,
            Status::Completed | Status::Failed | Status::Canceled => true,
        }
    }

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Queued => "queued",
            Status::Running => "running",
            Status::Suspended => "suspended",
            Status::Completed => "completed",
            Status::Failed => "failed",
            Status::Canceled => "canceled",
        }
    }
}

impl State {
    /// The word for it.
    pub fn status(&self) -> Status {
        match self {
            State::Queued(_) => Status::Queued,
            State::Running(_) => Status::Running,
            State::Suspended(_) => Status::Suspended,
            State::Completed => Status::Completed,
            State::Failed => Status::Failed,
            State::Canceled => Status::Canceled,
        }
    }
}

/// One pass of a step's handler, and the try at it that is due or under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Which run of which step. Its pause, should it ask for one, has the same name.
    #[serde(flatten)]
    pub id: PauseId,
    /// Which try: 1, then one more after each failure or crash.
    pub attempt: u32,
    /// Tries that failed.
    pub failures: u32,
    /// Tries that died with their host.
    pub crashes: u32,
    /// What the run before passed to `rerun`.
    pub context: Option<PayloadRef>,
    /// The request that caused this run.
    pub callback_request: Option<PayloadRef>,
}

/// A pause's name in its execution: the step and run that asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PauseId {
    /// The step's index in the workflow.
    pub step: u16,
    /// The run, from 1.
    pub run: u32,
}

/// One wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Its name.
    #[serde(flatten)]
    pub id: PauseId,
    /// What it waits for, and what comes after it.
    #[serde(flatten)]
    pub kind: PauseKind,
    /// When it began.
    pub since: Timestamp,
    /// When it ends by itself.
    pub deadline: Timestamp,
    /// One line for people.
    pub message: Option<String>,
}

/// What a pause waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PauseKind {
    /// For the link; then the next step.
    Suspend {
        /// What happens at the deadline.
        on_timeout: OnTimeout,
        /// What the resuming request's body must satisfy.
        resume_schema: Option<PayloadRef>,
    },
    /// For the link or the deadline; then this step again.
    Rerun {
        /// What the next run gets.
        context: Option<PayloadRef>,
    },
    /// For the deadline; then the next step.
    Delay,
    /// For the deadline; then the same run once more. It is the host's wait, not the run's:
    /// links that are called meanwhile count as early.
    Retry {
        /// The try that comes then.
        next: Run,
    },
}

impl PauseKind {
    /// The word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            PauseKind::Suspend { .. } => "suspend",
            PauseKind::Rerun { .. } => "rerun",
            PauseKind::Delay => "delay",
            PauseKind::Retry { .. } => "retry",
        }
    }
}

/// A step of an execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepState {
    /// Its name.
    pub name: StepName,
    /// Where it stands.
    pub status: StepStatus,
    /// Runs so far.
    pub runs: u32,
    /// Tries at the last run.
    pub attempt: u32,
    /// What it exported.
    pub exports: BTreeMap<String, PayloadRef>,
    /// When its first run started.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
    /// Its memory limit, in MiB: what its credits are counted by.
    pub memory_mib: u32,
    /// What happens when a run fails.
    pub retry: Option<RetryPolicy>,
}

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Its turn has not come.
    Pending,
    /// A run waits to be started.
    Queued,
    /// A run is under way.
    Running,
    /// Paused.
    Suspended,
    /// Over.
    Completed,
    /// Over, with an error.
    Failed,
    /// The execution was canceled at this step.
    Canceled,
}

/// A link's call that came before its pause: it takes effect when the pause begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlyCall {
    /// The pause that was meant.
    #[serde(flatten)]
    pub pause: PauseId,
    /// Resume or cancel.
    pub action: LinkAction,
    /// When it came.
    pub at: Timestamp,
    /// Who called.
    pub by: Caller,
    /// The request.
    pub data: Option<PayloadRef>,
}

impl Execution {
    /// Its status.
    pub fn status(&self) -> Status {
        self.state.status()
    }

    /// The pause that is open.
    pub fn pause(&self) -> Option<&Pause> {
        match &self.state {
            State::Suspended(pause) => Some(pause),
            State::Queued(_)
            | State::Running(_)
            | State::Completed
            | State::Failed
            | State::Canceled => None,
        }
    }

    /// The run that is due, under way, or about to be tried again.
    pub fn run(&self) -> Option<&Run> {
        match &self.state {
            State::Queued(run)
            | State::Running(run)
            | State::Suspended(Pause { kind: PauseKind::Retry { next: run }, .. }) => Some(run),
            State::Suspended(_) | State::Completed | State::Failed | State::Canceled => None,
        }
    }

    /// The numbers of the stored values that it refers to: all that are stored for it, and no
    /// others.
    pub fn payloads(&self) -> Vec<PayloadId> {
        self.payload_refs().into_iter().map(|payload| payload.id).collect()
    }

    pub(crate) fn payload_refs(&self) -> Vec<PayloadRef> {
        let exports = self.steps.iter().flat_map(|step| step.exports.values().copied());
        let mut payloads: Vec<PayloadRef> = exports.chain([self.event]).collect();
        if let Some(run) = self.run() {
            payloads.extend(run.context.into_iter().chain(run.callback_request));
        }
        match self.pause().map(|pause| &pause.kind) {
            Some(PauseKind::Suspend { resume_schema: payload, .. })
            | Some(PauseKind::Rerun { context: payload }) => payloads.extend(*payload),
            Some(PauseKind::Delay | PauseKind::Retry { .. }) | None => {}
        }
        payloads.extend(self.early_call.as_ref().and_then(|call| call.data));
        payloads
    }

    /// The step with this index.
    pub fn step(&self, index: u16) -> Option<&StepState> {
        self.steps.get(usize::from(index))
    }
}
