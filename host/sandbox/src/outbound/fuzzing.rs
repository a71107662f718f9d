//! What the fuzz targets call: where a URL leads, without a call.

use std::net::IpAddr;

use super::addresses;
use super::destination::Destination;

/// Where a GET of `uri` would go: the scheme, the host, the port and the path. `None` when it
/// would go nowhere.
pub fn destination(uri: &str) -> Option<(&'static str, String, u16, String)> {
    let uri: http::Uri = uri.parse().ok()?;
    let to = Destination::of(&http::Method::GET, &uri).ok()?;
    Some((to.scheme(), to.host_text(), to.port, to.path))
}

/// Is it an address that is closed unless the operator names its network?
pub fn is_special(address: IpAddr) -> bool {
    addresses::special(address, &[]).is_some()
}
