//! A request's body on its way out.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use wasmtime_wasi_http::{Error, WasiBody};

/// Passes a body on, up to a size.
pub(super) struct BoundedBody {
    /// `None` once it was too large.
    inner: Option<WasiBody>,
    left: usize,
    too_large: Arc<AtomicBool>,
}

impl BoundedBody {
    /// Passes on at most `bytes_max` of `inner`. What comes back besides tells whether there was
    /// more.
    pub(super) fn new(inner: WasiBody, bytes_max: usize) -> (BoundedBody, Arc<AtomicBool>) {
        let too_large = Arc::new(AtomicBool::new(false));
        (
            BoundedBody { inner: Some(inner), left: bytes_max, too_large: too_large.clone() },
            too_large,
        )
    }
}

impl Body for BoundedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
        let polled = Pin::new(inner).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            match self.left.checked_sub(bytes) {
                Some(left) => self.left = left,
                None => {
                    self.too_large.store(true, Ordering::SeqCst);
                    if let Some(inner) = self.inner.take() {
                        drain(inner);
                    }
                    return Poll::Ready(Some(Err(Error::HttpRequestBodySize(None))));
                }
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

/// Takes what the guest goes on to write, so that it comes to see why its call came to nothing
/// instead of a broken stream. Ends when the guest does.
pub(super) fn drain(mut body: WasiBody) {
    tokio::spawn(async move { while let Some(Ok(_)) = body.frame().await {} });
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;

    use super::*;

    async fn passed(bytes: usize, bytes_max: usize) -> (Option<usize>, bool) {
        let whole = Full::new(Bytes::from(vec![0; bytes]));
        let whole = whole.map_err(|never| match never {}).boxed_unsync();
        let (body, too_large) = BoundedBody::new(whole, bytes_max);
        let passed = body.collect().await.ok().map(|body| body.to_bytes().len());
        (passed, too_large.load(Ordering::SeqCst))
    }

    #[tokio::test]
    async fn the_last_byte_that_fits_is_passed_on() {
        assert_eq!(passed(10, 10).await, (Some(10), false));
        assert_eq!(passed(11, 10).await, (None, true));
        assert_eq!(passed(0, 10).await, (Some(0), false));
    }
}
