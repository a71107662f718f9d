//! The store: reads go straight to the tree, writes to the committer.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use waystation_core::{
    BoundedJson, ComponentName, Digest, Event, Execution, ExecutionId, HistoryEntry, PauseEnd,
    PauseId, PayloadId, SecretName, Timestamp, Token, TokenId, Workflow, WorkflowName,
};
use waystation_store::{
    Applied, ApplyError, Attachments, ComponentRecord, Created, Deadline, DeleteError, Deployed,
    ExecutionFilter, MailId, NewRecord, NewWorkflow, Page, Part, QueuedMail, Ready, ReadyCounts,
    RunLog, SecretRecord, Store, StoreError, StoreFigures, StoredLog,
};

use crate::check::{Check, CheckReport};
use crate::committer::{Committer, QUEUE_MAX, SnapshotReader, die, guarded};
use crate::files::ComponentFiles;
use crate::keys::Key;
use crate::open::{self, OpenError, Opened};
use crate::view::{Read as _, Stage, broken};
use crate::watch::Watch;
use crate::write::{self, StoredExecution, WorkflowHead};
use crate::{keys, marks, page, ready, remove};

/// A store in a folder of its own.
pub struct SledStore {
    db: sled::Db,
    folder: PathBuf,
    committer: Committer,
    /// How many are ready, those included that a commit under way makes so.
    ready: Arc<Mutex<ReadyCounts>>,
    files: ComponentFiles,
    _watch: Watch,
}

impl SledStore {
    /// Opens the store in `folder`, or makes it. Components' bytes lie in `components`.
    ///
    /// # Errors
    ///
    /// Says what is wrong, and what to do about it.
    pub fn open(folder: &Path, components: &Path) -> Result<SledStore, OpenError> {
        SledStore::open_compact(folder, components, u64::MAX)
    }

