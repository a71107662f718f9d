//! What callers ask of an engine, and what they are told.

use async_trait::async_trait;
use bytes::Bytes;
use serde::Serialize;
use tokio::sync::oneshot;
use waystation_core::{
    BoundedJson, Digest, ExecutionId, Grant, HttpResponse, InvalidWorkflow, LinkAction, OnTimeout,
    PauseEnding, Status, Timestamp, WorkflowName,
};
use waystation_store::StoreError;

/// Checks components before they are stored.
#[async_trait]
pub trait ComponentGate: Send + Sync + 'static {
    /// Checks and prepares the component. Dropping the future ends the work.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it, or that the host could not do its part.
    async fn admit(&self, bytes: Bytes) -> Result<Admitted, GateError>;
}

/// A component that is fit to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Its identity.
    pub digest: Digest,
    /// The interfaces that it asks for.
    pub imports: Vec<String>,
    /// What it offers.
    pub exports: Vec<String>,
    /// What it can do, in plain sentences.
    pub abilities: Vec<String>,
}

/// Why a component was not admitted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    /// It is not fit to run.
    #[error(transparent)]
    Refused(#[from] RefusedComponent),
    /// The host failed; the message is for its log.
    #[error("{0}")]
    Host(String),
}

/// A component that is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RefusedComponent {
    /// A stable word for the fault.
    pub code: String,
    /// The fault, for people.
    pub message: String,
    /// Is it the size alone?
    pub too_large: bool,
}

/// Why a component was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PutComponentError {
    /// It is not fit.
    #[error(transparent)]
    Refused(#[from] RefusedComponent),
    /// Too many uploads are under way. Try again later.
    #[error("too many uploads are under way; try again")]
    Busy,
    /// See there.
    #[error(transparent)]
    DiskLow(#[from] DiskLow),
    /// The host could not check it; the message is for its log.
    #[error("{0}")]
    Host(String),
    /// See there.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The disk has too little left for new work; what was accepted goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the disk has {free_mib} MiB left; new work needs {least_mib} (limits.disk_free_mib_min), so \
     that what was accepted can go on"
)]
pub struct DiskLow {
    /// What it has.
    pub free_mib: u64,
    /// What it has to have.
    pub least_mib: u32,
}

/// What whoever deploys a workflow has said about what it may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// Nothing: it is not to ask for more than the version before.
    Unsaid,
    /// All that it asks for is meant.
    Given,
}

fn sentences(grants: &[Grant]) -> String {
    let sentence = |grant: &Grant| match &grant.step {
        Some(step) => format!("{step} may {}", grant.permission),
        None => format!("it may {}", grant.permission),
    };
    grants.iter().map(sentence).collect::<Vec<_>>().join("; ")
}

impl From<GateError> for PutComponentError {
    fn from(error: GateError) -> PutComponentError {
        match error {
            GateError::Refused(refused) => PutComponentError::Refused(refused),
            GateError::Host(error) => PutComponentError::Host(error),
        }
    }
}

/// Why a workflow was not deployed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeployError {
    /// The definition is wrong, or names a component that is not there.
    #[error(transparent)]
    Invalid(#[from] InvalidWorkflow),
    /// It asks for more than the version before, and nobody said that this is meant.
    #[error("it asks for more than version {version}: {}", sentences(.beyond))]
    AsksForMore {
        /// The version before, live or not.
        version: u32,
        /// What goes beyond it.
        beyond: Vec<Grant>,
    },
    /// See there.
    #[error(transparent)]
    DiskLow(#[from] DiskLow),
    /// See there.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A wish for an execution.
#[derive(Clone, Debug)]
pub struct TriggerRequest {
    /// Of which workflow.
    pub workflow: WorkflowName,
    /// With which event.
    pub event: BoundedJson,
    /// The caller's name for this wish: a second one with it starts nothing.
    pub idempotency_key: Option<String>,
    /// Does an HTTP caller wait for a step's answer?
    pub caller_waits: bool,
}

/// An execution that was accepted and is on disk.
#[derive(Debug)]
pub struct Triggered {
    /// Its identity.
    pub id: ExecutionId,
    /// `false`: the idempotency key was seen before, and this is the execution that it made.
    pub created: bool,
    /// With `caller_waits`: the step's answer. Closed without one when the execution pauses or
    /// ends first.
    pub response: Option<oneshot::Receiver<HttpResponse>>,
}

/// Why nothing was triggered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TriggerError {
    /// There is no such workflow.
    #[error("there is no workflow {0}")]
    UnknownWorkflow(WorkflowName),
    /// Too much waits already. Try again later.
    #[error("too many executions wait to be run")]
    Busy,
    /// Too many of this workflow wait already. Others may be triggered; try this one later.
    #[error(
        "{waiting_max} executions of the workflow {workflow} wait to be run, as many as \
         limits.queued_per_workflow_max allows"
    )]
    WorkflowBusy {
        /// Which.
        workflow: WorkflowName,
        /// How many may wait.
        waiting_max: usize,
    },
    /// See there.
    #[error(transparent)]
    DiskLow(#[from] DiskLow),
    /// The server is shutting down.
    #[error("the server is shutting down")]
    ShuttingDown,
    /// See there.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A request on a link: what the step or the next run gets of it.
#[derive(Clone, Debug)]
pub struct LinkCall {
    /// The request: `{method, path, url, query, headers, body, client_ip}`.
    pub request: BoundedJson,
    /// The request's body alone, for the check against a `resume_schema`.
    pub body: BoundedJson,
    /// Where it came from.
    pub client_ip: Option<String>,
}

/// What a link's call led to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LinkAnswer {
    /// What happened, or had happened.
    pub outcome: LinkOutcome,
    /// Did the same call do this before?
    pub already: bool,
    /// The execution.
    pub execution: ExecutionId,
    /// When it happened.
    pub at: Timestamp,
}

