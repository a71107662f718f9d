//! How long commits took.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Classes of commits, by how long they took at most, in microseconds: from a fast disk alone
/// to one that is in trouble.
const CLASSES: [u64; 9] = [500, 1_000, 2_500, 5_000, 10_000, 50_000, 100_000, 500_000, 2_500_000];

#[derive(Default)]
pub(crate) struct CommitFigures {
    commits: AtomicU64,
    micros: AtomicU64,
    classes: [AtomicU64; CLASSES.len()],
}

impl CommitFigures {
    pub(crate) fn count(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
        let class = CLASSES.iter().position(|most| micros <= *most);
        if let Some(class) = class.and_then(|class| self.classes.get(class)) {
            class.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    pub(crate) fn time(&self) -> Duration {
        Duration::from_micros(self.micros.load(Ordering::Relaxed))
    }

    pub(crate) fn times(&self) -> Vec<(Duration, u64)> {
        let counts = self.classes.iter().map(|count| count.load(Ordering::Relaxed));
        CLASSES.into_iter().map(Duration::from_micros).zip(counts).collect()
    }
}
