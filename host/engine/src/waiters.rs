//! Those who wait: for an execution to pause or end, and for a step's own answer.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use waystation_core::{ExecutionId, HttpResponse, Responder};

use crate::engine::Inner;

/// Callers that wait for executions to pause or end.
#[derive(Default)]
pub(crate) struct Waiters(Mutex<HashMap<ExecutionId, (Arc<Notify>, usize)>>);

/// One caller. Forgotten when it is dropped.
pub(crate) struct Waiter<'a> {
    waiters: &'a Waiters,
    id: ExecutionId,
    notify: Arc<Notify>,
}

impl Waiters {
    pub(crate) fn register(&self, id: ExecutionId) -> Waiter<'_> {
        let mut waiters = self.0.lock();
        let (notify, count) = waiters.entry(id).or_default();
        *count += 1;
        Waiter { waiters: self, id, notify: notify.clone() }
    }

    pub(crate) fn notify(&self, id: ExecutionId) {
        if let Some((notify, _)) = self.0.lock().get(&id) {
            notify.notify_waiters();
        }
    }
}

impl Waiter<'_> {
    pub(crate) fn notified(&self) -> tokio::sync::futures::Notified<'_> {
        self.notify.notified()
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        if let Entry::Occupied(mut waiting) = self.waiters.0.lock().entry(self.id) {
            waiting.get_mut().1 -= 1;
            if waiting.get().1 == 0 {
                waiting.remove();
            }
        }
    }
}

/// HTTP callers that wait for a step's own answer.
#[derive(Default)]
pub(crate) struct Responders(Mutex<HashMap<ExecutionId, oneshot::Sender<HttpResponse>>>);

impl Responders {
    pub(crate) fn open(&self, id: ExecutionId) -> oneshot::Receiver<HttpResponse> {
        let (sender, receiver) = oneshot::channel();
        self.0.lock().insert(id, sender);
        receiver
    }

    /// No answer will come any more.
    pub(crate) fn close(&self, id: ExecutionId) {
        self.0.lock().remove(&id);
    }

    fn respond(&self, id: ExecutionId, response: HttpResponse) -> bool {
        let sender = self.0.lock().remove(&id);
        sender.is_some_and(|sender| sender.send(response).is_ok())
    }
}

/// A run's way to the caller that triggered its execution.
pub(crate) struct CallerOf {
    pub(crate) engine: Weak<Inner>,
    pub(crate) id: ExecutionId,
}

impl Responder for CallerOf {
    fn respond(&self, response: HttpResponse) -> bool {
        self.engine.upgrade().is_some_and(|engine| engine.responders.respond(self.id, response))
    }
}
