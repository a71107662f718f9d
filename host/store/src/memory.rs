//! The store's promises in the plainest form: maps behind one lock. Nothing is durable. It is
//! the model that other stores are compared with, and the store of tests.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use parking_lot::Mutex;
use waystation_core::{
    BoundedJson, ComponentName, Digest, Event, Execution, ExecutionId, HistoryEntry, PauseEnd,
    PauseId, PayloadId, SecretName, Timestamp, Token, TokenId, Transition, Wake, Workflow,
    WorkflowName, transition,
};

use crate::{
    Applied, ApplyError, Attachments, ComponentRecord, Created, Deadline, DeleteError, Deployed,
    ExecutionFilter, MailId, NewRecord, NewWorkflow, Page, Part, QueuedMail, Ready, ReadyCounts,
    SecretRecord, Store, StoreError, StoreFigures, StoredLog,
};

/// A store that forgets everything when it is dropped.
#[derive(Default)]
pub struct MemoryStore(Mutex<Inner>);

#[derive(Clone, Default)]
struct Inner {
    executions: BTreeMap<ExecutionId, Entry>,
    keys: HashMap<(WorkflowName, String), ExecutionId>,
    mails: BTreeMap<MailId, QueuedMail>,
    bytes: HashMap<Digest, Vec<u8>>,
    components: BTreeMap<ComponentName, ComponentRecord>,
    tokens: BTreeMap<TokenId, Token>,
    versions: BTreeMap<WorkflowName, Vec<Workflow>>,
    live: BTreeMap<WorkflowName, u32>,
    secrets: BTreeMap<SecretName, SecretRecord>,
    /// Events accepted so far.
    accepted: u64,
}

#[derive(Clone)]
struct Entry {
    execution: Execution,
    /// Its place among the ready ones, and since when it has it.
    ready: Option<(u64, Timestamp)>,
    payloads: HashMap<PayloadId, BoundedJson>,
    pauses: HashMap<PauseId, PauseEnd>,
    history: Vec<HistoryEntry>,
    logs: Vec<StoredLog>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }

    /// Another store that holds the same.
    #[must_use]
    pub fn fork(&self) -> MemoryStore {
        MemoryStore(Mutex::new(self.0.lock().clone()))
    }
}

impl Inner {
    fn apply(
        &mut self,
        id: ExecutionId,
        event: Event,
        now: Timestamp,
        attachments: Attachments,
    ) -> Result<Applied, ApplyError> {
        let entry = self.executions.get_mut(&id).ok_or(ApplyError::NotFound)?;
        let change = transition(&entry.execution, event, now)?;
        let step = entry.execution.run().and_then(|run| entry.execution.step(run.id.step));
        for (index, mail) in (0..).zip(attachments.mails) {
            let id = MailId { execution: id, seq: change.entry.seq, index };
            let Some(step) = step.map(|step| step.name.clone()) else { continue };
            self.mails.insert(id, QueuedMail { id, at: now, failures: 0, step, mail });
        }
        let log = attachments.log.filter(|log| !log.lines.is_empty());
        entry.logs.extend(log.map(|log| StoredLog { seq: change.entry.seq, log }));
        let applied = Applied {
            execution: change.next.clone(),
            entry: change.entry.clone(),
            effects: change.effects.clone(),
        };
        self.accepted += 1;
        entry.accept(change, self.accepted, now);
        Ok(applied)
    }

    /// Who needs what `needs` looks for, in words.
    fn user_of(&self, needs: impl Fn(&Workflow) -> bool) -> Option<String> {
        for (name, versions) in &self.versions {
            for workflow in versions.iter().filter(|workflow| needs(workflow)) {
                let version = workflow.version;
                if self.live.get(name) == Some(&version) {
                    return Some(format!("workflow {name}, version {version}"));
                }
                let under_way = self.executions.values().map(|entry| &entry.execution).any(|one| {
                    one.workflow == *name
                        && one.workflow_version == version
                        && !one.status().is_terminal()
                });
                if under_way {
                    return Some(format!(
                        "executions under way of workflow {name}, version {version}"
                    ));
                }
            }
        }
        None
    }

