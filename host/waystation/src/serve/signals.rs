//! SIGTERM and SIGINT: the first asks to stop, the second stops.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::failure::{Done, Failure};

/// The exit code of a process that was stopped in the middle: 128 and SIGTERM's number.
const CUT_OFF: i32 = 143;

/// Tells when somebody asks to stop.
pub(super) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Listens from now on.
    ///
    /// # Errors
    ///
    /// The system gives no signals.
    pub(super) fn listen() -> Done<Stop> {
        let on = |kind| signal(kind).map_err(|error| Failure::new(format!("no signals: {error}")));
        let (terminate, interrupt) = (on(SignalKind::terminate())?, on(SignalKind::interrupt())?);
        let (sender, receiver) = watch::channel(false);
        tokio::spawn(listen(terminate, interrupt, sender));
        Ok(Stop(receiver))
    }

    /// Returns when somebody has asked.
    pub(super) async fn asked(mut self) {
        // An error means that nobody can ask any more; the process is ending then.
        let _ = self.0.wait_for(|asked| *asked).await;
    }
}

async fn listen(mut terminate: Signal, mut interrupt: Signal, asked: watch::Sender<bool>) {
    for first in [true, false] {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        if first {
            asked.send_replace(true);
        }
    }
    tracing::warn!("stopped at once: runs under way are repeated at the next start");
    std::process::exit(CUT_OFF);
}
