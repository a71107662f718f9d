//! Ends the process when sled has failed to write.
//!
//! sled remembers a failed write, and whoever asks next is told. But a `flush` that is under way
//! at that moment may wait for ever for the write that failed: then nobody is told, and the
//! server stands still. So a thread of its own asks again and again.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

/// Between two looks. A look reads one word of memory.
const INTERVAL: Duration = Duration::from_millis(100);

/// Watches as long as it lives.
pub(crate) struct Watch {
    /// Nothing is ever sent: its end is the message.
    _stop: Sender<()>,
}

impl Watch {
    /// Starts to watch the database that was opened with `config`. `end` ends the process: some
    /// of its threads may wait for ever.
    pub(crate) fn start(config: sled::Config, end: fn(&str) -> !) -> std::io::Result<Watch> {
        let (stop, stopped) = mpsc::channel::<()>();
        std::thread::Builder::new().name("disk-watch".into()).spawn(move || {
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                if let Err(error) = config.global_error() {
                    end(&format!("writing failed: {error}"));
                }
            }
        })?;
        Ok(Watch { _stop: stop })
    }
}
