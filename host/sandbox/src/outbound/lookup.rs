//! Looking a name up, without being held up by names that are slow.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::error::CallError;
use super::resolve::Resolve;

/// Look-ups of one run at the same time: a run with slow names must not take all that there are.
pub(super) const OF_RUN_MAX: usize = 4;

/// Who looks up names.
pub(super) struct Lookups {
    resolver: Arc<dyn Resolve>,
    all: Arc<Semaphore>,
}

impl Lookups {
    /// At most `all_max` at the same time.
    pub(super) fn new(resolver: Arc<dyn Resolve>, all_max: usize) -> Lookups {
        Lookups { resolver, all: Arc::new(Semaphore::new(all_max)) }
    }

    /// What is asked.
    pub(super) fn resolver(&self) -> &dyn Resolve {
        self.resolver.as_ref()
    }

    /// The addresses of `name`, for a run that has the places `run` for looking up.
    pub(super) async fn look_up(
        &self,
        name: String,
        port: u16,
        run: Arc<Semaphore>,
        by: Instant,
    ) -> Result<Vec<SocketAddr>, CallError> {
        let (all, resolver) = (self.all.clone(), self.resolver.clone());
        let places =
            async { Some((run.acquire_owned().await.ok()?, all.acquire_owned().await.ok()?)) };
        let Ok(Some(places)) = timeout_at(by, places).await else {
            return Err(CallError::DnsTimeout);
        };
        // The system's resolver occupies a thread until it is done, whether or not anybody still
        // waits: so long are the places taken.
        let looked_up = tokio::spawn(async move {
            let _places = places;
            resolver.resolve(&name, port).await
        });
        match timeout_at(by, looked_up).await {
            Ok(Ok(Ok(addresses))) => Ok(addresses),
            Ok(Ok(Err(error))) => Err(CallError::Dns(error.to_string())),
            Ok(Err(error)) => Err(CallError::Dns(error.to_string())),
            Err(_) => Err(CallError::DnsTimeout),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use async_trait::async_trait;

    use super::*;

    /// Answers never; counts who asks.
    #[derive(Debug, Default)]
    struct Never(AtomicUsize);

    #[async_trait]
    impl Resolve for Never {
        async fn resolve(&self, _name: &str, _port: u16) -> io::Result<Vec<SocketAddr>> {
            self.0.fetch_add(1, Ordering::SeqCst);
            std::future::pending().await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn slow_names_of_one_run_leave_room_for_others() {
        let never = Arc::new(Never::default());
        let lookups = Lookups::new(never.clone(), 2 * OF_RUN_MAX);
        let slow = Arc::new(Semaphore::new(OF_RUN_MAX));
        for _ in 0..10 * OF_RUN_MAX {
            let by = Instant::now() + Duration::from_millis(20);
            let looked_up = lookups.look_up("slow".into(), 80, slow.clone(), by).await;
            assert!(matches!(looked_up, Err(CallError::DnsTimeout)));
        }
        assert_eq!(never.0.load(Ordering::SeqCst), OF_RUN_MAX, "given up, they still count");
        let other = Arc::new(Semaphore::new(OF_RUN_MAX));
        let by = Instant::now() + Duration::from_millis(20);
        let _ = lookups.look_up("other".into(), 80, other, by).await;
        assert_eq!(never.0.load(Ordering::SeqCst), OF_RUN_MAX + 1);
    }
}
