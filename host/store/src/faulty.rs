//! A store that fails, hangs and dies as it is told to, for tests of those who use one.
//!
//! Each call passes a [`Gate`] twice: before it is carried out, and before its answer is given.
//! [`AtCall`] is the gate for "what if it goes wrong at the n-th call"; a simulation brings one
//! that decides who goes next.
//!
//! Start marks ([`Store::apply_behind`]) are as volatile as a store may have them: they become
//! durable with the next write, or when [`FaultyStore::write_marks`] says so. Nobody sees them
//! before, and a store that dies first has lost them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;
use waystation_core::{
    BoundedJson, ComponentName, Digest, Event, Execution, ExecutionId, HistoryEntry, PauseEnd,
    PauseId, PayloadId, SecretName, Timestamp, Token, TokenId, Workflow, WorkflowName,
};

use crate::{
    Applied, ApplyError, Attachments, ComponentRecord, Created, Deadline, DeleteError, Deployed,
    ExecutionFilter, MailId, NewRecord, NewWorkflow, Page, Part, QueuedMail, Ready, SecretRecord,
    Store, StoreError, StoreFigures, StoredLog,
};

/// One call of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its number: 1 is the first one.
    pub number: u64,
    /// The method's name.
    pub method: &'static str,
    /// The execution that it is about, if it is about one.
    pub execution: Option<ExecutionId>,
    /// Does it make something durable?
    pub writes: bool,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes on.
    Proceeds,
    /// It fails with [`StoreError::Io`].
    Fails,
    /// It never returns: the process that made it is as good as dead.
    Hangs,
}

/// Decides about calls, and when they go on.
pub trait Gate: Send + Sync + 'static {
    /// `call` is about to be carried out.
    fn before(&self, call: Call) -> impl Future<Output = Fate> + Send;

    /// `call` was carried out; its answer is about to be given.
    fn after(&self, call: Call) -> impl Future<Output = Fate> + Send;
}

/// What goes wrong at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// That call fails, and nothing has changed. Later ones work.
    Fails,
    /// That call is not carried out, and neither it nor a later one returns.
    DiesBefore,
    /// That call is carried out, but neither it nor a later one returns.
    DiesAfter,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 3] = [Fault::Fails, Fault::DiesBefore, Fault::DiesAfter];
}

/// Something goes wrong at the n-th call.
pub struct AtCall {
    number: u64,
    fault: Fault,
    seen: AtomicU64,
    dead: AtomicBool,
}

impl AtCall {
    /// The call with this number, from 1, meets `fault`.
    pub fn new(number: u64, fault: Fault) -> AtCall {
        AtCall { number, fault, seen: AtomicU64::new(0), dead: AtomicBool::new(false) }
    }

    /// Did it come to that call?
    pub fn has_struck(&self) -> bool {
        self.seen.load(Ordering::SeqCst) >= self.number
    }

    /// Is the store dead?
    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    fn strikes(&self, call: Call, fault: Fault) -> bool {
        call.number == self.number && self.fault == fault
    }

    fn fate(&self, dies: bool) -> Fate {
        // `fetch_or` says what was: dead before this call, or from now on.
        if self.dead.fetch_or(dies, Ordering::SeqCst) || dies {
            Fate::Hangs
        } else {
            Fate::Proceeds
        }
    }
}

impl Gate for AtCall {
    async fn before(&self, call: Call) -> Fate {
        self.seen.fetch_max(call.number, Ordering::SeqCst);
        if self.strikes(call, Fault::Fails) {
            return Fate::Fails;
        }
        self.fate(self.strikes(call, Fault::DiesBefore))
    }

    async fn after(&self, call: Call) -> Fate {
        self.fate(self.strikes(call, Fault::DiesAfter))
    }
}

/// A store whose calls pass a gate. What was written is in the store within, which outlives
/// this one as a disk outlives a process.
pub struct FaultyStore<S, G> {
    inner: Arc<S>,
    gate: Arc<G>,
    calls: AtomicU64,
    marks: Mutex<VecDeque<(ExecutionId, Event, Timestamp)>>,
}

