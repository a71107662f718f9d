//! Where a request came from.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;

/// The address of whoever holds the other end of the connection. Headers that claim another
/// one, such as `X-Forwarded-For`, are data for the step and nothing else: anybody may send
/// them.
#[derive(Clone, Debug)]
pub(crate) struct ClientIp(pub(crate) Option<String>);

impl<S: Sync> FromRequestParts<S> for ClientIp {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<ClientIp, Infallible> {
        let address = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(ClientIp(address.map(|ConnectInfo(address)| address.ip().to_canonical().to_string())))
    }
}