    fn ready_counts(&self) -> ReadyCounts {
        let mut counts = ReadyCounts::default();
        let ready = self.executions.values().filter(|entry| entry.ready.is_some());
        ready.for_each(|entry| counts.add(&entry.execution.workflow));
        counts
    }

    fn live_workflow(&self, name: &WorkflowName) -> Option<&Workflow> {
        let version = *self.live.get(name)?;
        self.versions.get(name)?.iter().find(|workflow| workflow.version == version)
    }
}

impl Entry {
    fn new(change: Transition, number: u64, now: Timestamp) -> Entry {
        let mut entry = Entry {
            execution: change.next.clone(),
            ready: None,
            payloads: HashMap::new(),
            pauses: HashMap::new(),
            history: Vec::new(),
            logs: Vec::new(),
        };
        entry.accept(change, number, now);
        entry
    }

    fn accept(&mut self, change: Transition, number: u64, now: Timestamp) {
        let kept = self.ready.filter(|_| change.pause_end.is_none());
        self.ready = match change.wake() {
            Wake::Now => kept.or(Some((number, now))),
            Wake::At(_) | Wake::Never => None,
        };
        self.payloads.extend(change.payloads.put);
        for payload in change.payloads.drop {
            self.payloads.remove(&payload);
        }
        self.pauses.extend(change.pause_end);
        self.history.push(change.entry);
        self.execution = change.next;
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn create(&self, new: NewRecord) -> Result<Created, StoreError> {
        let mut inner = self.0.lock();
        let (id, workflow) = (new.transition.next.id, new.transition.next.workflow.clone());
        if let Some(key) = &new.idempotency_key
            && let Some(existing) = inner.keys.get(&(workflow.clone(), key.clone()))
        {
            return Ok(Created::Existing(*existing));
        }
        if let Err(no_room) = inner.ready_counts().check(&workflow, &new.room) {
            return Ok(Created::Refused(no_room));
        }
        if let Some(key) = new.idempotency_key {
            inner.keys.insert((workflow, key), id);
        }
        let now = new.transition.next.triggered_at;
        inner.accepted += 1;
        let entry = Entry::new(new.transition, inner.accepted, now);
        inner.executions.insert(id, entry);
        Ok(Created::New)
    }

    async fn apply(
        &self,
        id: ExecutionId,
        event: Event,
        now: Timestamp,
        attachments: Attachments,
    ) -> Result<Applied, ApplyError> {
        self.0.lock().apply(id, event, now, attachments)
    }

    fn apply_behind(&self, id: ExecutionId, event: Event, now: Timestamp) {
        // Without an answer, as promised: an event that does not apply changes nothing.
        let _ = self.0.lock().apply(id, event, now, Attachments::default());
    }

    async fn load(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError> {
        Ok(self.0.lock().executions.get(&id).map(|entry| entry.execution.clone()))
    }

    async fn payloads(
        &self,
        id: ExecutionId,
        payloads: &[PayloadId],
    ) -> Result<Vec<BoundedJson>, StoreError> {
        let inner = self.0.lock();
        let entry = inner.executions.get(&id);
        let read = |payload: &PayloadId| {
            let gone = || StoreError::Damaged(format!("payload {}: it is gone", payload.0));
            entry.and_then(|entry| entry.payloads.get(payload)).cloned().ok_or_else(gone)
        };
        payloads.iter().map(read).collect()
    }

    async fn pause_end(
        &self,
        id: ExecutionId,
        pause: PauseId,
    ) -> Result<Option<PauseEnd>, StoreError> {
        let inner = self.0.lock();
        Ok(inner.executions.get(&id).and_then(|entry| entry.pauses.get(&pause)).cloned())
    }

    async fn history(
        &self,
        id: ExecutionId,
        after: u64,
        page: Page,
    ) -> Result<Part<HistoryEntry>, StoreError> {
        let inner = self.0.lock();
        let history = inner.executions.get(&id).map_or(&[][..], |entry| &entry.history);
        Ok(Part::of(history.iter().filter(|entry| entry.seq > after).cloned(), page))
    }

    async fn logs(
        &self,
        id: ExecutionId,
        after: u64,
        page: Page,
    ) -> Result<Part<StoredLog>, StoreError> {
        let inner = self.0.lock();
        let logs = inner.executions.get(&id).map_or(&[][..], |entry| &entry.logs);
        Ok(Part::of(logs.iter().filter(|log| log.seq > after).cloned(), page))
    }

    async fn list(
        &self,
        filter: &ExecutionFilter,
        limit: usize,
    ) -> Result<Vec<Execution>, StoreError> {
        let inner = self.0.lock();
        let newest_first = inner.executions.values().rev().map(|entry| &entry.execution);
        Ok(newest_first.filter(|one| filter.allows(one)).take(limit).cloned().collect())
    }

    async fn ready(&self, limit: usize, except: &[WorkflowName]) -> Result<Vec<Ready>, StoreError> {
        let inner = self.0.lock();
        let mut ready: Vec<_> = inner
            .executions
            .iter()
            .filter(|(_, entry)| !except.contains(&entry.execution.workflow))
            .filter_map(|(id, entry)| Some((entry.ready?, *id, &entry.execution.workflow)))
            .collect();
        ready.sort_unstable();
        ready.truncate(limit);
        let listed = ready.into_iter().map(|((_, since), id, workflow)| {
            let workflow = workflow.clone();
            Ready { id, workflow, since }
        });
        Ok(listed.collect())
    }

    async fn deadlines(&self, limit: usize) -> Result<Vec<Deadline>, StoreError> {
        let inner = self.0.lock();
        let pauses = inner.executions.values().filter_map(|entry| {
            let pause = entry.execution.pause()?;
            Some(Deadline { at: pause.deadline, id: entry.execution.id, pause: pause.id })
        });
        let mut deadlines: Vec<Deadline> = pauses.collect();
        deadlines.sort_unstable();
        deadlines.truncate(limit);
        Ok(deadlines)
    }

    async fn remove_ended(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut guard = self.0.lock();
        let inner = &mut *guard;
        let mut ended: Vec<(Timestamp, ExecutionId)> = inner
            .executions
            .values()
            .filter_map(|entry| Some((entry.execution.finished_at?, entry.execution.id)))
            .filter(|(at, id)| *at < before && inner.mails.keys().all(|m| m.execution != *id))
            .collect();
        ended.sort_unstable();
        ended.truncate(limit);
        for (_, id) in &ended {
            inner.executions.remove(id);
            inner.keys.retain(|_, execution| execution != id);
        }
        Ok(ended.len())
    }

    fn figures(&self) -> StoreFigures {
        StoreFigures::default()
    }

    async fn mails(&self, limit: usize) -> Result<Vec<QueuedMail>, StoreError> {
        let mut mails: Vec<QueuedMail> = self.0.lock().mails.values().cloned().collect();
        mails.sort_by_key(|mail| (mail.at, mail.id));
        mails.truncate(limit);
        Ok(mails)
    }

    async fn mail_sent(&self, id: MailId) -> Result<(), StoreError> {
        self.0.lock().mails.remove(&id);
        Ok(())
    }

    async fn mail_failed(&self, id: MailId, at: Option<Timestamp>) -> Result<(), StoreError> {
        let mut inner = self.0.lock();
        match (inner.mails.get_mut(&id), at) {
            (Some(mail), Some(at)) => {
                mail.at = at;
                mail.failures = mail.failures.saturating_add(1);
            }
            (Some(_), None) => {
                inner.mails.remove(&id);
            }
            (None, _) => {}
        }
        Ok(())
    }

    async fn put_component_bytes(&self, digest: Digest, bytes: Vec<u8>) -> Result<(), StoreError> {
        self.0.lock().bytes.insert(digest, bytes);
        Ok(())
    }

    async fn put_component(&self, component: ComponentRecord) -> Result<bool, StoreError> {
        let mut inner = self.0.lock();
        let before = inner.components.get(&component.name).map(|before| before.digest);
        let moved = before != Some(component.digest);
        if moved {
            inner.components.insert(component.name.clone(), component);
        }
        Ok(moved)
    }

    async fn component(&self, name: &ComponentName) -> Result<Option<ComponentRecord>, StoreError> {
        Ok(self.0.lock().components.get(name).cloned())
    }

    async fn components(&self) -> Result<Vec<ComponentRecord>, StoreError> {
        Ok(self.0.lock().components.values().cloned().collect())
    }

    async fn delete_component(&self, name: &ComponentName) -> Result<(), DeleteError> {
        let mut inner = self.0.lock();
        let digest = inner.components.get(name).ok_or(DeleteError::NotFound)?.digest;
        if let Some(user) = inner.user_of(|workflow| workflow.digests.contains(&digest)) {
            return Err(DeleteError::InUse(user));
        }
        inner.components.remove(name);
        Ok(())
    }

    async fn put_token(&self, token: Token) -> Result<(), StoreError> {
        self.0.lock().tokens.insert(token.id, token);
        Ok(())
    }

    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        Ok(self.0.lock().tokens.values().cloned().collect())
    }

    async fn delete_token(&self, id: TokenId) -> Result<(), DeleteError> {
        self.0.lock().tokens.remove(&id).map(drop).ok_or(DeleteError::NotFound)
    }

    async fn put_workflow(
        &self,
        workflow: NewWorkflow,
        now: Timestamp,
    ) -> Result<Deployed, StoreError> {
        let mut inner = self.0.lock();
        let name = workflow.spec.name.clone();
        let live = inner.live.get(&name).copied();
        let versions = inner.versions.entry(name.clone()).or_default();
        let live = versions.iter_mut().find(|version| Some(version.version) == live);
        if let Some(live) = live.filter(|live| workflow.is(live)) {
            live.grants = workflow.grants;
            return Ok(Deployed { workflow: live.clone(), created: false });
        }
        let version = versions.last().map_or(0, |latest| latest.version) + 1;
        let workflow = workflow.deployed(version, now);
        versions.push(workflow.clone());
        inner.live.insert(name, version);
        Ok(Deployed { workflow, created: true })
    }

    async fn workflow_version(
        &self,
        name: &WorkflowName,
        version: u32,
    ) -> Result<Option<Workflow>, StoreError> {
        let inner = self.0.lock();
        let versions = inner.versions.get(name).map_or(&[][..], Vec::as_slice);
        Ok(versions.iter().find(|workflow| workflow.version == version).cloned())
    }

    async fn workflow(&self, name: &WorkflowName) -> Result<Option<Workflow>, StoreError> {
        Ok(self.0.lock().live_workflow(name).cloned())
    }

    async fn workflows(&self) -> Result<Vec<Workflow>, StoreError> {
        let inner = self.0.lock();
        Ok(inner.live.keys().filter_map(|name| inner.live_workflow(name)).cloned().collect())
    }

    async fn workflow_versions(
        &self,
        name: &WorkflowName,
        after: u32,
        page: Page,
    ) -> Result<Part<Workflow>, StoreError> {
        let inner = self.0.lock();
        let versions = inner.versions.get(name).map_or(&[][..], Vec::as_slice);
        Ok(Part::of(versions.iter().filter(|one| one.version > after).cloned(), page))
    }

    async fn delete_workflow(&self, name: &WorkflowName) -> Result<(), DeleteError> {
        self.0.lock().live.remove(name).map(drop).ok_or(DeleteError::NotFound)
    }

    async fn put_secret(&self, secret: SecretRecord) -> Result<bool, StoreError> {
        let before = self.0.lock().secrets.insert(secret.name.clone(), secret);
        Ok(before.is_none())
    }

    async fn secret(&self, name: &SecretName) -> Result<Option<SecretRecord>, StoreError> {
        Ok(self.0.lock().secrets.get(name).cloned())
    }

    async fn secrets(&self) -> Result<Vec<SecretRecord>, StoreError> {
        Ok(self.0.lock().secrets.values().cloned().collect())
    }

    async fn delete_secret(&self, name: &SecretName) -> Result<(), DeleteError> {
        let mut inner = self.0.lock();
        if !inner.secrets.contains_key(name) {
            return Err(DeleteError::NotFound);
        }
        if let Some(user) = inner.user_of(|workflow| workflow.spec.names_secret(name)) {
            return Err(DeleteError::InUse(user));
        }
        inner.secrets.remove(name);
        Ok(())
    }
}
