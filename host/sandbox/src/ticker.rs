//! The clock that takes the processor back from guests.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use wasmtime::{Engine, EngineWeak};

/// How often a running guest is interrupted to see whether it may go on.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Ticks as long as it lives.
pub(crate) struct Ticker {
    /// Never sent to: its end is the message.
    _alive: Sender<()>,
}

impl Ticker {
    /// Starts the thread.
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Ticker> {
        let (alive, dropped) = channel::<()>();
        let engine: EngineWeak = engine.weak();
        std::thread::Builder::new().name("guest-ticker".into()).spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = dropped.recv_timeout(TICK) {
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => return,
                }
            }
        })?;
        Ok(Ticker { _alive: alive })
    }
}
