//! Looks whether what should have happened has happened, and says so when it has not.
//!
//! It reads the store for itself: a dispatcher or a timer that stands still is noticed because
//! nothing of what it should do is done.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use waystation_core::Timestamp;
use waystation_store::StoreError;

use crate::engine::Engine;

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(10);

/// What is late by more is worth a line in the log, in milliseconds.
const LATE_MS: u64 = 60_000;

/// Entries of each list that are looked at.
const LOOKED_AT_MAX: usize = 1000;

/// What is late, and by how much the first of it.
#[derive(Default)]
pub(crate) struct Late {
    count: AtomicU64,
    ms: AtomicU64,
}

impl Late {
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub(crate) fn ms(&self) -> u64 {
        self.ms.load(Ordering::Relaxed)
    }

    /// Notes what a look found. `true`: it is late, and was not at the last look.
    fn note(&self, count: usize, ms: u64) -> bool {
        self.count.store(count as u64, Ordering::Relaxed);
        self.ms.swap(ms, Ordering::Relaxed) <= LATE_MS && ms > LATE_MS
    }
}

/// What the alarm knows.
#[derive(Default)]
pub(crate) struct Alarm {
    /// Executions that could run and do not.
    pub(crate) ready: Late,
    /// Pauses whose deadline is over and that have not ended.
    pub(crate) timers: Late,
}

pub(crate) async fn run(engine: Engine) {
    while engine.is_ready() {
        if let Err(error) = look(&engine, engine.0.clock.now()).await {
            tracing::error!(%error, "what is late could not be read");
        }
        let closed = engine.0.closed.notified();
        // Over is over, and else it is time for the next look.
        drop(tokio::time::timeout(INTERVAL, closed).await);
    }
}

async fn look(engine: &Engine, now: Timestamp) -> Result<(), StoreError> {
    let Alarm { ready, timers } = &engine.0.alarm;
    let active = engine.0.active.lock().len();
    let listed = engine.0.store.ready(active + LOOKED_AT_MAX, &[]).await?;
    let waiting: Vec<_> = {
        let active = engine.0.active.lock();
        listed.iter().filter(|entry| !active.contains(entry.id)).collect()
    };
    let waiting_ms = waiting.iter().map(|entry| now.millis_since(entry.since)).max();
    let waiting_ms = waiting_ms.unwrap_or_default();
    if ready.note(waiting.len(), waiting_ms) {
        tracing::warn!(waiting_ms, "executions that could run wait for a slot");
    }
    let listed = engine.0.store.deadlines(LOOKED_AT_MAX).await?;
    let overdue = listed.partition_point(|entry| entry.at <= now);
    let overdue_ms = listed.first().map_or(0, |first| now.millis_since(first.at));
    if timers.note(overdue, overdue_ms) {
        let first = listed.first().map(|first| first.id.to_string());
        tracing::warn!(overdue_ms, first, "pauses that should have ended have not");
    }
    if let Err(low) = engine.disk_has_room() {
        tracing::warn!(free_mib = low.free_mib, "the disk is nearly full: new work is refused");
    }
    Ok(())
}
