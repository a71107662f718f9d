//! Serves connections until it is told to stop.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::ServiceExt;
use waystation_core::Limits;

use crate::connections::{Connections, Place};
use crate::incoming::IncomingBody;
use crate::source::Source;
use crate::stream::Stream;
use crate::{App, client, router};

/// How long answers under way are given after `shutdown`.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// What one hears for whom there is no place.
const NO_PLACE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n\
    Content-Length: 0\r\nConnection: close\r\n\r\n";

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
    let limits = app.engine.limits().clone();
    let trusted = app.settings.trusted_proxies.clone();
    let connections = Connections::new(limits.connections_max, limits.connections_per_address_max);
    // Each connection holds a receiver: when all of them are gone, all connections are.
    let (closing, closed) = watch::channel(false);
    let door = Arc::new(Door { router: router(app), limits, closing: closed });
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let counted = !client::is_trusted(peer.ip(), &trusted);
                match connections.enter(counted.then(|| Source::of(peer.ip()))) {
                    Some(place) => {
                        tokio::spawn(connection(stream, peer, place, Arc::clone(&door)));
                    }
                    None => refuse(stream, &connections).await,
                }
            }
            Err(error) => {
                // Out of file descriptors, most likely: connections that end make room.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop((listener, door));
    closing.send_replace(true);
    if tokio::time::timeout(GRACE, closing.closed()).await.is_err() {
        tracing::warn!("some connections were cut off");
    }
    Ok(())
}

/// The most that a connection without a place holds up others. Its buffer is empty: it takes
/// the answer at once.
const REFUSAL: Duration = Duration::from_millis(50);

/// What all connections share.
struct Door {
    router: axum::Router,
    limits: Limits,
    closing: watch::Receiver<bool>,
}

async fn refuse(mut stream: TcpStream, connections: &Connections) {
    // Whether it is heard or not, the connection ends.
    let _ = tokio::time::timeout(REFUSAL, stream.write_all(NO_PLACE)).await;
    if connections.is_to_be_told() {
        tracing::warn!("connections are refused: all that are open wait for the server");
    }
}

async fn connection(tcp: TcpStream, peer: SocketAddr, place: Place, door: Arc<Door>) {
    if let Err(error) = tcp.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let limits = &door.limits;
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    let (seat, router) = (place.seat(), door.router.clone());
    let stream = Stream::new(
        tcp,
        place.seat(),
        seconds(limits.header_timeout_s),
        seconds(limits.write_timeout_s),
    );
    let service = service_fn(move |request: Request<Incoming>| {
        seat.begins();
        let (seat, router) = (Arc::clone(&seat), router.clone());
        let mut request =
            request.map(|body| axum::body::Body::new(IncomingBody::new(body, Arc::clone(&seat))));
        request.extensions_mut().insert(ConnectInfo(peer));
        async move {
            let answer = router.oneshot(request).await;
            seat.has_answered();
            answer
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        // Counts from the end of the answer before; `Stream` counts from the first byte.
        .header_read_timeout(seconds(limits.idle_timeout_s.max(limits.header_timeout_s)))
        .max_buf_size(limits.header_bytes_max)
        .max_headers(limits.headers_max)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(served);
    let mut closing = door.closing.clone();
    let result = tokio::select! {
        result = &mut served => result,
        () = place.given_up() => {
            tracing::debug!("a connection was given up for another one");
            return;
        }
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
