//! Waiting for the wall clock, which may jump.

use std::time::Duration;

use waystation_core::{Clock, Timestamp};

/// How often the clock is looked at. One that jumps forwards is noticed within this time;
/// looking costs no access to the store.
const LOOK: Duration = Duration::from_millis(250);

/// Returns when the clock shows `at` or later; without `at`, never.
pub(crate) async fn reached(clock: &dyn Clock, at: Option<Timestamp>) {
    let Some(at) = at else { return std::future::pending().await };
    while clock.now() < at {
        tokio::time::sleep(LOOK).await;
    }
}
