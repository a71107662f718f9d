//! Takes up what is ready.
//!
//! The store lists the executions with a run that is due or under way, first come first served.
//! The dispatcher gives every one that nobody holds to a task, as far as there are slots, and
//! sleeps until something changes. It never asks what time it is.
//!
//! A workflow has its share of the slots and no more, and the last slots are for workflows of
//! which none runs. Where one would take more, those behind it are looked for without it, however
//! many of its executions wait.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit};
use waystation_core::{ExecutionId, WorkflowName};
use waystation_store::StoreError;

use crate::drive;
use crate::engine::Engine;

/// How often the store is read although nothing was told to be ready.
const SWEEP: Duration = Duration::from_secs(5);

/// How long to wait before the store is asked again after it failed.
const STORE_RETRY: Duration = Duration::from_secs(1);

pub(crate) async fn run(engine: Engine) {
    while engine.is_ready() {
        match take_up_ready(&engine).await {
            // Told or not: whatever was missed, it is found.
            Ok(()) => drop(tokio::time::timeout(SWEEP, engine.0.wake.notified()).await),
            Err(error) => {
                tracing::error!(%error, "what is ready could not be read");
                tokio::time::sleep(STORE_RETRY).await;
            }
        }
    }
}

/// Starts what is ready, as far as there are slots.
async fn take_up_ready(engine: &Engine) -> Result<(), StoreError> {
    let mut seen = take_up_first(engine, &[]).await?;
    if seen.all {
        // This is the exact number.
        engine.0.backlog.store(seen.no_slot + seen.no_share, Ordering::Relaxed);
    }
    // Each further look leaves out a workflow more, and there are as many as have runs.
    while !seen.all && seen.no_share > 0 && engine.0.slots.available_permits() > 0 {
        let except = engine.0.active.lock().with_share(engine.share());
        seen = take_up_first(engine, &except).await?;
    }
    Ok(())
}

/// What a look at the list came to.
struct Seen {
    /// Those that were looked for are no more than these.
    all: bool,
    no_slot: usize,
    no_share: usize,
}

/// Starts the first that are ready, those of `except` left out.
async fn take_up_first(engine: &Engine, except: &[WorkflowName]) -> Result<Seen, StoreError> {
    let free = engine.0.slots.available_permits();
    let limit = engine.0.active.lock().len() + engine.aside() + free + 1;
    let listed = engine.0.store.ready(limit, except).await?;
    let mut seen = Seen { all: listed.len() < limit, no_slot: 0, no_share: 0 };
    for entry in &listed {
        match engine.take_up(entry.id, &entry.workflow) {
            TakenUp::Started => engine.one_waits_no_longer(),
            TakenUp::Held => {}
            TakenUp::NoSlot => seen.no_slot += 1,
            TakenUp::NoShare => seen.no_share += 1,
        }
    }
    Ok(seen)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TakenUp {
    /// A new task moves it.
    Started,
    /// A task moves it already; or none will, because moving it has just failed, or the engine
    /// shuts down.
    Held,
    /// It waits for a slot; the dispatcher comes back to it.
    NoSlot,
    /// It waits for a run of its own workflow to end, or for more slots to be free; the dispatcher
    /// comes back to it.
    NoShare,
}

/// A permit to run something. Whoever waits for one is told when it is free again.
pub(crate) struct Slot {
    engine: Engine,
    permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        // First free, then told.
        self.permit.take();
        self.engine.0.wake.notify_one();
    }
}

/// An execution that this engine moves, and the slot it takes for that.
pub(crate) struct Held {
    engine: Engine,
    pub(crate) id: ExecutionId,
    pub(crate) interrupt: Arc<Notify>,
    _slot: Slot,
}

impl Engine {
    /// Gives the execution to a task of its own, unless one has it already.
    pub(crate) fn take_up(&self, id: ExecutionId, workflow: &WorkflowName) -> TakenUp {
        let mut active = self.0.active.lock();
        if active.contains(id) || self.is_aside(id) || !self.is_ready() {
            return TakenUp::Held;
        }
        if active.of(workflow) >= self.share() {
            return TakenUp::NoShare;
        }
        let Ok(slot) = self.0.slots.clone().try_acquire_owned() else { return TakenUp::NoSlot };
        let interrupt = active.add(id, workflow.clone());
        let slot = Slot { engine: self.clone(), permit: Some(slot) };
        let held = Held { engine: self.clone(), id, interrupt, _slot: slot };
        tokio::spawn(drive::drive(self.clone(), held));
        TakenUp::Started
    }

    /// The same for one that has just become due. It does not overtake those that wait.
    pub(crate) fn take_up_or_wait(&self, id: ExecutionId, workflow: &WorkflowName) {
        if self.0.backlog.fetch_add(1, Ordering::Relaxed) > 0 {
            self.0.wake.notify_one();
            return;
        }
        match self.take_up(id, workflow) {
            TakenUp::Started | TakenUp::Held => self.one_waits_no_longer(),
            TakenUp::NoSlot | TakenUp::NoShare => {}
        }
    }

    /// A slot for something that is no execution. Waits for one.
    pub(crate) async fn slot(&self) -> Option<Slot> {
        let permit = self.0.slots.clone().acquire_owned().await.ok()?;
        Some(Slot { engine: self.clone(), permit: Some(permit) })
    }

    /// How many runs of one workflow may be under way, as things stand.
    fn share(&self) -> usize {
        let limits = self.limits();
        if self.0.slots.available_permits() > limits.runs_for_newcomers() {
            limits.runs_per_workflow_max
        } else {
            1
        }
    }

    fn one_waits_no_longer(&self) {
        let less = |waiting: usize| Some(waiting.saturating_sub(1));
        // The closure always gives a value, so there is nothing to fail.
        let _ = self.0.backlog.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Stops the run under way, if there is one: its outcome no longer matters.
    pub(crate) fn interrupt(&self, id: ExecutionId) {
        self.0.active.lock().interrupt(id);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // The slot goes after this, and tells the dispatcher.
        self.engine.0.active.lock().remove(self.id);
    }
}
