//! How many calls there may be at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Places for calls of all runs.
pub(super) struct Places {
    all: Arc<Semaphore>,
    per_host_max: usize,
    hosts: Mutex<HashMap<String, Weak<Semaphore>>>,
}

/// A call's place, in its run, at its host, and among all calls. Free again when it is dropped.
pub(super) struct Place {
    _of_run: OwnedSemaphorePermit,
    _at_host: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Places {
    /// So many places in all, and so many for each host.
    pub(super) fn new(all_max: usize, per_host_max: usize) -> Places {
        Places { all: Arc::new(Semaphore::new(all_max)), per_host_max, hosts: Mutex::default() }
    }

    /// Waits for a place at `host`, for a call of the run that has the places `run`.
    pub(super) async fn take(&self, run: Arc<Semaphore>, host: &str) -> Option<Place> {
        // The scarcest comes last: who waits for another holds none of it.
        let _of_run = run.acquire_owned().await.ok()?;
        let _at_host = self.host(host).acquire_owned().await.ok()?;
        let _of_all = self.all.clone().acquire_owned().await.ok()?;
        Some(Place { _of_run, _at_host, _of_all })
    }

    fn host(&self, host: &str) -> Arc<Semaphore> {
        let mut hosts = self.hosts.lock();
        if let Some(places) = hosts.get(host).and_then(Weak::upgrade) {
            return places;
        }
        // Only hosts that somebody calls or waits for are remembered.
        hosts.retain(|_, places| places.strong_count() > 0);
        let places = Arc::new(Semaphore::new(self.per_host_max));
        hosts.insert(host.to_owned(), Arc::downgrade(&places));
        places
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn is_full(places: &Places, run: &Arc<Semaphore>, host: &str) -> bool {
        tokio::time::timeout(Duration::from_millis(20), places.take(run.clone(), host))
            .await
            .is_err()
    }

    #[tokio::test]
    async fn runs_hosts_and_all_are_bounded() {
        let places = Places::new(4, 2);
        let (one, two) = (Arc::new(Semaphore::new(3)), Arc::new(Semaphore::new(3)));
        let first = places.take(one.clone(), "a").await;
        let _second = places.take(one.clone(), "a").await;
        assert!(is_full(&places, &two, "a").await, "the host has two");
        let _third = places.take(one.clone(), "b").await;
        assert!(is_full(&places, &one, "c").await, "the run has three");
        let _fourth = places.take(two.clone(), "c").await;
        assert!(is_full(&places, &two, "d").await, "there are four");
        drop(first);
        assert!(!is_full(&places, &two, "a").await);
    }

    #[tokio::test]
    async fn hosts_that_nobody_calls_are_forgotten() {
        let places = Places::new(4, 2);
        let run = Arc::new(Semaphore::new(3));
        for n in 0..100 {
            drop(places.take(run.clone(), &format!("h{n}")).await);
        }
        assert_eq!(places.hosts.lock().len(), 1);
    }
}
