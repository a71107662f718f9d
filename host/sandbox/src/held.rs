//! What the host holds of a run's HTTP messages: header fields, addresses, pieces of bodies.
//!
//! None of it is in the guest's memory, and the table of resources counts things and not bytes:
//! without a bound of their own, a thousand messages of the largest size would be many times
//! what the run may have. What a guest hands over is noted before it is kept. When the notes
//! come to the bound, the table is counted, because much of what was noted is gone by then.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{HeaderMap, Request};
use http_body::Body as _;
use wasmtime::component::ResourceTable;
use wasmtime_wasi_http::p2::bindings::http::types::Method;
use wasmtime_wasi_http::p2::body::HostFutureTrailers;
use wasmtime_wasi_http::p2::types::{
    HostFutureIncomingResponse, HostIncomingResponse, HostOutgoingRequest, HostOutgoingResponse,
};
use wasmtime_wasi_http::{FieldMap, WasiBody};

/// What a guest may write of a request's body at once, in bytes.
pub(crate) const WRITE_BYTES_MAX: usize = 16 << 10;

/// The trailers of a request, in bytes.
pub(crate) const TRAILERS_BYTES_MAX: usize = 8 << 10;

/// What a body that nobody reads holds, in bytes: two writes, and trailers.
pub(crate) const BODY_BYTES: usize = 2 * WRITE_BYTES_MAX + TRAILERS_BYTES_MAX;

/// What a call that is under way takes beside its request, in bytes: two tasks and their state.
pub(crate) const CALL_BYTES: usize = 8 << 10;

/// What a field takes beside its name and its value, in bytes: places in a map that doubles when
/// it grows, and the heads of two buffers.
const FIELD_BYTES: usize = 256;

/// More than the host holds for one run.
#[derive(Debug, thiserror::Error)]
#[error("HTTP messages of more than {bytes_max} bytes (http_held_bytes_max under [limits])")]
pub(crate) struct HeldTooMuch {
    bytes_max: usize,
}

/// The account of one attempt.
pub(crate) struct Held {
    under_way: UnderWay,
    /// No less than what is in the table.
    in_table: usize,
    bytes_max: usize,
}

impl Held {
    /// Nothing is held yet, and never more than `bytes_max`.
    pub(crate) fn new(bytes_max: usize) -> Held {
        Held { under_way: UnderWay::new(bytes_max), in_table: 0, bytes_max }
    }

    /// Where requests are counted that were sent off, and are in no table any more.
    pub(crate) fn under_way(&self) -> UnderWay {
        self.under_way.clone()
    }

    /// Notes that `table` is about to hold so many bytes more.
    pub(crate) fn note(
        &mut self,
        bytes: usize,
        table: &mut ResourceTable,
    ) -> Result<(), HeldTooMuch> {
        self.in_table = self.in_table.saturating_add(bytes);
        if self.fits() {
            return Ok(());
        }
        let counted: usize = table.iter_mut().map(|entry| of_entry(&*entry)).sum();
        self.in_table = counted.saturating_add(bytes);
        if self.fits() { Ok(()) } else { Err(HeldTooMuch { bytes_max: self.bytes_max }) }
    }

    fn fits(&self) -> bool {
        self.in_table.saturating_add(self.under_way.bytes()) <= self.bytes_max
    }
}

/// The bytes of all requests of an attempt that were sent off and have no answer yet.
#[derive(Clone)]
pub(crate) struct UnderWay {
    bytes: Arc<AtomicUsize>,
    bytes_max: usize,
}

impl UnderWay {
    /// Nothing is under way, and never more than `bytes_max`.
    pub(crate) fn new(bytes_max: usize) -> UnderWay {
        UnderWay { bytes: Arc::default(), bytes_max }
    }

    /// Counts `request`, which was noted in the table, until what comes back is dropped.
    pub(crate) fn count(&self, request: &Request<WasiBody>) -> Share {
        let body = if request.body().is_end_stream() { 0 } else { BODY_BYTES };
        let uri = request.uri();
        let authority = uri.authority().map_or(0, |authority| authority.as_str().len());
        let path = uri.path_and_query().map_or(0, |path| path.as_str().len());
        self.add(of_fields(request.headers()) + authority + path + body + CALL_BYTES)
    }

    /// Room for so many bytes that the host makes of a request.
    pub(crate) fn room(&self, bytes: usize) -> Result<Share, HeldTooMuch> {
        let share = self.add(bytes);
        if self.bytes() <= self.bytes_max {
            Ok(share)
        } else {
            Err(HeldTooMuch { bytes_max: self.bytes_max })
        }
    }

    fn add(&self, bytes: usize) -> Share {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        Share { of: self.clone(), bytes }
    }

    fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// What one request takes, as long as this lives.
pub(crate) struct Share {
    of: UnderWay,
    bytes: usize,
}

impl Drop for Share {
    fn drop(&mut self) {
        self.of.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// What one field takes.
pub(crate) fn of_field(name: &str, value: &[u8]) -> usize {
    FIELD_BYTES + name.len() + value.len()
}

/// What fields take.
pub(crate) fn of_fields(fields: &HeaderMap) -> usize {
    fields.iter().map(|(name, value)| of_field(name.as_str(), value.as_bytes())).sum()
}

fn of_entry(entry: &(dyn Any + Send)) -> usize {
    if let Some(fields) = entry.downcast_ref::<FieldMap>() {
        return of_fields(fields);
    }
    if let Some(request) = entry.downcast_ref::<HostOutgoingRequest>() {
        return of_request(request);
    }
    if let Some(answer) = entry.downcast_ref::<HostIncomingResponse>() {
        return of_fields(&answer.headers);
    }
    if let Some(answer) = entry.downcast_ref::<HostOutgoingResponse>() {
        return of_fields(&answer.headers) + answer.body.as_ref().map_or(0, |_| BODY_BYTES);
    }
    if let Some(future) = entry.downcast_ref::<HostFutureIncomingResponse>() {
        return of_answer(future);
    }
    entry.downcast_ref::<HostFutureTrailers>().map_or(0, of_trailers)
}

fn of_request(request: &HostOutgoingRequest) -> usize {
    let method = match &request.method {
        Method::Other(method) => method.len(),
        _ => 0,
    };
    let authority = request.authority.as_ref().map_or(0, String::len);
    let path = request.path_with_query.as_ref().map_or(0, String::len);
    let body = request.body.as_ref().map_or(0, |_| BODY_BYTES);
    method + authority + path + body + of_fields(&request.headers)
}

/// The answer that is there, if one is.
pub(crate) fn of_answer(future: &HostFutureIncomingResponse) -> usize {
    match future {
        HostFutureIncomingResponse::Ready(Ok((answer, _))) => of_fields(answer.headers()),
        _ => 0,
    }
}

/// The trailers that are there, if any are.
pub(crate) fn of_trailers(trailers: &HostFutureTrailers) -> usize {
    match trailers {
        HostFutureTrailers::Done(Ok(Some(fields))) => of_fields(fields),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, Full};

    use super::*;

    fn fields(value_bytes: usize) -> FieldMap {
        let mut fields = FieldMap::new_mutable(1 << 20);
        fields.append_raw("x".parse().unwrap(), "v".repeat(value_bytes).parse().unwrap()).unwrap();
        fields
    }

    /// A field of a thousand bytes in all.
    const VALUE: usize = 1000 - FIELD_BYTES - 1;

    #[test]
    fn the_last_byte_that_fits_is_held() {
        let mut table = ResourceTable::new();
        let mut held = Held::new(2000);
        for _ in 0..2 {
            held.note(1000, &mut table).unwrap();
            table.push(fields(VALUE)).unwrap();
        }
        assert!(held.note(0, &mut table).is_ok());
        let error = held.note(1, &mut table).unwrap_err();
        assert_eq!(
            error.to_string(),
            "HTTP messages of more than 2000 bytes (http_held_bytes_max under [limits])"
        );
    }

    #[test]
    fn what_is_gone_makes_room() {
        let mut table = ResourceTable::new();
        let mut held = Held::new(2000);
        for _ in 0..100 {
            held.note(1000, &mut table).unwrap();
            let fields = table.push(fields(VALUE)).unwrap();
            table.delete(fields).unwrap();
        }
    }

    #[test]
    fn every_sort_of_message_is_counted() {
        let mut table = ResourceTable::new();
        let bytes = |table: &mut ResourceTable| -> usize {
            table.iter_mut().map(|entry| of_entry(&*entry)).sum()
        };
        let body = || Full::default().map_err(|never| match never {}).boxed_unsync();
        let request = HostOutgoingRequest {
            method: Method::Other("M".repeat(10)),
            scheme: None,
            authority: Some("a".repeat(20)),
            path_with_query: Some("/".repeat(30)),
            headers: fields(VALUE),
            body: Some(body()),
        };
        table.push(request).unwrap();
        assert_eq!(bytes(&mut table), 1060 + BODY_BYTES);
        let status = http::StatusCode::OK;
        let answer = HostOutgoingResponse { status, headers: fields(VALUE), body: Some(body()) };
        table.push(answer).unwrap();
        assert_eq!(bytes(&mut table), 2060 + 2 * BODY_BYTES);
        let answer = HostIncomingResponse { status: 200, headers: fields(VALUE), body: None };
        table.push(answer).unwrap();
        let trailers = HeaderMap::from(fields(VALUE));
        table.push(HostFutureTrailers::Done(Ok(Some(trailers)))).unwrap();
        assert_eq!(bytes(&mut table), 4060 + 2 * BODY_BYTES);
        table.push(HostFutureTrailers::Consumed).unwrap();
        table.push("something else").unwrap();
        assert_eq!(bytes(&mut table), 4060 + 2 * BODY_BYTES);
    }

    #[test]
    fn a_request_counts_until_it_is_answered() {
        let mut table = ResourceTable::new();
        let mut held = Held::new(CALL_BYTES + BODY_BYTES + 1010);
        let whole = Full::from("body").map_err(|never| match never {}).boxed_unsync();
        let request = Request::get("http://host/path").header("x", "v".repeat(VALUE));
        let share = held.under_way().count(&request.body(whole).unwrap());
        assert!(held.note(1, &mut table).is_ok());
        assert!(held.note(2, &mut table).is_err());
        drop(share);
        assert!(held.note(1000, &mut table).is_ok());
    }

    #[test]
    fn what_the_host_makes_of_a_request_has_the_same_bound() {
        let under_way = UnderWay::new(100);
        let share = under_way.room(60).unwrap();
        assert!(under_way.room(41).is_err());
        let other = under_way.room(40).unwrap();
        drop((share, other));
        assert!(under_way.room(100).is_ok());
    }
}
