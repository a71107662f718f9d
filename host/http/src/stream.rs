//! A client's connection that does not wait for its client for ever.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::connections::Seat;

/// A client that takes an answer more slowly than this, in bytes a second, runs out of time.
const SLOWEST: u64 = 4096;

/// Reads and writes, with a limit to each wait.
pub(crate) struct Stream {
    tcp: TcpStream,
    seat: Arc<Seat>,
    header_timeout: Duration,
    write_timeout: Duration,
    /// Since the first byte of a request's headers, or since the connection came about: when
    /// they have to be there, and how many requests there were before.
    headers: Option<(u64, Pin<Box<Sleep>>)>,
    stall: Option<Stall>,
}

/// A client does not take what is there for it.
struct Stall {
    since: Instant,
    /// What it took all the same, in bytes.
    taken: u64,
    timer: Pin<Box<Sleep>>,
}

impl Stream {
    pub(crate) fn new(
        tcp: TcpStream,
        seat: Arc<Seat>,
        header_timeout: Duration,
        write_timeout: Duration,
    ) -> Stream {
        let headers = Some((0, Box::pin(sleep_until(Instant::now() + header_timeout))));
        Stream { tcp, seat, header_timeout, write_timeout, headers, stall: None }
    }

    /// Bytes have come: if they are headers, the time for them runs.
    fn received(&mut self) {
        let requests = self.seat.requests();
        let runs = matches!(&self.headers, Some((before, _)) if *before == requests);
        if !self.seat.is_in_request() && !runs {
            let timer = sleep_until(Instant::now() + self.header_timeout);
            self.headers = Some((requests, Box::pin(timer)));
        }
    }

    /// Is it too late for the headers?
    fn is_late(&mut self, context: &mut Context<'_>) -> bool {
        if self.seat.is_in_request() {
            return false;
        }
        match &mut self.headers {
            Some((before, timer)) if *before == self.seat.requests() => {
                timer.as_mut().poll(context).is_ready()
            }
            _ => false,
        }
    }

    fn wrote(&mut self, result: &Poll<io::Result<usize>>, context: &mut Context<'_>) -> bool {
        match result {
            Poll::Ready(Ok(bytes)) => {
                self.seat.was_read_from();
                if let Some(stall) = &mut self.stall {
                    stall.taken += *bytes as u64;
                }
                true
            }
            Poll::Ready(Err(_)) => true,
            Poll::Pending => !self.is_stalled(context),
        }
    }

    /// Has the client taken too little for too long?
    fn is_stalled(&mut self, context: &mut Context<'_>) -> bool {
        let timeout = self.write_timeout;
        let stall = self.stall.get_or_insert_with(|| {
            let since = Instant::now();
            Stall { since, taken: 0, timer: Box::pin(sleep_until(since + timeout)) }
        });
        while stall.timer.as_mut().poll(context).is_ready() {
            let earned = Duration::from_millis(stall.taken.saturating_mul(1000) / SLOWEST);
            let deadline = stall.since + timeout + earned;
            if deadline <= Instant::now() {
                return true;
            }
            stall.timer.as_mut().reset(deadline);
        }
        false
    }
}

fn late<T>(what: &'static str) -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, what)))
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let result = Pin::new(&mut this.tcp).poll_read(context, buffer);
        if buffer.filled().len() > before {
            this.received();
        }
        if result.is_pending() && this.is_late(context) {
            return late("the headers did not come in time");
        }
        result
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.tcp).poll_write(context, bytes);
        if this.wrote(&result, context) { result } else { late("the answer was not taken") }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.tcp).poll_write_vectored(context, bytes);
        if this.wrote(&result, context) { result } else { late("the answer was not taken") }
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.tcp).poll_flush(context);
        if result.is_ready() {
            // All that there was has been taken.
            this.stall = None;
        }
        result
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(context)
    }
}
