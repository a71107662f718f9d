//! How long a guest has been on a processor.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Time spent in polls of a [`Metered`] future. A guest runs only inside of them, so time that
/// it waits for a timer or a server is not in it.
#[derive(Clone, Default)]
pub(crate) struct CpuMeter(Arc<Mutex<Metering>>);

#[derive(Default)]
struct Metering {
    used: Duration,
    since: Option<Instant>,
}

impl CpuMeter {
    /// The time until now.
    pub(crate) fn used(&self) -> Duration {
        let metering = self.0.lock();
        metering.used + metering.since.map(|since| since.elapsed()).unwrap_or_default()
    }

    fn start(&self) {
        self.0.lock().since = Some(Instant::now());
    }

    fn stop(&self) {
        let mut metering = self.0.lock();
        let ran = metering.since.take().map(|since| since.elapsed()).unwrap_or_default();
        metering.used += ran;
    }
}

/// A future whose polls are timed and whose panics are its result.
pub(crate) struct Metered<F> {
    meter: CpuMeter,
    future: Pin<Box<F>>,
}

impl<F: Future> Metered<F> {
    /// Times `future` with `meter`.
    pub(crate) fn new(meter: CpuMeter, future: F) -> Metered<F> {
        Metered { meter, future: Box::pin(future) }
    }
}

impl<F: Future> Future for Metered<F> {
    /// What a panic said comes as the error. The future is not polled again after it.
    type Output = Result<F::Output, String>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.meter.start();
        let polled = catch_unwind(AssertUnwindSafe(|| self.future.as_mut().poll(context)));
        self.meter.stop();
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(panic) => Poll::Ready(Err(panic_message(panic.as_ref()))),
        }
    }
}

/// What a panic said.
fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".into())
}

/// Runs blocking work on its own thread. The error is what a panic said.
pub(crate) async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|error| match error.try_into_panic() {
        Ok(panic) => panic_message(panic.as_ref()),
        Err(_) => "the host is shutting down".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiting_is_not_counted() {
        let meter = CpuMeter::default();
        let wait = tokio::time::sleep(Duration::from_millis(200));
        Metered::new(meter.clone(), wait).await.unwrap();
        assert!(meter.used() < Duration::from_millis(100), "{:?}", meter.used());
    }

    #[tokio::test]
    async fn a_panic_is_a_result() {
        let meter = CpuMeter::default();
        let result = Metered::new(meter, async { panic!("no {}", 1) }).await;
        let result: Result<(), String> = result;
        assert_eq!(result, Err("no 1".into()));
    }
}