/// What a call on a link brings about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkOutcome {
    /// The workflow goes on.
    Resumed,
    /// The execution has ended.
    Canceled,
    /// The step has not paused yet; the call takes effect when it does.
    Accepted,
}

/// Why a link's call, or an operator's, changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// There is no such execution (any more).
    #[error("no such execution")]
    NotFound,
    /// The pause ended otherwise, and when.
    #[error("this pause is over: it was {} at {at}", ending_word(*ending))]
    PauseOver {
        /// How it ended.
        ending: PauseEnding,
        /// When.
        at: Timestamp,
    },
    /// The run ended without a pause, so that its links mean nothing.
    #[error("the step went on without a pause")]
    NeverPaused,
    /// The other link was called before the pause begins, and stands.
    #[error("{} was called already, at {at}, and takes effect when the step pauses", action.as_str())]
    OtherCalled {
        /// Which.
        action: LinkAction,
        /// When.
        at: Timestamp,
    },
    /// The execution has ended by other means.
    #[error("the execution has ended as {}", status.as_str())]
    Ended {
        /// How.
        status: Status,
        /// When.
        at: Option<Timestamp>,
    },
    /// The operator resumes what is not paused.
    #[error("the execution is not paused")]
    NotPaused,
    /// The body does not satisfy the step's `resume_schema`; the execution stays paused.
    #[error("the body does not fit the schema that the step asks for: {0}")]
    Schema(String),
    /// The execution may not hold that much more; it stays paused.
    #[error("the execution would hold {bytes} bytes of data; at most {bytes_max} are allowed")]
    TooLarge {
        /// What it would hold.
        bytes: u64,
        /// What it may hold.
        bytes_max: u64,
    },
    /// See there.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn ending_word(ending: PauseEnding) -> &'static str {
    match ending {
        PauseEnding::Resumed => "resumed",
        PauseEnding::Canceled => "canceled",
        PauseEnding::TimedOut => "timed out",
    }
}

/// What the approval page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The workflow.
    pub workflow: WorkflowName,
    /// The execution.
    pub execution: ExecutionId,
    /// When it was triggered.
    pub triggered_at: Timestamp,
    /// The step that waits.
    pub step: String,
    /// Where the pause stands.
    pub state: ApprovalState,
}

/// Where the pause behind an approval page stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApprovalState {
    /// It waits for an answer.
    Open {
        /// One line from the step.
        message: Option<String>,
        /// Since when.
        since: Timestamp,
        /// Until when.
        deadline: Timestamp,
        /// `suspend`, `rerun` or `delay`.
        kind: &'static str,
        /// What happens at the deadline; only for a `suspend`.
        on_timeout: Option<OnTimeout>,
    },
    /// The step is not done yet: an answer takes effect when it is.
    NotYet,
    /// A link was called already and waits for the step.
    Called {
        /// Which.
        action: LinkAction,
        /// When.
        at: Timestamp,
    },
    /// It is over.
    Over {
        /// How, in words.
        how: String,
        /// When.
        at: Option<Timestamp>,
    },
}
