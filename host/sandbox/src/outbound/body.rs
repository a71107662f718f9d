//! An answer's body on its way to the guest.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Sleep;
use wasmtime_wasi_http::Error;

use super::echo::Echo;
use super::error::CallError;
use super::places::Place;
use crate::logs::RunLog;

/// Passes a body on, and gives up on it when it stops coming or does not end.
pub(super) struct AnswerBody {
    /// `None` once it failed: the connection is closed then, and the place free.
    open: Option<Open>,
    /// Bytes that may still come.
    left: usize,
    limits: BodyLimits,
    echo: Option<Echo>,
    /// While the guest waits for the next piece: how long still. What it does in between is
    /// its own time.
    waiting: Option<Pin<Box<Sleep>>>,
    /// The call, as the log names it.
    call: String,
    log: RunLog,
}

struct Open {
    incoming: Incoming,
    /// The call's place is taken until its body is read or dropped.
    _place: Place,
}

/// What a body may do.
#[derive(Clone, Copy)]
pub(super) struct BodyLimits {
    /// In all.
    pub(super) bytes_max: usize,
    /// From one piece to the next.
    pub(super) between_bytes: Duration,
}

impl AnswerBody {
    /// Passes on `incoming` within `limits`.
    pub(super) fn new(
        incoming: Incoming,
        place: Place,
        limits: BodyLimits,
        echo: Option<Echo>,
        call: String,
        log: RunLog,
    ) -> AnswerBody {
        let open = Some(Open { incoming, _place: place });
        AnswerBody { open, left: limits.bytes_max, limits, echo, waiting: None, call, log }
    }

    fn failed(&mut self, error: &CallError) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.open = None;
        self.log.note(&format!("{} {error}", self.call));
        Poll::Ready(Some(Err(error.code())))
    }

    fn passed(&mut self, frame: Frame<Bytes>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                self.look_at(&frame);
                Poll::Ready(Some(Ok(frame)))
            }
            None => self.failed(&CallError::ResponseTooLarge { bytes_max: self.limits.bytes_max }),
        }
    }

    fn look_at(&mut self, frame: &Frame<Bytes>) {
        let Some(echo) = &mut self.echo else { return };
        if let Some(data) = frame.data_ref() {
            echo.piece(data);
        }
        if let Some(trailers) = frame.trailers_ref() {
            echo.headers(trailers);
        }
    }

    fn wait(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let most = self.limits.between_bytes;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(most)));
        match waiting.as_mut().poll(context) {
            Poll::Ready(()) => self.failed(&CallError::BetweenBytesTimeout),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(open) = &mut self.open else { return Poll::Ready(None) };
        let polled = Pin::new(&mut open.incoming).poll_frame(context);
        if polled.is_ready() {
            self.waiting = None;
        }
        match polled {
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Ready(Some(Ok(frame))) => self.passed(frame),
            Poll::Ready(Some(Err(error))) => self.failed(&CallError::Body(error)),
            Poll::Pending => self.wait(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.open.as_ref().is_none_or(|open| open.incoming.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.open.as_ref().map_or_else(SizeHint::default, |open| open.incoming.size_hint())
    }
}
