//! The promises.

use async_trait::async_trait;
use waystation_core::{
    BoundedJson, ComponentName, Digest, Event, Execution, ExecutionId, HistoryEntry, PauseEnd,
    PauseId, PayloadId, Rejected, SecretName, Timestamp, Token, TokenId, Workflow, WorkflowName,
};

use crate::{
    Applied, Attachments, ComponentRecord, Created, Deadline, Deployed, ExecutionFilter, MailId,
    NewRecord, NewWorkflow, Page, Part, QueuedMail, Ready, SecretRecord, StoreFigures, StoredLog,
};

/// A store could not do what was asked. Nothing is known to have changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Too much is waiting to be written. Try again later.
    #[error("the store has too much to write")]
    Busy,
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
    /// The disk refused.
    #[error("the disk: {0}")]
    Io(String),
    /// Stored bytes are not what was written.
    #[error("damaged data: {0}")]
    Damaged(String),
}

/// Why an event was not applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// There is no such execution.
    #[error("no such execution")]
    NotFound,
    /// It does not apply where the execution stands. Nothing has changed.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// See there.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why something was not deleted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeleteError {
    /// There is no such thing.
    #[error("no such thing")]
    NotFound,
    /// Something needs it; what, in words.
    #[error("needed by {0}")]
    InUse(String),
    /// See there.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keeps executions, workflows and components.
