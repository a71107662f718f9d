//! Serves connections until it is told to stop.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::ServiceExt;

use crate::{App, router};

/// The longest that a client may take over a request's headers, the wait for a next request on
/// the same connection included.
pub(crate) const HEADERS: Duration = Duration::from_secs(60);

/// The headers of a request, in bytes.
pub(crate) const HEADER_BYTES_MAX: usize = 64 * 1024;

/// How long answers under way are given after `shutdown`.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// Serves `app` on `listener` until `shutdown` is over; then takes no further connection, lets
/// the answers under way go out, for five seconds at most, and returns.
///
/// # Errors
///
/// The listener does not say where it listens. A connection's errors are its own.
pub async fn serve(
    listener: TcpListener,
    app: App,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    listener.local_addr()?;
    let router = router(app);
    // Each connection holds a receiver: when all of them are gone, all connections are.
    let (closing, closed) = watch::channel(false);
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                tokio::spawn(connection(stream, peer, router.clone(), closed.clone()));
            }
            Err(error) => {
                // Out of file descriptors, most likely: connections that end make room.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop((listener, closed));
    closing.send_replace(true);
    if tokio::time::timeout(GRACE, closing.closed()).await.is_err() {
        tracing::warn!("some connections were cut off");
    }
    Ok(())
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: axum::Router,
    mut closing: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request.map(axum::body::Body::new))
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(HEADER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(served);
    let result = tokio::select! {
        result = &mut served => result,
        () = told(&mut closing) => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended badly");
    }
}

async fn told(closing: &mut watch::Receiver<bool>) {
    // An error means that the server is gone: the same.
    let _ = closing.wait_for(|closing| *closing).await;
}
