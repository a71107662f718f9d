//! One worker for each key at a time; who comes meanwhile waits for it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// What is under way, by key.
pub(crate) struct Flights<K>(Mutex<HashMap<K, Arc<AsyncMutex<()>>>>);

impl<K: Copy + Eq + Hash> Flights<K> {
    /// Nothing is under way.
    pub(crate) fn new() -> Flights<K> {
        Flights(Mutex::new(HashMap::new()))
    }

    /// Waits until nobody else works on `key`. Others wait while the answer lives.
    pub(crate) async fn board(&self, key: K) -> OwnedMutexGuard<()> {
        let seat = {
            let mut flights = self.0.lock();
            // Only we hold a seat that nobody sits on or waits for.
            flights.retain(|_, seat| Arc::strong_count(seat) > 1);
            flights.entry(key).or_default().clone()
        };
        seat.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_key_has_one_worker() {
        let flights = Flights::new();
        let first = flights.board(1).await;
        let _other = flights.board(2).await;
        let wait = std::time::Duration::from_millis(20);
        assert!(tokio::time::timeout(wait, flights.board(1)).await.is_err());
        drop(first);
        drop(flights.board(1).await);
        assert!(flights.0.lock().len() <= 2);
    }
}
