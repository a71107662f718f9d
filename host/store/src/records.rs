//! What goes into a store and comes out of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use waystation_core::{
    ComponentName, Digest, Effect, Execution, ExecutionId, Grant, HistoryEntry, LogLine, Mail,
    PauseId, SecretName, SecretTerms, Status, StepName, Timestamp, Transition, Workflow,
    WorkflowName, WorkflowSpec,
};

use crate::{NoRoom, Room};

/// An execution that is to be created.
#[derive(Clone, Debug)]
pub struct NewRecord {
    /// Its first transition.
    pub transition: Transition,
    /// The trigger's `Idempotency-Key`, unique in its workflow.
    pub idempotency_key: Option<String>,
    /// The room that there has to be.
    pub room: Room,
}

/// What came of a creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// It is new.
    New,
    /// The idempotency key was seen before; this is the execution that it made.
    Existing(ExecutionId),
    /// There was no room for it. Nothing has changed.
    Refused(NoRoom),
}

/// What a run left beside its outcome. Stored with the event, or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attachments {
    /// What the run logged.
    pub log: Option<RunLog>,
    /// Mails to be delivered.
    pub mails: Vec<Mail>,
}

/// What one attempt logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunLog {
    /// Which run of which step.
    #[serde(flatten)]
    pub run: PauseId,
    /// Which try at it.
    pub attempt: u32,
    /// Line by line.
    pub lines: Vec<LogLine>,
}

/// What one attempt logged, and its place among the execution's logs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredLog {
    /// The number of the history entry that it came with.
    pub seq: u64,
    /// The log.
    pub log: RunLog,
}

/// What came of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Where the execution stands now.
    pub execution: Execution,
    /// The line of the history.
    pub entry: HistoryEntry,
    /// What to do about it.
    pub effects: Vec<Effect>,
}

/// An execution with a run that is due or under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Which.
    pub id: ExecutionId,
    /// What it is an execution of.
    pub workflow: WorkflowName,
    /// Since when, by the wall clock of that moment. For people and alarms: the order does not
    /// depend on it.
    pub since: Timestamp,
}

/// A pause that ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline {
    /// When.
    pub at: Timestamp,
    /// The execution that waits.
    pub id: ExecutionId,
    /// The pause.
    pub pause: PauseId,
}

/// Figures of a store, for its operator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreFigures {
    /// Requests that wait to be written.
    pub queued: u64,
    /// What it takes on disk, in bytes.
    pub disk_bytes: u64,
    /// Commits since the start.
    pub commits: u64,
    /// How long they took until they were durable, in all.
    pub commit_time: Duration,
    /// Commits by how long they took: at most so long, and so many of them. Each commit counts
    /// once, in the first class that it fits into; those that fit into none are the rest.
    pub commit_times: Vec<(Duration, u64)>,
}

/// Which executions to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecutionFilter {
    /// Of this workflow only.
    pub workflow: Option<WorkflowName>,
    /// In this status only.
    pub status: Option<Status>,
    /// Older than this one only.
    pub before: Option<ExecutionId>,
}

impl ExecutionFilter {
    /// Does `execution` belong to the list?
    pub fn allows(&self, execution: &Execution) -> bool {
        self.workflow.as_ref().is_none_or(|workflow| *workflow == execution.workflow)
            && self.status.is_none_or(|status| status == execution.status())
            && self.before.is_none_or(|before| execution.id < before)
    }
}

/// A queued mail's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MailId {
    /// The execution that sends it.
    pub execution: ExecutionId,
    /// The history entry it came with.
    pub seq: u64,
    /// Its place among that entry's mails.
    pub index: u16,
}

/// A mail that waits for its delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedMail {
    /// Its number. Stays the same over all deliveries, so that it can be their `Message-ID`.
    pub id: MailId,
    /// When it is to be tried next.
    pub at: Timestamp,
    /// Deliveries that failed.
    pub failures: u32,
    /// The step that sends it.
    pub step: StepName,
    /// The mail.
    pub mail: Mail,
}

/// A component and the name that points at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentRecord {
    /// The name.
    pub name: ComponentName,
    /// What it points at.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    /// The interfaces that the component asks for.
    pub imports: Vec<String>,
    /// What it offers.
    pub exports: Vec<String>,
    /// What it can do, in plain sentences.
    pub abilities: Vec<String>,
    /// When the name was pointed at it.
    pub uploaded_at: Timestamp,
}

/// A workflow that is to be deployed.
#[derive(Clone, Debug, PartialEq)]
pub struct NewWorkflow {
    /// What the author wrote.
    pub spec: WorkflowSpec,
    /// The digest of each step's component, in order.
    pub digests: Vec<Digest>,
    /// What it is granted.
    pub grants: Vec<Grant>,
}

impl NewWorkflow {
    /// The same as a version that is live already? What it is granted follows from the rest and
    /// from the operator's limits.
    pub fn is(&self, live: &Workflow) -> bool {
        live.spec == self.spec && live.digests == self.digests
    }

    /// The version that it becomes.
    pub fn deployed(self, version: u32, deployed_at: Timestamp) -> Workflow {
        let NewWorkflow { spec, digests, grants } = self;
        Workflow { version, deployed_at, digests, spec, grants }
    }
}

/// What came of a deploy.
#[derive(Clone, Debug, PartialEq)]
pub struct Deployed {
    /// The version that is live now.
    pub workflow: Workflow,
    /// Is it new? The same definition over the same components makes no new version.
    pub created: bool,
}

/// A secret that nobody can read who has no more than this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretRecord {
    /// Its name.
    pub name: SecretName,
    /// What may be done with it.
    #[serde(flatten)]
    pub terms: SecretTerms,
    /// When it was set.
    pub set_at: Timestamp,
    /// The name of the key that it is sealed under.
    pub key: String,
    /// The value, sealed together with all of the above; opaque to the store.
    pub sealed: String,
}
