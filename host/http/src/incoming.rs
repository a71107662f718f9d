//! A request's body that says when it waits for its client.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use crate::connections::Seat;

/// The body, and the connection that it comes on.
pub(crate) struct IncomingBody {
    body: Incoming,
    seat: Arc<Seat>,
}

impl IncomingBody {
    pub(crate) fn new(body: Incoming, seat: Arc<Seat>) -> IncomingBody {
        IncomingBody { body, seat }
    }
}

impl Body for IncomingBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        match &frame {
            Poll::Pending => self.seat.waits(),
            // It goes on waiting for the rest: one who sends a byte now and then gains nothing.
            Poll::Ready(Some(Ok(_))) => {}
            Poll::Ready(None | Some(Err(_))) => self.seat.works(),
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
