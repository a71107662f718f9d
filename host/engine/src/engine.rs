//! The engine and what it holds in memory. All of it may be lost at any moment: the store has
//! everything that matters.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;
use uuid::ContextV7;
use waystation_core::{
    Clock, ExecutionId, Limits, Link, LinkKeys, Note, Status, StepRunner, Workflow, WorkflowName,
};
use waystation_store::{Applied, Store, StoreError};

use crate::active::Active;
use crate::alarm::{self, Alarm};
use crate::mail::Mailer;
use crate::settings::{EngineError, EngineMetrics, EngineParts, EngineSettings};
use crate::waiters::{Responders, Waiters};
use crate::{ComponentGate, SecretKeys, dispatch, retention, timers};

/// Moves executions. Cheap to clone; all clones are one engine.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) runner: Arc<dyn StepRunner>,
    pub(crate) gate: Arc<dyn ComponentGate>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) keys: LinkKeys,
    pub(crate) secret_keys: SecretKeys,
    pub(crate) settings: EngineSettings,
    /// Permits for runs.
    pub(crate) slots: Arc<Semaphore>,
    /// Permits for test runs, which wait for a slot: they are not in anybody's queue.
    pub(crate) test_runs: Semaphore,
    /// Permits for uploads.
    pub(crate) uploads: Arc<Semaphore>,
    /// Executions that a task of this engine moves right now.
    pub(crate) active: Mutex<Active>,
    /// Something may be ready.
    pub(crate) wake: Notify,
    /// There may be an earlier deadline.
    pub(crate) timers: Notify,
    pub(crate) mail: Mailer,
    pub(crate) waiters: Waiters,
    pub(crate) responders: Responders,
    /// Deployed versions never change, so they are read once.
    workflows: Mutex<HashMap<(WorkflowName, u32), Arc<Workflow>>>,
    /// Executions that wait for a slot, about: exact whenever all of them were seen. While there
    /// are any, what becomes due waits behind them.
    pub(crate) backlog: AtomicUsize,
    /// Executions that were ready when this engine started and have not run since. The process
    /// before may have died of their runs.
    pub(crate) suspects: Mutex<HashSet<ExecutionId>>,
    /// Executions that can't be moved, and until when they are left alone.
    pub(crate) aside: Mutex<HashMap<ExecutionId, Instant>>,
    /// Held over a deploy: it is compared with the version before, and nothing comes between.
    pub(crate) deploys: tokio::sync::Mutex<()>,
    /// Counts ids within a millisecond.
    pub(crate) ids: std::sync::Mutex<AssertUnwindSafe<ContextV7>>,
    pub(crate) closing: AtomicBool,
    pub(crate) closed: Notify,
    pub(crate) counters: Counters,
    pub(crate) alarm: Alarm,
}

#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) triggered: AtomicU64,
    pub(crate) completed: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) canceled: AtomicU64,
    pub(crate) runs: AtomicU64,
    pub(crate) mails_sent: AtomicU64,
    pub(crate) mails_failed: AtomicU64,
    pub(crate) executions_removed: AtomicU64,
}

/// Carries `work` out also when its caller leaves: what is committed has to be followed up.
pub(crate) async fn to_the_end<T, E>(
    work: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    // It ends without a result only in a panic, or with the whole process.
    tokio::spawn(work).await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
}

/// How long an execution that can't be moved is left alone, so that others get its slot.
const ASIDE: Duration = Duration::from_secs(5);

/// Workflow versions kept in memory; past it all are read anew.
const WORKFLOWS_MAX: usize = 1024;

impl Engine {
    /// Starts an engine: what is due in the store is taken up at once, and runs that a former
    /// process was cut off in are repeated.
    ///
    /// # Errors
    ///
    /// The settings or the store are not usable.
    pub async fn start(parts: EngineParts) -> Result<Engine, EngineError> {
        let EngineParts { store, runner, gate, clock, keys, secret_keys, settings } = parts;
        let limits = &settings.limits;
        let ready = store.ready(limits.queued_max, &[]).await?;
        let engine = Engine(Arc::new(Inner {
            mail: Mailer::new(&settings.mail)?,
            suspects: Mutex::new(ready.iter().map(|entry| entry.id).collect()),
            aside: Mutex::default(),
            deploys: tokio::sync::Mutex::default(),
            ids: std::sync::Mutex::new(AssertUnwindSafe(ContextV7::new())),
            slots: Arc::new(Semaphore::new(limits.runs_max)),
            test_runs: Semaphore::new(limits.test_runs_max),
            uploads: Arc::new(Semaphore::new(
                limits.compiles_max.saturating_add(limits.compiles_waiting_max),
            )),
            store,
            runner,
            gate,
            clock,
            keys,
            secret_keys,
            settings,
            active: Mutex::default(),
            wake: Notify::new(),
            timers: Notify::new(),
            waiters: Waiters::default(),
            responders: Responders::default(),
            workflows: Mutex::default(),
            backlog: AtomicUsize::new(ready.len()),
            closing: AtomicBool::new(false),
            closed: Notify::new(),
            counters: Counters::default(),
            alarm: Alarm::default(),
        }));
        tokio::spawn(dispatch::run(engine.clone()));
        tokio::spawn(timers::run(engine.clone()));
        tokio::spawn(retention::run(engine.clone()));
        tokio::spawn(alarm::run(engine.clone()));
        tokio::spawn(crate::mail::deliver(engine.clone()));
        Ok(engine)
    }

