//! Ends pauses whose time is over.
//!
//! A deadline names its pause: a timer that comes too late changes nothing. Ending a pause is a
//! commit and no run, so it waits for no slot; what is ready then, the dispatcher takes up.

use std::time::Duration;

use waystation_core::{Event, Status, Timestamp};
use waystation_store::{ApplyError, Attachments, Deadline, StoreError};

use crate::clock;
use crate::engine::Engine;

/// How often the store is read although nothing was told: whatever was missed, it is found.
const SWEEP: Duration = Duration::from_secs(5);

/// How long to wait before the store is asked again after it failed.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// Pauses that are ended before the list is read again. Their commits go to disk in one sync.
const BATCH: usize = 64;

pub(crate) async fn run(engine: Engine) {
    while engine.is_ready() {
        match end_pauses(&engine).await {
            Ok(next) => tokio::select! {
                // No dice: what one wakes up for is the same in every replay.
                biased;
                () = engine.0.timers.notified() => {}
                () = tokio::time::sleep(SWEEP) => {}
                () = clock::reached(engine.0.clock.as_ref(), next) => {}
            },
            Err(error) => {
                tracing::error!(%error, "pauses whose time is over could not be ended");
                tokio::time::sleep(STORE_RETRY).await;
            }
        }
    }
}

/// Ends all that are due. Returns when the next one is.
async fn end_pauses(engine: &Engine) -> Result<Option<Timestamp>, StoreError> {
    loop {
        let listed = engine.0.store.deadlines(BATCH + engine.aside()).await?;
        let listed: Vec<_> = listed.into_iter().filter(|one| !engine.is_aside(one.id)).collect();
        let now = engine.0.clock.now();
        let due = listed.partition_point(|entry| entry.at <= now);
        if due == 0 || !engine.is_ready() {
            return Ok(listed.first().map(|entry| entry.at));
        }
        let ended = listed[..due].iter().map(|entry| end(engine, entry, now));
        futures_util::future::join_all(ended).await;
    }
}

/// Ends one pause. What can't be ended is left alone for a while, and the others go on.
async fn end(engine: &Engine, entry: &Deadline, now: Timestamp) {
    let event = Event::TimeOut { pause: entry.pause };
    match engine.0.store.apply(entry.id, event, now, Attachments::default()).await {
        Ok(applied) => {
            engine.after(&applied);
            if applied.execution.status() == Status::Queued {
                engine.take_up_or_wait(entry.id, &applied.execution.workflow);
            }
        }
        // It was resumed, canceled or removed a moment ago, and the list says so by now.
        Err(ApplyError::Rejected(_) | ApplyError::NotFound) if !is_listed(engine, entry).await => {}
        Err(error) => {
            tracing::error!(id = %entry.id, %error, "a pause whose time is over could not be ended");
            engine.put_aside(entry.id);
        }
    }
}

/// Does the store still say that this pause is open?
async fn is_listed(engine: &Engine, entry: &Deadline) -> bool {
    let listed = engine.0.store.deadlines(BATCH + engine.aside()).await;
    listed.is_ok_and(|listed| listed.contains(entry))
}
