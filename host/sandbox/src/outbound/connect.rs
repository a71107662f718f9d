//! A connection to a checked address.

use std::net::SocketAddr;

use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use wasmtime_wasi_http::WasiBody;
use waystation_core::Limits;

use super::destination::Destination;
use super::error::CallError;
use super::guard::Guard;

/// What carries HTTP.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The two halves of a client connection: what sends, and what has to be driven.
pub(super) type Opened = (SendRequest<WasiBody>, Connection<TokioIo<Box<dyn Stream>>, WasiBody>);

/// Connects to one of `addresses`, and speaks TLS with the destination's name if it asks so.
/// The caller sets the time.
pub(super) async fn connect(
    guard: &Guard,
    to: &Destination,
    addresses: &[SocketAddr],
) -> Result<Opened, CallError> {
    let tcp = TcpStream::connect(addresses).await.map_err(CallError::Connect)?;
    // A small request must not wait for a larger one.
    tcp.set_nodelay(true).map_err(CallError::Connect)?;
    let stream: Box<dyn Stream> = if to.tls {
        let name = ServerName::try_from(to.host_text())
            .map_err(|_| CallError::Invalid("the host is no name that a certificate could have"))?;
        let connector = guard.tls.connector().await?;
        Box::new(connector.connect(name, tcp).await.map_err(CallError::Tls)?)
    } else {
        Box::new(tcp)
    };
    let headers_bytes_max = guard.limits.http_headers_bytes_max;
    http1::Builder::new()
        .max_buf_size(headers_bytes_max.max(Limits::HTTP_HEADERS_BYTES_LEAST))
        .max_headers(guard.limits.http_headers_max)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(CallError::Http)
}
