//! stub
use std::sync::Arc;
use waystation_core::UrlPattern;
use wasmtime_wasi_http::{WasiHttpHooks, WasiBody, RequestOptions, Error};
use crate::{OutboundPolicy, logs::RunLog};
pub(crate) struct Guard(OutboundPolicy);
impl Guard { pub(crate) fn new(p: OutboundPolicy) -> Guard { Guard(p) } }
pub(crate) struct Outbound { guard: Arc<Guard>, allow: Vec<UrlPattern>, log: RunLog }
impl Outbound { pub(crate) fn new(guard: Arc<Guard>, allow: Vec<UrlPattern>, log: RunLog) -> Outbound { Outbound { guard, allow, log } } }
impl WasiHttpHooks for Outbound {
    fn send_request(&mut self, _r: http::Request<WasiBody>, _o: Option<RequestOptions>, _f: Box<dyn Future<Output = Result<(), Error>> + Send>) -> Box<dyn Future<Output = Result<(http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>> + Send> {
        Box::new(async move { Err(Error::HttpRequestDenied) })
    }
}
