//! Calls out over HTTP: where they may go, and how they get there.
//!
//! A call is refused before anything is sent unless the operator and the step's author both
//! let it go to its destination. Names are resolved once, every address is checked, and the
//! connection is made to a checked address: a name that means something else a moment later
//! leads nowhere new.

mod addresses;
mod body;
mod call;
mod connect;
mod destination;
mod error;
pub mod fuzzing;
mod guard;
mod tls;

use std::sync::Arc;

use http::Request;
use tokio::sync::Semaphore;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};
use waystation_core::UrlPattern;

pub(crate) use self::guard::Guard;
use crate::logs::RunLog;

/// Calls of one attempt at the same time; more wait for a place as they wait to connect.
const CALLS_MAX: usize = 64;

/// What a guest may write of a request's body at once, in bytes.
const WRITE_BYTES_MAX: usize = 64 << 10;

/// One attempt's way out.
pub(crate) struct Outbound {
    caller: Arc<Caller>,
}

/// What every call of the attempt needs.
struct Caller {
    guard: Arc<Guard>,
    /// The step's own `allow.http`.
    allow: Vec<UrlPattern>,
    log: RunLog,
    places: Arc<Semaphore>,
}

impl Outbound {
    /// For a step that may go where `allow` says, within what `guard` lets through.
    pub(crate) fn new(guard: Arc<Guard>, allow: Vec<UrlPattern>, log: RunLog) -> Outbound {
        let places = Arc::new(Semaphore::new(CALLS_MAX));
        Outbound { caller: Arc::new(Caller { guard, allow, log, places }) }
    }
}

type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sent = Result<(http::Response<WasiBody>, Io), Error>;

impl WasiHttpHooks for Outbound {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _consumed: Io,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        Box::new(call::call(self.caller.clone(), request, options.unwrap_or_default()))
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        WRITE_BYTES_MAX
    }
}
