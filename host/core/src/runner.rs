//! The seam between those who move executions and those who run guests.

use async_trait::async_trait;

use crate::{
    Allow, BoundedJson, Digest, ExecutionId, Failure, Flow, Links, Mail, OnTimeout, RunLimits,
    RunSecret, StepName, Timestamp, WorkflowName,
};

/// Runs steps. The engine knows nothing else of WebAssembly.
#[async_trait]
pub trait StepRunner: Send + Sync + 'static {
    /// Makes one attempt at one run, in a fresh instance. Dropping the future interrupts the
    /// guest and frees everything it held.
    async fn run(&self, request: RunRequest) -> RunReport;
}

/// Everything a run may see and do.
pub struct RunRequest {
    /// The component.
    pub component: Digest,
    /// The step's configuration, templates filled in.
    pub props: BoundedJson,
    /// Which run, and what caused it.
    pub run: RunContext,
    /// The execution around it.
    pub execution: ExecutionContext,
    /// The event that triggered the workflow.
    pub event: BoundedJson,
    /// What the steps so far exported: an object of step name to an object of exports.
    pub steps: BoundedJson,
    /// The links of the pause that this run may ask for.
    pub links: Links,
    /// What the step is allowed.
    pub allow: Allow,
    /// The secrets among that, with their values.
    pub secrets: Vec<RunSecret>,
    /// What `suspend` does at its deadline unless the step says otherwise.
    pub on_timeout: OnTimeout,
    /// Is there an owner's address for mail that names none?
    pub mail_owner: bool,
    /// The run's limits.
    pub limits: RunLimits,
    /// The HTTP caller that waits for an answer from a step.
    pub responder: Option<Box<dyn Responder>>,
}

/// Which run of its step this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunContext {
    /// From 1.
    pub runs: u32,
    /// What the run before passed to `rerun`.
    pub context: Option<BoundedJson>,
    /// The request that caused this run.
    pub callback_request: Option<BoundedJson>,
}

/// The execution as its step sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionContext {
    /// Its identity.
    pub id: ExecutionId,
    /// The workflow.
    pub workflow: WorkflowName,
    /// Its version.
    pub workflow_version: u32,
    /// The step.
    pub step: StepName,
    /// When the execution was triggered.
    pub triggered_at: Timestamp,
    /// When this run is cut off.
    pub deadline: Timestamp,
    /// Which try, from 1.
    pub attempt: u32,
    /// The same for every attempt of one run.
    pub idempotency_key: String,
    /// A test run, which cannot pause?
    pub test: bool,
}

/// An HTTP caller that waits for the workflow's own answer.
pub trait Responder: Send + Sync {
    /// Answers the caller. `false` when it was answered already or has left.
    fn respond(&self, response: HttpResponse) -> bool;
}

/// An answer for the trigger's caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// 200 to 599.
    pub status: u16,
    /// Names and values, checked to be valid HTTP.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What came of an attempt.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// How it ended.
    pub outcome: RunOutcome,
    /// What it logged. Kept however it ended.
    pub logs: Vec<LogLine>,
    /// Mails it handed over. Sent however it ended.
    pub mails: Vec<Mail>,
    /// How long it ran, in milliseconds.
    pub compute_ms: u64,
}

/// How an attempt ended.
#[derive(Clone, Debug)]
pub enum RunOutcome {
    /// The handler returned.
    Returned {
        /// What.
        result: Option<BoundedJson>,
        /// What it exported, by name.
        exports: Vec<(String, BoundedJson)>,
        /// What it asked for.
        flow: Flow,
    },
    /// It failed; what it exported and asked for is dropped.
    Failed(Failure),
    /// The host had no room. The attempt did not happen and does not count.
    HostBusy,
}

/// One line of a run's log.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LogLine {
    /// When it was written.
    pub at: Timestamp,
    /// Where it was written to.
    pub stream: LogStream,
    /// The line, without its end.
    pub text: String,
}

impl LogLine {
    /// What it takes in the store, in bytes: an empty line is not free there, and what has to be
    /// escaped takes more than its text.
    pub fn stored_bytes(&self) -> usize {
        // The comma that parts it from the next one; and a line can always be written as JSON.
        serde_json::to_vec(self).map_or(0, |json| json.len()) + 1
    }
}

/// Who wrote a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogStream {
    /// The guest, to its standard output.
    Stdout,
    /// The guest, to its standard error.
    Stderr,
    /// The host, about the run: refused calls, cut logs.
    Host,
}
