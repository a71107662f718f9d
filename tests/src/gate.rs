//! A service that answers when it is told to.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::{Recorder, Reply};

/// A gate on the way of a step: it stands still before it until the test opens it, so that what
/// the test does meanwhile happens while the step runs, on the slowest machine as well. It opens
/// for good, and at the latest when this is dropped.
#[derive(Debug)]
pub struct Gate {
    service: Recorder,
    open: Arc<(Mutex<bool>, Condvar)>,
}

impl Gate {
    /// One that is closed.
    pub fn closed() -> Gate {
        let open = Arc::new((Mutex::new(false), Condvar::new()));
        let opened = Arc::clone(&open);
        let service = Recorder::answering(move |_, _| {
            let (open, changed) = &*opened;
            let closed = open.lock().unwrap_or_else(PoisonError::into_inner);
            drop(changed.wait_while(closed, |open| !*open));
            Reply { status: 200, body: json!("open") }
        });
        Gate { service, open }
    }

    /// The action of the toolbox that goes through it.
    pub fn action(&self) -> Value {
        json!({"get": self.service.url})
    }

    /// Opens it.
    pub fn open(&self) {
        let (open, changed) = &*self.open;
        *open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.open();
    }
}