    /// The same. A database whose file is larger than `over_bytes`, and eight times as large
    /// as what lives in it, is compacted first.
    ///
    /// # Errors
    ///
    /// Says what is wrong, and what to do about it.
    pub fn open_compact(
        folder: &Path,
        components: &Path,
        over_bytes: u64,
    ) -> Result<SledStore, OpenError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |error| OpenError::Io { path, error }
        };
        let files = ComponentFiles::open(components).map_err(io(components))?;
        let Opened { db, config } = open::open(folder, over_bytes)?;
        let watch = Watch::start(config, |why| die(why)).map_err(io(folder))?;
        let counted = guarded(|| ready::count(&db)).map_err(|why| open::damaged(folder, why))?;
        let ready = Arc::new(Mutex::new(counted));
        let committer = Committer::start(db.clone(), folder, ready.clone()).map_err(io(folder))?;
        Ok(SledStore { db, folder: folder.to_owned(), committer, ready, files, _watch: watch })
    }

    /// Writes what is waiting and closes. Blocks; later calls fail.
    pub fn close(&self) {
        if !self.committer.close() {
            return;
        }
        // Without it the next start can't tell that the last commits are there; no more.
        if let Err(error) = marks::write_closed(&self.folder, self.committer.synced()) {
            tracing::warn!(%error, "the database is closed, and not marked as such");
        }
    }

    /// Everything that is stored now, to be read while it goes on changing. One at a time.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] while another one is read.
    pub async fn snapshot(&self) -> Result<SnapshotReader, StoreError> {
        self.committer.begin_snapshot().await
    }

    /// Reads all that is stored now and says what does not fit together.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] while a snapshot is read; or the store has closed.
    pub async fn check(&self) -> Result<CheckReport, StoreError> {
        let mut snapshot = self.snapshot().await?;
        let mut check = Check::default();
        while let Some(entries) = snapshot.next().await? {
            check.entries(&entries);
        }
        Ok(check.finish(&self.files))
    }

    fn tree(&self) -> &sled::Tree {
        &self.db
    }

    async fn write<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        request: impl FnOnce(&mut Stage<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let keep_or_discard = move |stage: &mut Stage<'_>| {
            let result = request(stage);
            if result.is_ok() {
                stage.keep();
            } else {
                stage.discard();
            }
            result
        };
        self.committer.commit(keep_or_discard).await?
    }

    async fn record<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, StoreError> {
        self.committer.durable(|| self.tree().record(key)).await
    }

    /// The first records whose keys start with `prefix`, in order.
    async fn records<T: DeserializeOwned>(
        &self,
        prefix: &[u8],
        limit: usize,
    ) -> Result<Vec<T>, StoreError> {
        self.committer.durable(|| scan(self.tree(), prefix, limit)).await
    }

    /// A page of the records whose keys start with `prefix` and come after `after`. It may be
    /// some megabytes, so no thread that others wait for reads it.
    async fn page<T: DeserializeOwned + Send + 'static>(
        &self,
        prefix: Key,
        after: Key,
        page: Page,
    ) -> Result<Part<(Key, T)>, StoreError> {
        let tree = self.tree().clone();
        self.committer.durable_apart(move || page::read(&tree, &prefix, &after, page)).await
    }

    fn stored(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError> {
        let stored: Option<StoredExecution> = self.tree().record(&keys::execution(id))?;
        Ok(stored.map(|stored| stored.execution))
    }

    fn listed(&self, filter: &ExecutionFilter, limit: usize) -> Result<Vec<Execution>, StoreError> {
        let (list, parted) = match (&filter.workflow, filter.status) {
            (None, None) => (keys::executions(), true),
            (Some(workflow), None) => (keys::by_workflow(workflow), false),
            (None, Some(status)) => (keys::by_status(status), false),
            (Some(workflow), Some(status)) => (keys::by_both(workflow, status), false),
        };
        let end = match filter.before {
            Some(before) => keys::entry(list.clone(), before),
            None => keys::entry(list.clone(), ExecutionId::from_bytes([0xff; 16])),
        };
        let mut executions = Vec::new();
        for listed in self.db.range(list..end).rev() {
            let (key, _) = listed.map_err(broken)?;
            let key = match (parted, key.strip_suffix(&[0, 0])) {
                (true, Some(first)) => first,
                (true, None) => continue,
                (false, _) => &key,
            };
            let Some(id) = keys::read_entry(key) else { continue };
            // The index may be a moment ahead of the record, or behind.
            executions.extend(self.stored(id)?.filter(|execution| filter.allows(execution)));
            if executions.len() >= limit {
                break;
            }
        }
        Ok(executions)
    }

    fn heads(&self) -> Result<Vec<Workflow>, StoreError> {
        let mut workflows = Vec::new();
        for stored in self.db.scan_prefix(keys::workflow_heads()) {
            let (key, _) = stored.map_err(broken)?;
            let Some(base) = key.strip_suffix(&[0, 0]) else { continue };
            let head: Option<WorkflowHead> = self.tree().record(base)?;
            let name = base.get(1..base.len() - 1).and_then(|name| std::str::from_utf8(name).ok());
            let name: Option<WorkflowName> = name.and_then(|name| name.parse().ok());
            if let (Some(head), Some(name)) = (head.filter(|head| head.live), name) {
                workflows.extend(
                    self.tree().record::<Workflow>(&keys::workflow_version(&name, head.latest))?,
                );
            }
        }
        Ok(workflows)
    }
}

/// See [`SledStore::records`].
fn scan<T: DeserializeOwned>(
    tree: &sled::Tree,
    prefix: &[u8],
    limit: usize,
) -> Result<Vec<T>, StoreError> {
    let mut records = Vec::new();
    for stored in tree.scan_prefix(prefix) {
        let (key, first) = stored.map_err(broken)?;
        if records.len() >= limit {
            break;
        }
        // The first part of a value stands for all of it.
        let Some(base) = key.strip_suffix(&[0, 0]) else { continue };
        let bytes =
            crate::value::decode(&first, |part| tree.raw(&crate::value::part_key(base, part)))?;
        records.push(crate::view::from_json(&bytes)?);
    }
    Ok(records)
}

pub(crate) fn odd_entry(index: &str) -> StoreError {
    StoreError::Damaged(format!("an entry of the index {index:?} is none"))
}

fn file_error(error: &io::Error) -> StoreError {
    StoreError::Io(error.to_string())
}

#[async_trait]
impl Store for SledStore {
    async fn create(&self, new: NewRecord) -> Result<Created, StoreError> {
        if self.committer.depth() >= QUEUE_MAX {
            return Err(StoreError::Busy);
        }
        if new.idempotency_key.is_none()
            && let Err(no_room) = self.ready.lock().check(&new.transition.next.workflow, &new.room)
        {
            // A flood that is refused takes no place in the queue. Who has a key may have been
            // accepted before, and only the committer knows.
            return Ok(Created::Refused(no_room));
        }
        self.write(move |stage| write::create(stage, &new)).await
    }

