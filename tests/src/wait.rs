//! Patience: looking again and again until something is so, with a deadline.

use std::time::{Duration, Instant};

/// Longer than anything takes here, on a slow machine under load.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks.
const BETWEEN: Duration = Duration::from_millis(20);

/// Looks until `look` finds something.
///
/// # Panics
///
/// Nothing was found in a minute; `what` says what was hoped for.
pub fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, look).unwrap_or_else(|| panic!("waited {PATIENCE:?} in vain: {what}"))
}

/// Looks until `look` finds something, at most so long.
pub fn within<T>(patience: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= deadline {
            return None;
        }
        pause(BETWEEN);
    }
}

/// Lets time go by: for a load that has a pace. Who waits for something uses [`until`].
#[expect(clippy::disallowed_methods, reason = "the one place that sleeps")]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}
