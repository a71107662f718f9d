//! Calls out over HTTP: where they may go, and how they get there.
//!
//! A call is refused before anything is sent unless the operator and the step's author both
//! let it go to its destination. Names are resolved once, every address is checked, and the
//! connection is made to a checked address: a name that means something else a moment later
//! leads nowhere new.
//!
//! # The order of a call
//!
//! 1. the run's count of calls
//! 2. the request's method and URI, in one spelling (`destination`)
//! 3. the step's rules, the operator's rules, our own public name (`guard`)
//! 4. a place among the calls of the run, to the host, of all (`places`)
//! 5. the name's addresses, asked for once (`lookup`, `resolve`), and each of them checked:
//!    special ones (`addresses`) and our own (`own`)
//! 6. the connection to one of these addresses, TLS with the name that was asked for (`connect`)
//! 7. the request, with secrets in place of placeholders (`substitute`), its body bounded
//!    (`request_body`)
//! 8. the answer, looked through for secrets that come back (`echo`), its body bounded in size
//!    and patience (`body`)

mod addresses;
mod body;
mod call;
mod connect;
mod destination;
mod echo;
mod error;
pub mod fuzzing;
mod guard;
mod lookup;
mod own;
mod patience;
mod places;
mod request_body;
mod resolve;
mod shown;
mod substitute;
mod tls;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use http::Request;
use tokio::sync::Semaphore;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};
use waystation_core::UrlPattern;

pub(crate) use self::guard::Guard;
pub use self::own::OwnServer;
pub use self::resolve::{Resolve, SystemResolver};
use crate::held::{UnderWay, WRITE_BYTES_MAX};
use crate::logs::RunLog;
use crate::secrets::Secrets;

/// One attempt's way out.
pub(crate) struct Outbound {
    caller: Arc<Caller>,
}

/// What every call of the attempt needs.
struct Caller {
    guard: Arc<Guard>,
    /// The step's own `allow.http`.
    allow: Vec<UrlPattern>,
    /// What stands behind the placeholders that the guest was given.
    secrets: Secrets,
    log: RunLog,
    /// Calls made so far.
    calls: AtomicUsize,
    /// Calls at the same time.
    places: Arc<Semaphore>,
    /// Names looked up at the same time.
    lookups: Arc<Semaphore>,
    /// What the host holds of its requests.
    under_way: UnderWay,
}

impl Outbound {
    /// For a step that may go where `allow` says, within what `guard` lets through. Its requests
    /// are counted in `under_way` until they are answered.
    pub(crate) fn new(
        guard: Arc<Guard>,
        allow: Vec<UrlPattern>,
        secrets: Secrets,
        log: RunLog,
        under_way: UnderWay,
    ) -> Outbound {
        let places = Arc::new(Semaphore::new(guard.limits.http_parallel_max));
        let lookups = Arc::new(Semaphore::new(lookup::OF_RUN_MAX));
        let calls = AtomicUsize::new(0);
        let caller = Caller { guard, allow, secrets, log, calls, places, lookups, under_way };
        Outbound { caller: Arc::new(caller) }
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
        let share = self.caller.under_way.count(&request);
        let call = call::call(self.caller.clone(), request, options.unwrap_or_default());
        Box::new(async move {
            let answer = call.await;
            drop(share);
            answer
        })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        WRITE_BYTES_MAX
    }
}
