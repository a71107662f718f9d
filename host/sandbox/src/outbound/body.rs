//! An answer's body on its way to the guest.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Sleep;
use wasmtime_wasi_http::Error;

use super::error::CallError;
use crate::logs::RunLog;

/// Passes a body on, and gives up on it when it stops coming.
pub(super) struct TimedBody {
    incoming: Incoming,
    between_bytes: Duration,
    /// While the guest waits for the next piece: how long still. What it does in between is
    /// its own time.
    waiting: Option<Pin<Box<Sleep>>>,
    /// The call, as the log names it.
    call: String,
    log: RunLog,
    /// The call's place is taken until its body is read or dropped.
    _place: OwnedSemaphorePermit,
}

impl TimedBody {
    /// Passes on `incoming`, with at most `between_bytes` between two pieces of it.
    pub(super) fn new(
        incoming: Incoming,
        between_bytes: Duration,
        call: String,
        log: RunLog,
        place: OwnedSemaphorePermit,
    ) -> TimedBody {
        TimedBody { incoming, between_bytes, waiting: None, call, log, _place: place }
    }

    fn failed(&self, error: &CallError) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.log.note(&format!("{} {error}", self.call));
        Poll::Ready(Some(Err(error.code())))
    }
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.incoming).poll_frame(context);
        if polled.is_ready() {
            self.waiting = None;
        }
        match polled {
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(Ok(frame))),
            Poll::Ready(Some(Err(error))) => self.failed(&CallError::Body(error)),
            Poll::Pending => {
                let most = self.between_bytes;
                let waiting =
                    self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(most)));
                match waiting.as_mut().poll(context) {
                    Poll::Ready(()) => self.failed(&CallError::BetweenBytesTimeout),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
