//! Removes executions that ended long ago.
//!
//! "Long ago" is by the wall clock, which may be wrong for a while. So nothing is removed before
//! the clock has gone on as it should for an hour, from the start or from its last jump on: time
//! enough to be set right, and the jump is in the log for those who can do that.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;
use waystation_core::Timestamp;
use waystation_store::StoreError;

use crate::engine::Engine;

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(60);

/// Executions that are removed before others get a chance to write.
const BATCH: usize = 32;

/// Intervals in a row in which the clock has to go on as it should.
const CALM: u32 = 60;

/// What the wall clock may be off in one interval, in milliseconds.
const JUMP_MS: u64 = 10_000;

const DAY_MS: u64 = 86_400_000;

pub(crate) async fn run(engine: Engine) {
    let days = u64::from(engine.limits().kept_days);
    let mut calm = 0;
    while engine.is_ready() && days > 0 {
        let before = (Instant::now(), engine.0.clock.now());
        tokio::select! {
            // No dice: what one wakes up for is the same in every replay.
            biased;
            () = engine.0.closed.notified() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
        let now = engine.0.clock.now();
        if jumped(before, (Instant::now(), now)) {
            tracing::warn!(before = %before.1, %now, "the clock has jumped; nothing is removed yet");
            calm = 0;
            continue;
        }
        calm += 1;
        if calm < CALM {
            continue;
        }
        let ended_before = Timestamp::from_millis(now.as_millis().saturating_sub(days * DAY_MS));
        if let Err(error) = engine.remove_ended(ended_before).await {
            tracing::error!(%error, "executions that ended long ago could not be removed");
        }
    }
}

fn jumped((start, shown): (Instant, Timestamp), (end, shows): (Instant, Timestamp)) -> bool {
    let passed = u64::try_from((end - start).as_millis()).unwrap_or(u64::MAX);
    shown.plus_millis(passed).as_millis().abs_diff(shows.as_millis()) > JUMP_MS
}

impl Engine {
    /// Removes executions that ended before `before`, in small commits.
    async fn remove_ended(&self, before: Timestamp) -> Result<(), StoreError> {
        let mut removed = 0;
        while self.is_ready() {
            match self.0.store.remove_ended(before, BATCH).await? {
                0 => break,
                gone => removed += gone as u64,
            }
        }
        self.0.counters.executions_removed.fetch_add(removed, Ordering::Relaxed);
        if removed > 0 {
            tracing::info!(removed, %before, "executions that ended long ago were removed");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_jumps_is_noticed() {
        let start = Instant::now();
        let end = start + INTERVAL;
        let shown = Timestamp::from_millis(1_700_000_000_000);
        let jumps = |millis| jumped((start, shown), (end, Timestamp::from_millis(millis)));
        assert!(!jumps(1_700_000_060_000));
        assert!(!jumps(1_700_000_069_000));
        assert!(jumps(1_700_000_071_000));
        assert!(jumps(1_600_000_000_000));
    }
}