    /// Takes up nothing new, gives runs under way `limits.drain_s`, and stops. Runs that take
    /// longer are cut off, and repeated by the next engine on this store.
    pub async fn shutdown(&self) {
        self.0.closing.store(true, Ordering::SeqCst);
        self.0.closed.notify_waiters();
        self.0.wake.notify_one();
        self.0.timers.notify_one();
        let all = u32::try_from(self.limits().runs_max).unwrap_or(u32::MAX);
        let grace = Duration::from_secs(self.limits().drain_s.into());
        if tokio::time::timeout(grace, self.0.slots.acquire_many(all)).await.is_err() {
            let cut_off = self.0.active.lock().len();
            tracing::warn!(cut_off, "shutting down although runs are under way");
        }
    }

    /// All limits.
    pub fn limits(&self) -> &Limits {
        &self.0.settings.limits
    }

    /// What links begin with.
    pub fn public_url(&self) -> &str {
        &self.0.settings.public_url
    }

    /// Does it take up work?
    pub fn is_ready(&self) -> bool {
        !self.0.closing.load(Ordering::SeqCst)
    }

    /// What a link's token says; `None` when it is not one of ours.
    pub fn verify(&self, token: &str) -> Option<Link> {
        self.0.keys.verify(token)
    }

    /// Figures of the moment.
    pub fn metrics(&self) -> EngineMetrics {
        let counters = &self.0.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        EngineMetrics {
            executions_triggered: read(&counters.triggered),
            executions_completed: read(&counters.completed),
            executions_failed: read(&counters.failed),
            executions_canceled: read(&counters.canceled),
            executions_removed: read(&counters.executions_removed),
            runs_started: read(&counters.runs),
            runs_active: self.0.active.lock().len() as u64,
            runs_max: self.limits().runs_max as u64,
            mails_sent: read(&counters.mails_sent),
            mails_failed: read(&counters.mails_failed),
            ready_waiting: self.0.alarm.ready.count(),
            ready_waiting_ms: self.0.alarm.ready.ms(),
            timers_overdue: self.0.alarm.timers.count(),
            timers_overdue_ms: self.0.alarm.timers.ms(),
            store: self.0.store.figures(),
            disk_free_bytes: self.0.store.disk_free_bytes().unwrap_or_default(),
        }
    }

    /// Leaves an execution alone for a while: moving it has failed.
    pub(crate) fn put_aside(&self, id: ExecutionId) {
        let now = Instant::now();
        let mut aside = self.0.aside.lock();
        aside.retain(|_, until| *until > now);
        aside.insert(id, now + ASIDE);
    }

    /// Has moving it failed a moment ago?
    pub(crate) fn is_aside(&self, id: ExecutionId) -> bool {
        let mut aside = self.0.aside.lock();
        let until = aside.get(&id).copied();
        if until.is_some_and(|until| until <= Instant::now()) {
            aside.remove(&id);
            return false;
        }
        until.is_some()
    }

    /// How many are left alone, about.
    pub(crate) fn aside(&self) -> usize {
        self.0.aside.lock().len()
    }

    /// A deployed version.
    pub(crate) async fn version(
        &self,
        name: &WorkflowName,
        version: u32,
    ) -> Result<Arc<Workflow>, StoreError> {
        let key = (name.clone(), version);
        if let Some(workflow) = self.0.workflows.lock().get(&key) {
            return Ok(workflow.clone());
        }
        let missing = || StoreError::Damaged(format!("workflow {name} has no version {version}"));
        let workflow = self.0.store.workflow_version(name, version).await?.ok_or_else(missing)?;
        let workflow = Arc::new(workflow);
        let mut workflows = self.0.workflows.lock();
        if workflows.len() >= WORKFLOWS_MAX {
            workflows.clear();
        }
        workflows.insert(key, workflow.clone());
        Ok(workflow)
    }

    /// What follows a commit. May be lost without harm.
    pub(crate) fn after(&self, applied: &Applied) {
        let execution = &applied.execution;
        let status = execution.status();
        let count = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
        match status {
            Status::Completed => count(&self.0.counters.completed),
            Status::Failed => count(&self.0.counters.failed),
            Status::Canceled => count(&self.0.counters.canceled),
            Status::Queued | Status::Running | Status::Suspended => 0,
        };
        for note in &applied.entry.notes {
            if let Note::RefusedEarlyCall { action, called_at, why } = note {
                let (id, action) = (execution.id, action.as_str());
                tracing::warn!(%id, action, %called_at, why, "a call that came early is refused");
            }
        }
        if status.is_terminal() || status == Status::Suspended {
            self.0.responders.close(execution.id);
            self.0.waiters.notify(execution.id);
        }
        if status == Status::Suspended {
            // Its deadline may be the earliest now.
            self.0.timers.notify_one();
        }
    }
}