impl<S: Store, G: Gate> FaultyStore<S, G> {
    /// A store over `inner`.
    pub fn new(inner: Arc<S>, gate: Arc<G>) -> FaultyStore<S, G> {
        FaultyStore { inner, gate, calls: AtomicU64::new(0), marks: Mutex::default() }
    }

    /// Start marks that a death would lose.
    pub fn marks(&self) -> usize {
        self.marks.lock().len()
    }

    /// Makes the start marks durable that were left behind, in their order, as a store does
    /// after a while by itself.
    pub fn write_marks(&self) {
        for (id, event, now) in self.marks.lock().drain(..) {
            self.inner.apply_behind(id, event, now);
        }
    }

    async fn reads<T, E: From<StoreError>>(
        &self,
        method: &'static str,
        execution: Option<ExecutionId>,
        work: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T, E> {
        self.passes(method, execution, false, work).await
    }

    async fn writes<T, E: From<StoreError>>(
        &self,
        method: &'static str,
        execution: Option<ExecutionId>,
        work: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T, E> {
        self.passes(method, execution, true, work).await
    }

    async fn passes<T, E: From<StoreError>>(
        &self,
        method: &'static str,
        execution: Option<ExecutionId>,
        writes: bool,
        work: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T, E> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let call = Call { number, method, execution, writes };
        meets(self.gate.before(call).await).await?;
        if writes {
            self.write_marks();
        }
        let answer = work.await;
        meets(self.gate.after(call).await).await?;
        answer
    }
}

async fn meets(fate: Fate) -> Result<(), StoreError> {
    match fate {
        Fate::Proceeds => Ok(()),
        Fate::Fails => Err(StoreError::Io("it was told to fail".to_owned())),
        Fate::Hangs => std::future::pending().await,
    }
}

#[async_trait]
impl<S: Store, G: Gate> Store for FaultyStore<S, G> {
    async fn create(&self, new: NewRecord) -> Result<Created, StoreError> {
        let id = new.transition.next.id;
        self.writes("create", Some(id), self.inner.create(new)).await
    }

    async fn apply(
        &self,
        id: ExecutionId,
        event: Event,
        now: Timestamp,
        attachments: Attachments,
    ) -> Result<Applied, ApplyError> {
        self.writes("apply", Some(id), self.inner.apply(id, event, now, attachments)).await
    }

    fn apply_behind(&self, id: ExecutionId, event: Event, now: Timestamp) {
        self.marks.lock().push_back((id, event, now));
    }

    async fn load(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError> {
        self.reads("load", Some(id), self.inner.load(id)).await
    }

    async fn payloads(
        &self,
        id: ExecutionId,
        payloads: &[PayloadId],
    ) -> Result<Vec<BoundedJson>, StoreError> {
        self.reads("payloads", Some(id), self.inner.payloads(id, payloads)).await
    }

    async fn pause_end(
        &self,
        id: ExecutionId,
        pause: PauseId,
    ) -> Result<Option<PauseEnd>, StoreError> {
        self.reads("pause_end", Some(id), self.inner.pause_end(id, pause)).await
    }

    async fn history(
        &self,
        id: ExecutionId,
        after: u64,
        page: Page,
    ) -> Result<Part<HistoryEntry>, StoreError> {
        self.reads("history", Some(id), self.inner.history(id, after, page)).await
    }

    async fn logs(
        &self,
        id: ExecutionId,
        after: u64,
        page: Page,
    ) -> Result<Part<StoredLog>, StoreError> {
        self.reads("logs", Some(id), self.inner.logs(id, after, page)).await
    }

    async fn list(
        &self,
        filter: &ExecutionFilter,
        limit: usize,
    ) -> Result<Vec<Execution>, StoreError> {
        self.reads("list", None, self.inner.list(filter, limit)).await
    }

    async fn ready(&self, limit: usize, except: &[WorkflowName]) -> Result<Vec<Ready>, StoreError> {
        self.reads("ready", None, self.inner.ready(limit, except)).await
    }

    async fn deadlines(&self, limit: usize) -> Result<Vec<Deadline>, StoreError> {
        self.reads("deadlines", None, self.inner.deadlines(limit)).await
    }

    async fn remove_ended(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.writes("remove_ended", None, self.inner.remove_ended(before, limit)).await
    }

    fn disk_free_bytes(&self) -> Option<u64> {
        self.inner.disk_free_bytes()
    }

    fn figures(&self) -> StoreFigures {
        self.inner.figures()
    }

    async fn mails(&self, limit: usize) -> Result<Vec<QueuedMail>, StoreError> {
        self.reads("mails", None, self.inner.mails(limit)).await
    }

    async fn mail_sent(&self, id: MailId) -> Result<(), StoreError> {
        self.writes("mail_sent", Some(id.execution), self.inner.mail_sent(id)).await
    }

    async fn mail_failed(&self, id: MailId, at: Option<Timestamp>) -> Result<(), StoreError> {
        self.writes("mail_failed", Some(id.execution), self.inner.mail_failed(id, at)).await
    }

    async fn put_component_bytes(&self, digest: Digest, bytes: Vec<u8>) -> Result<(), StoreError> {
        let put = self.inner.put_component_bytes(digest, bytes);
        self.writes("put_component_bytes", None, put).await
    }

    async fn put_component(&self, component: ComponentRecord) -> Result<bool, StoreError> {
        self.writes("put_component", None, self.inner.put_component(component)).await
    }

    async fn component(&self, name: &ComponentName) -> Result<Option<ComponentRecord>, StoreError> {
        self.reads("component", None, self.inner.component(name)).await
    }

    async fn components(&self) -> Result<Vec<ComponentRecord>, StoreError> {
        self.reads("components", None, self.inner.components()).await
    }

    async fn delete_component(&self, name: &ComponentName) -> Result<(), DeleteError> {
        self.writes("delete_component", None, self.inner.delete_component(name)).await
    }

    async fn put_token(&self, token: Token) -> Result<(), StoreError> {
        self.writes("put_token", None, self.inner.put_token(token)).await
    }

    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        self.reads("tokens", None, self.inner.tokens()).await
    }

    async fn delete_token(&self, id: TokenId) -> Result<(), DeleteError> {
        self.writes("delete_token", None, self.inner.delete_token(id)).await
    }

    async fn put_workflow(
        &self,
        workflow: NewWorkflow,
        now: Timestamp,
    ) -> Result<Deployed, StoreError> {
        self.writes("put_workflow", None, self.inner.put_workflow(workflow, now)).await
    }

    async fn workflow_version(
        &self,
        name: &WorkflowName,
        version: u32,
    ) -> Result<Option<Workflow>, StoreError> {
        let read = self.inner.workflow_version(name, version);
        self.reads("workflow_version", None, read).await
    }

    async fn workflow(&self, name: &WorkflowName) -> Result<Option<Workflow>, StoreError> {
        self.reads("workflow", None, self.inner.workflow(name)).await
    }

    async fn workflows(&self) -> Result<Vec<Workflow>, StoreError> {
        self.reads("workflows", None, self.inner.workflows()).await
    }

    async fn workflow_versions(
        &self,
        name: &WorkflowName,
        after: u32,
        page: Page,
    ) -> Result<Part<Workflow>, StoreError> {
        let versions = self.inner.workflow_versions(name, after, page);
        self.reads("workflow_versions", None, versions).await
    }

    async fn delete_workflow(&self, name: &WorkflowName) -> Result<(), DeleteError> {
        self.writes("delete_workflow", None, self.inner.delete_workflow(name)).await
    }

    async fn put_secret(&self, secret: SecretRecord) -> Result<bool, StoreError> {
        self.writes("put_secret", None, self.inner.put_secret(secret)).await
    }

    async fn secret(&self, name: &SecretName) -> Result<Option<SecretRecord>, StoreError> {
        self.reads("secret", None, self.inner.secret(name)).await
    }

    async fn secrets(&self) -> Result<Vec<SecretRecord>, StoreError> {
        self.reads("secrets", None, self.inner.secrets()).await
    }

    async fn delete_secret(&self, name: &SecretName) -> Result<(), DeleteError> {
        self.writes("delete_secret", None, self.inner.delete_secret(name)).await
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Future, poll_fn};
    use std::pin::pin;
    use std::task::Poll;

    use waystation_core::Status;

    use super::*;
    use crate::MemoryStore;
    use crate::conformance::{self, FIRST, START, create, finish, id, start, suspend};

    fn faulty(number: u64, fault: Fault) -> (Arc<MemoryStore>, FaultyStore<MemoryStore, AtCall>) {
        let inner = Arc::new(MemoryStore::new());
        (inner.clone(), FaultyStore::new(inner, Arc::new(AtCall::new(number, fault))))
    }

    /// The answer; `None` when there is none and never will be.
    async fn answer<T>(call: impl Future<Output = T>) -> Option<T> {
        let mut call = pin!(call);
        poll_fn(|context| match call.as_mut().poll(context) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }

    async fn ended(store: &impl Store) -> Option<Result<Applied, ApplyError>> {
        let event = finish(FIRST, suspend());
        answer(store.apply(id(1), event, START, Attachments::default())).await
    }

    #[tokio::test]
    async fn without_a_fault_it_conforms() {
        struct Open;
        impl Gate for Open {
            async fn before(&self, _: Call) -> Fate {
                Fate::Proceeds
            }
            async fn after(&self, _: Call) -> Fate {
                Fate::Proceeds
            }
        }
        conformance::run(async || FaultyStore::new(Arc::new(MemoryStore::new()), Arc::new(Open)))
            .await;
    }

    #[tokio::test]
    async fn the_call_that_fails_changes_nothing_and_the_next_one_works() {
        let (_, store) = faulty(2, Fault::Fails);
        create(&store, 1).await;
        store.apply_behind(id(1), start(FIRST), START);
        let failed = ended(&store).await.unwrap().unwrap_err();
        assert!(matches!(failed, ApplyError::Store(StoreError::Io(_))), "{failed}");
        let applied = ended(&store).await.unwrap().unwrap();
        assert_eq!(applied.execution.status(), Status::Suspended);
    }

    #[tokio::test]
    async fn what_dies_before_a_call_has_not_made_it() {
        let (inner, store) = faulty(2, Fault::DiesBefore);
        create(&store, 1).await;
        store.apply_behind(id(1), start(FIRST), START);
        assert_eq!(ended(&store).await, None);
        assert_eq!(answer(store.load(id(1))).await, None);
        let kept = inner.load(id(1)).await.unwrap().unwrap();
        assert_eq!((kept.status(), kept.version), (Status::Queued, 1), "the mark is lost, too");
    }

    #[tokio::test]
    async fn what_dies_after_a_call_has_made_it_and_tells_nobody() {
        let (inner, store) = faulty(2, Fault::DiesAfter);
        create(&store, 1).await;
        store.apply_behind(id(1), start(FIRST), START);
        assert_eq!(ended(&store).await, None);
        assert_eq!(answer(store.load(id(1))).await, None);
        assert_eq!(inner.load(id(1)).await.unwrap().unwrap().status(), Status::Suspended);
    }

    #[tokio::test]
    async fn marks_are_seen_when_they_are_durable() {
        let (_, store) = faulty(u64::MAX, Fault::Fails);
        create(&store, 1).await;
        create(&store, 2).await;
        store.apply_behind(id(1), start(FIRST), START);
        let status = async || store.load(id(1)).await.unwrap().unwrap().status();
        assert_eq!((status().await, store.marks()), (Status::Queued, 1));
        store.write_marks();
        assert_eq!((status().await, store.marks()), (Status::Running, 0));
        store.apply_behind(id(2), start(FIRST), START);
        create(&store, 3).await;
        assert_eq!(store.marks(), 0, "the next write takes them along");
    }
}