///
/// **Durable** below means: it survives the loss of the process and of power from the moment
/// the method returns. Everything a method reads is durable already: no answer shows what a
/// crash could take back.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Stores a new execution. Atomic with its event, history, wake and idempotency key;
    /// durable. Idempotent under the key: a second call with it changes nothing, and needs no
    /// room. Of a new one the room is looked at in the same moment: however many are created at
    /// once, no more of them are than there is room for.
    async fn create(&self, new: NewRecord) -> Result<Created, StoreError>;

    /// Applies `event` to the execution as it stands at that moment, by
    /// [`waystation_core::transition`], and stores all that comes of it with the attachments:
    /// state, payloads, history, wake, the pause's end, log, mails. Atomic; durable. Of events
    /// that exclude each other exactly one is accepted, whoever sends them.
    async fn apply(
        &self,
        id: ExecutionId,
        event: Event,
        now: Timestamp,
        attachments: Attachments,
    ) -> Result<Applied, ApplyError>;

    /// The same, some time soon, before any later event of the same caller, without an answer.
    /// For start marks: a run that ends first makes its mark moot.
    fn apply_behind(&self, id: ExecutionId, event: Event, now: Timestamp);

    /// The execution as it stands.
    async fn load(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError>;

    /// Payloads of an execution, in the order asked for. One that is gone is an error: the
    /// caller's view of the execution is outdated.
    async fn payloads(
        &self,
        id: ExecutionId,
        payloads: &[PayloadId],
    ) -> Result<Vec<BoundedJson>, StoreError>;

    /// How a pause ended; `None` when it is open or never was.
    async fn pause_end(
        &self,
        id: ExecutionId,
        pause: PauseId,
    ) -> Result<Option<PauseEnd>, StoreError>;

    /// History entries after `after` (0: from the start), oldest first.
    async fn history(
        &self,
        id: ExecutionId,
        after: u64,
        page: Page,
    ) -> Result<Part<HistoryEntry>, StoreError>;

    /// What the execution's runs logged, oldest first; of what came with the history entries
    /// after `after` (0: from the start).
    async fn logs(
        &self,
        id: ExecutionId,
        after: u64,
        page: Page,
    ) -> Result<Part<StoredLog>, StoreError>;

    /// Executions, newest first, at most `limit`.
    async fn list(
        &self,
        filter: &ExecutionFilter,
        limit: usize,
    ) -> Result<Vec<Execution>, StoreError>;

    /// Executions with a run that is due or under way, at most `limit`: first come, first
    /// served, in the order in which they became so and whatever the clock showed. One with a
    /// run under way keeps its place until it pauses or ends. Those of the workflows in `except`
    /// are left out, and however many they are, the others are not slower to find.
    async fn ready(&self, limit: usize, except: &[WorkflowName]) -> Result<Vec<Ready>, StoreError>;

    /// Open pauses by their deadline, earliest first, at most `limit`, future ones too.
    async fn deadlines(&self, limit: usize) -> Result<Vec<Deadline>, StoreError>;

    /// Removes executions that ended before `before`, the first to end first, at most `limit`,
    /// with all that belongs to them; one with a mail that is still to be delivered stays.
    /// Returns how many are gone. Durable. An execution goes in several commits: from the first
    /// on it is in no answer, and what a crash leaves of it goes with the next call.
    async fn remove_ended(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError>;

    /// What its disk has left for it, in bytes; `None` where there is no disk, or nobody knows.
    fn disk_free_bytes(&self) -> Option<u64> {
        None
    }

    /// Figures of the moment.
    fn figures(&self) -> StoreFigures;

    /// Mails by the time at which they are to be tried, earliest first, at most `limit`, future
    /// ones too.
    async fn mails(&self, limit: usize) -> Result<Vec<QueuedMail>, StoreError>;

    /// Takes a delivered mail off the queue. Durable; a mail that is not there is no error.
    async fn mail_sent(&self, id: MailId) -> Result<(), StoreError>;

    /// A delivery failed: tries it again at `at`, or gives up without it. Durable.
    async fn mail_failed(&self, id: MailId, at: Option<Timestamp>) -> Result<(), StoreError>;

    /// Stores a component's bytes under their digest. Durable; idempotent.
    async fn put_component_bytes(&self, digest: Digest, bytes: Vec<u8>) -> Result<(), StoreError>;

    /// Points a name at a digest whose bytes are stored. Durable. `true` when the name did not
    /// point there before.
    async fn put_component(&self, component: ComponentRecord) -> Result<bool, StoreError>;

    /// What a name points at.
    async fn component(&self, name: &ComponentName) -> Result<Option<ComponentRecord>, StoreError>;

    /// All names, in order.
    async fn components(&self) -> Result<Vec<ComponentRecord>, StoreError>;

    /// Takes a name away. Durable. Refused while a workflow's live version, or an execution
    /// that has not ended, needs the digest that it points at.
    async fn delete_component(&self, name: &ComponentName) -> Result<(), DeleteError>;

    /// Stores a token of the API, in place of one with its id. Durable.
    async fn put_token(&self, token: Token) -> Result<(), StoreError>;

    /// All tokens, by id, expired ones too.
    async fn tokens(&self) -> Result<Vec<Token>, StoreError>;

    /// Takes a token away. Durable.
    async fn delete_token(&self, id: TokenId) -> Result<(), DeleteError>;

    /// Makes the next version of a workflow live, unless it is the live one already: then only
    /// what it is granted is taken over. Durable.
    async fn put_workflow(
        &self,
        workflow: NewWorkflow,
        now: Timestamp,
    ) -> Result<Deployed, StoreError>;

    /// A version of a workflow, also of a deleted one.
    async fn workflow_version(
        &self,
        name: &WorkflowName,
        version: u32,
    ) -> Result<Option<Workflow>, StoreError>;

    /// The live version.
    async fn workflow(&self, name: &WorkflowName) -> Result<Option<Workflow>, StoreError>;

    /// All live versions, by name.
    async fn workflows(&self) -> Result<Vec<Workflow>, StoreError>;

    /// Versions after `after` (0: from the first), oldest first.
    async fn workflow_versions(
        &self,
        name: &WorkflowName,
        after: u32,
        page: Page,
    ) -> Result<Part<Workflow>, StoreError>;

    /// Takes a workflow away: it has no live version any more. Durable. Executions under way go
    /// on; a later deploy makes the next version.
    async fn delete_workflow(&self, name: &WorkflowName) -> Result<(), DeleteError>;

    /// Keeps a secret, sealed, in place of what had its name before. Durable. `true` when
    /// nothing had.
    async fn put_secret(&self, secret: SecretRecord) -> Result<bool, StoreError>;

    /// A secret as it was sealed.
    async fn secret(&self, name: &SecretName) -> Result<Option<SecretRecord>, StoreError>;

    /// All of them, by name.
    async fn secrets(&self) -> Result<Vec<SecretRecord>, StoreError>;

    /// Takes a secret away. Durable. Refused while a workflow's live version, or an execution
    /// that has not ended, names it.
    async fn delete_secret(&self, name: &SecretName) -> Result<(), DeleteError>;
}
