//! An execution as the API shows it.

use serde::Serialize;
use serde_json::{Map, Value};
use waystation_core::{
    BoundedJson, ExecutionError, ExecutionId, OnTimeout, Status, StepStatus, Timestamp,
    WorkflowName,
};

/// An execution with everything that is known of it.
#[derive(Clone, Debug, Serialize)]
pub struct ExecutionView {
    /// Its identity.
    pub id: ExecutionId,
    /// The workflow.
    pub workflow: WorkflowName,
    /// Its version.
    pub workflow_version: u32,
    /// Where it stands.
    pub status: Status,
    /// When it was triggered.
    pub triggered_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The event that triggered it.
    pub event: BoundedJson,
    /// Its steps by name, in order.
    #[serde(serialize_with = "in_order")]
    pub steps: Vec<(String, StepView)>,
    /// What it waits for.
    pub waiting: Option<Waiting>,
    /// Why it failed.
    pub error: Option<ExecutionError>,
    /// The reason given to `exit`.
    pub exit_reason: Option<String>,
    /// Time in runs, in milliseconds.
    pub compute_ms: u64,
    /// What that costs.
    pub credits: u64,
    /// The same for each stretch of work that is over.
    pub segments: Vec<SegmentView>,
}

/// One step.
#[derive(Clone, Debug, Serialize)]
pub struct StepView {
    /// Where it stands.
    pub status: StepStatus,
    /// Runs so far.
    pub runs: u32,
    /// Tries at the last run.
    pub attempt: u32,
    /// What it exported, by name.
    pub exports: std::collections::BTreeMap<String, BoundedJson>,
    /// When its first run started.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
}

/// An open pause.
#[derive(Clone, Debug, Serialize)]
pub struct Waiting {
    /// The step that asked for it.
    pub step: String,
    /// `suspend`, `rerun`, `delay` or `retry`.
    pub kind: &'static str,
    /// Since when.
    pub since: Timestamp,
    /// Until when.
    pub deadline: Timestamp,
    /// What happens then; only for a `suspend`.
    pub on_timeout: Option<OnTimeout>,
    /// One line for people.
    pub message: Option<String>,
    /// The link that resumes; none in a retry's wait.
    pub resume_url: Option<String>,
    /// The link that cancels.
    pub cancel_url: Option<String>,
    /// The page for people.
    pub approval_url: Option<String>,
}

/// A stretch of work that is over.
#[derive(Clone, Debug, Serialize)]
pub struct SegmentView {
    /// When it was over.
    pub until: Timestamp,
    /// Time in runs, in milliseconds.
    pub compute_ms: u64,
    /// What that costs.
    pub credits: u64,
}

/// An execution in a list.
#[derive(Clone, Debug, Serialize)]
pub struct ExecutionSummary {
    /// Its identity.
    pub id: ExecutionId,
    /// The workflow.
    pub workflow: WorkflowName,
    /// Its version.
    pub workflow_version: u32,
    /// Where it stands.
    pub status: Status,
    /// When it was triggered.
    pub triggered_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What it waits for.
    pub waiting: Option<Waiting>,
    /// Why it failed.
    pub error: Option<ExecutionError>,
    /// Time in runs, in milliseconds.
    pub compute_ms: u64,
    /// What that costs.
    pub credits: u64,
}

/// A page of a list, newest first.
#[derive(Clone, Debug, Serialize)]
pub struct ExecutionPage {
    /// The executions.
    pub items: Vec<ExecutionSummary>,
    /// Where the next page begins; none on the last one.
    pub next_cursor: Option<String>,
}

/// A page of a list, oldest first.
#[derive(Clone, Debug, Serialize)]
pub struct Listing<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next page begins; none on the last one.
    pub next_cursor: Option<String>,
}

/// One line of the history, with the step's name in place of its index.
pub type HistoryView = Map<String, Value>;

/// What one attempt logged.
#[derive(Clone, Debug, Serialize)]
pub struct LogView {
    /// The step.
    pub step: String,
    /// The run.
    pub run: u32,
    /// The try at it.
    pub attempt: u32,
    /// Line by line.
    pub lines: Vec<waystation_core::LogLine>,
}

/// What a test run showed.
#[derive(Clone, Debug, Serialize)]
pub struct TestReport {
    /// `completed`, `failed` or `canceled`.
    pub status: Status,
    /// Why it ended as it did, for people.
    pub message: Option<String>,
    /// Its steps by name, in order.
    #[serde(serialize_with = "in_order")]
    pub steps: Vec<(String, StepView)>,
    /// Why it failed.
    pub error: Option<ExecutionError>,
    /// What its runs logged.
    pub logs: Vec<LogView>,
}

fn in_order<S: serde::Serializer>(
    steps: &[(String, StepView)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(steps.iter().map(|(name, step)| (name, step)))
}
