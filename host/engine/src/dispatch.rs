//! Takes up what is due.
//!
//! The store's index of wakes is the one notion of due. The dispatcher reads it in order, gives
//! every execution that nobody holds to a task, and sleeps until the next one is due, or
//! something changes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit};
use waystation_core::{ExecutionId, Timestamp};
use waystation_store::StoreError;

use crate::drive;
use crate::engine::Engine;

/// How often the wall clock is looked at while something is due later. A clock that jumps
/// forwards is noticed within this time; looking costs no access to the store.
const CLOCK_CHECK: Duration = Duration::from_millis(250);

/// How often the store is read although nothing was told to be due: whatever was missed, it is
/// found.
const SWEEP: Duration = Duration::from_secs(5);

/// How long to wait before the store is asked again after it failed.
const STORE_RETRY: Duration = Duration::from_secs(1);

pub(crate) async fn run(engine: Engine) {
    while engine.is_ready() {
        match take_up_due(&engine).await {
            Ok(next) => sleep_until(&engine, next).await,
            Err(error) => {
                tracing::error!(%error, "what is due could not be read");
                tokio::time::sleep(STORE_RETRY).await;
            }
        }
    }
}

/// Starts what is due, as far as there are slots. Returns when the next one is due.
async fn take_up_due(engine: &Engine) -> Result<Option<Timestamp>, StoreError> {
    let free = engine.0.slots.available_permits();
    let limit = engine.0.active.lock().len() + free + 1;
    let listed = engine.0.store.due(limit).await?;
    let now = engine.0.clock.now();
    let due = listed.partition_point(|entry| entry.at <= now);
    let mut waiting = 0;
    let mut overdue_ms = 0;
    for entry in listed.iter().take(due) {
        match engine.take_up(entry.id) {
            TakenUp::Started => engine.one_waits_no_longer(),
            TakenUp::Held => {}
            TakenUp::NoSlot => {
                waiting += 1;
                overdue_ms = overdue_ms.max(now.millis_since(entry.at));
            }
        }
    }
    engine.0.counters.overdue_ms.store(overdue_ms, Ordering::Relaxed);
    if listed.len() < limit || due < listed.len() {
        // All that is due was seen: this is the exact number.
        engine.0.backlog.store(waiting, Ordering::Relaxed);
    }
    Ok(listed.get(due).map(|entry| entry.at))
}

async fn sleep_until(engine: &Engine, next: Option<Timestamp>) {
    let sweep = tokio::time::sleep(SWEEP);
    tokio::pin!(sweep);
    loop {
        let check = async {
            match next {
                Some(_) => tokio::time::sleep(CLOCK_CHECK).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = engine.0.wake.notified() => return,
            () = &mut sweep => return,
            () = check => {
                if next.is_some_and(|next| next <= engine.0.clock.now()) {
                    return;
                }
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TakenUp {
    /// A new task moves it.
    Started,
    /// A task moves it already; or none will, because the engine shuts down.
    Held,
    /// It waits for a slot; the dispatcher comes back to it.
    NoSlot,
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
    pub(crate) fn take_up(&self, id: ExecutionId) -> TakenUp {
        let mut active = self.0.active.lock();
        if active.contains_key(&id) || !self.is_ready() {
            return TakenUp::Held;
        }
        let Ok(slot) = self.0.slots.clone().try_acquire_owned() else { return TakenUp::NoSlot };
        let interrupt = Arc::new(Notify::new());
        active.insert(id, interrupt.clone());
        let slot = Slot { engine: self.clone(), permit: Some(slot) };
        let held = Held { engine: self.clone(), id, interrupt, _slot: slot };
        tokio::spawn(drive::drive(self.clone(), held));
        TakenUp::Started
    }

    /// The same for one that has just become due. It does not overtake those that wait.
    pub(crate) fn take_up_or_wait(&self, id: ExecutionId) {
        if self.0.backlog.fetch_add(1, Ordering::Relaxed) > 0 {
            self.0.wake.notify_one();
        } else if self.take_up(id) != TakenUp::NoSlot {
            self.one_waits_no_longer();
        }
    }

    /// A slot for something that is no execution. Waits for one.
    pub(crate) async fn slot(&self) -> Option<Slot> {
        let permit = self.0.slots.clone().acquire_owned().await.ok()?;
        Some(Slot { engine: self.clone(), permit: Some(permit) })
    }

    fn one_waits_no_longer(&self) {
        let less = |waiting: usize| Some(waiting.saturating_sub(1));
        // The closure always gives a value, so there is nothing to fail.
        let _ = self.0.backlog.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Stops the run under way, if there is one: its outcome no longer matters.
    pub(crate) fn interrupt(&self, id: ExecutionId) {
        if let Some(interrupt) = self.0.active.lock().get(&id) {
            interrupt.notify_one();
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // The slot goes after this, and tells the dispatcher.
        self.engine.0.active.lock().remove(&self.id);
    }
}