    async fn apply(
        &self,
        id: ExecutionId,
        event: Event,
        now: Timestamp,
        attachments: Attachments,
    ) -> Result<Applied, ApplyError> {
        self.write(move |stage| write::apply(stage, id, event, now, attachments)).await
    }

    fn apply_behind(&self, id: ExecutionId, event: Event, now: Timestamp) {
        self.committer.commit_behind(move |stage| {
            match write::apply(stage, id, event, now, Attachments::default()) {
                Ok(_) => stage.keep(),
                Err(_) => stage.discard(),
            }
        });
    }

    async fn load(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError> {
        self.committer.durable(|| self.stored(id)).await
    }

    async fn payloads(
        &self,
        id: ExecutionId,
        payloads: &[PayloadId],
    ) -> Result<Vec<BoundedJson>, StoreError> {
        let read = |payload: &PayloadId| {
            let damaged =
                |what: String| StoreError::Damaged(format!("payload {}: {what}", payload.0));
            let bytes = self.tree().bytes(&keys::payload(id, *payload))?;
            let bytes = bytes.ok_or_else(|| damaged("it is gone".into()))?;
            let text = String::from_utf8(bytes).map_err(|error| damaged(error.to_string()))?;
            BoundedJson::from_stored(text).map_err(|error| damaged(error.to_string()))
        };
        self.committer.durable(|| payloads.iter().map(&read).collect()).await
    }

    async fn pause_end(
        &self,
        id: ExecutionId,
        pause: PauseId,
    ) -> Result<Option<PauseEnd>, StoreError> {
        self.record(&keys::pause_end(id, pause)).await
    }

    async fn history(
        &self,
        id: ExecutionId,
        after: u64,
        page: Page,
    ) -> Result<Part<HistoryEntry>, StoreError> {
        let part = self.page(keys::history(id), keys::history_entry(id, after), page).await?;
        let items = part.items.into_iter().map(|(_, entry)| entry);
        Ok(Part { items: items.collect(), more: part.more })
    }

    async fn logs(
        &self,
        id: ExecutionId,
        after: u64,
        page: Page,
    ) -> Result<Part<StoredLog>, StoreError> {
        let part = self.page(keys::logs(id), keys::log(id, after), page).await?;
        let stored = |(key, log): (Key, RunLog)| -> Result<StoredLog, StoreError> {
            let seq = keys::read_seq(&key).ok_or_else(|| odd_entry("l"))?;
            Ok(StoredLog { seq, log })
        };
        let items: Result<_, StoreError> = part.items.into_iter().map(stored).collect();
        Ok(Part { items: items?, more: part.more })
    }

    async fn list(
        &self,
        filter: &ExecutionFilter,
        limit: usize,
    ) -> Result<Vec<Execution>, StoreError> {
        self.committer.durable(|| self.listed(filter, limit)).await
    }

    async fn ready(&self, limit: usize, except: &[WorkflowName]) -> Result<Vec<Ready>, StoreError> {
        self.committer.durable(|| ready::first(self.tree(), limit, except)).await
    }

    async fn deadlines(&self, limit: usize) -> Result<Vec<Deadline>, StoreError> {
        let read = || {
            let mut deadlines = Vec::new();
            for stored in self.tree().scan_prefix(keys::deadlines()).take(limit) {
                let (key, pause) = stored.map_err(broken)?;
                let listed = keys::read_entry_at(&key).zip(keys::read_pause(&pause));
                let ((at, id), pause) = listed.ok_or_else(|| odd_entry("t"))?;
                deadlines.push(Deadline { at: Timestamp::from_millis(at), id, pause });
            }
            Ok(deadlines)
        };
        self.committer.durable(read).await
    }

    async fn remove_ended(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        // What a crash left of an earlier removal goes first.
        while self.write(remove::go_on).await? {}
        let mut gone = 0;
        while gone < limit {
            let rest = limit - gone;
            match self.write(move |stage| remove::begin(stage, before, rest)).await? {
                0 => break,
                begun => gone += begun,
            }
            while self.write(remove::go_on).await? {}
        }
        Ok(gone)
    }

    fn disk_free_bytes(&self) -> Option<u64> {
        let disk = rustix::fs::statvfs(&self.folder).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    fn figures(&self) -> StoreFigures {
        let commits = self.committer.figures();
        StoreFigures {
            queued: self.committer.depth() as u64,
            // A figure for people: not worth an error of its own.
            disk_bytes: self.db.size_on_disk().unwrap_or_default(),
            commits: commits.commits(),
            commit_time: commits.time(),
            commit_times: commits.times(),
        }
    }

    async fn mails(&self, limit: usize) -> Result<Vec<QueuedMail>, StoreError> {
        self.records(&keys::mails(), limit).await
    }

    async fn mail_sent(&self, id: MailId) -> Result<(), StoreError> {
        self.write(move |stage| write::mail_sent(stage, id)).await
    }

    async fn mail_failed(&self, id: MailId, at: Option<Timestamp>) -> Result<(), StoreError> {
        self.write(move |stage| write::mail_failed(stage, id, at)).await
    }

    async fn put_component_bytes(&self, digest: Digest, bytes: Vec<u8>) -> Result<(), StoreError> {
        let files = self.files.clone();
        let stored = tokio::task::spawn_blocking(move || files.put(digest, &bytes)).await;
        stored.map_err(|_| StoreError::Closed)?.map_err(|error| file_error(&error))
    }

    async fn put_component(&self, component: ComponentRecord) -> Result<bool, StoreError> {
        self.write(move |stage| write::put_component(stage, &component)).await
    }

    async fn component(&self, name: &ComponentName) -> Result<Option<ComponentRecord>, StoreError> {
        self.record(&keys::component(name)).await
    }

    async fn components(&self) -> Result<Vec<ComponentRecord>, StoreError> {
        self.records(&keys::components(), usize::MAX).await
    }

    async fn delete_component(&self, name: &ComponentName) -> Result<(), DeleteError> {
        let name = name.clone();
        self.write(move |stage| write::delete_component(stage, &name)).await
    }

    async fn put_token(&self, token: Token) -> Result<(), StoreError> {
        self.write(move |stage| write::put_token(stage, &token)).await
    }

    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        self.records(&keys::tokens(), usize::MAX).await
    }

    async fn delete_token(&self, id: TokenId) -> Result<(), DeleteError> {
        self.write(move |stage| write::delete_token(stage, id)).await
    }

    async fn put_workflow(
        &self,
        workflow: NewWorkflow,
        now: Timestamp,
    ) -> Result<Deployed, StoreError> {
        self.write(move |stage| write::put_workflow(stage, workflow, now)).await
    }

    async fn workflow_version(
        &self,
        name: &WorkflowName,
        version: u32,
    ) -> Result<Option<Workflow>, StoreError> {
        self.record(&keys::workflow_version(name, version)).await
    }

    async fn workflow(&self, name: &WorkflowName) -> Result<Option<Workflow>, StoreError> {
        let head: Option<WorkflowHead> = self.record(&keys::workflow_head(name)).await?;
        match head.filter(|head| head.live) {
            Some(head) => self.workflow_version(name, head.latest).await,
            None => Ok(None),
        }
    }

    async fn workflows(&self) -> Result<Vec<Workflow>, StoreError> {
        self.committer.durable(|| self.heads()).await
    }

    async fn workflow_versions(
        &self,
        name: &WorkflowName,
        after: u32,
        page: Page,
    ) -> Result<Part<Workflow>, StoreError> {
        let (all, after) = (keys::workflow_versions(name), keys::workflow_version(name, after));
        let part = self.page(all, after, page).await?;
        let items = part.items.into_iter().map(|(_, version)| version);
        Ok(Part { items: items.collect(), more: part.more })
    }

    async fn delete_workflow(&self, name: &WorkflowName) -> Result<(), DeleteError> {
        let name = name.clone();
        self.write(move |stage| write::delete_workflow(stage, &name)).await
    }

    async fn put_secret(&self, secret: SecretRecord) -> Result<bool, StoreError> {
        self.write(move |stage| write::put_secret(stage, &secret)).await
    }

    async fn secret(&self, name: &SecretName) -> Result<Option<SecretRecord>, StoreError> {
        self.record(&keys::secret(name)).await
    }

    async fn secrets(&self) -> Result<Vec<SecretRecord>, StoreError> {
        self.records(&keys::secrets(), usize::MAX).await
    }

    async fn delete_secret(&self, name: &SecretName) -> Result<(), DeleteError> {
        let name = name.clone();
        self.write(move |stage| write::delete_secret(stage, &name)).await
    }
}

impl Drop for SledStore {
    fn drop(&mut self) {
        self.close();
    }
}
