//! One call, from the guest's request to the answer's first byte.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Request, Response, Uri, header};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};
use wasmtime_wasi::runtime::{AbortOnDropJoinHandle, spawn};
use wasmtime_wasi_http::{DEFAULT_FORBIDDEN_HEADERS, Error, RequestOptions, WasiBody};

use super::body::{AnswerBody, BodyLimits};
use super::connect::{Opened, connect};
use super::destination::Destination;
use super::echo::Echo;
use super::error::CallError;
use super::own::drop_forwarding;
use super::patience::Patience;
use super::places::Place;
use super::request_body::{BoundedBody, drain};
use super::shown::shown;
use super::substitute::substitute;
use super::{Caller, Io, Sent};

/// Makes the call. One that comes to nothing leaves a line in the run's log: some guests learn
/// no more than that there was an error.
pub(super) async fn call(
    caller: Arc<Caller>,
    request: Request<WasiBody>,
    options: RequestOptions,
) -> Sent {
    let patience = Patience::new(&options, &caller.guard.limits);
    let (parts, body) = request.into_parts();
    let destination = Destination::of(&parts.method, &parts.uri);
    let shown = shown(&parts.method, &parts.uri, destination.as_ref().ok(), &caller.secrets);
    let Open { to, place, connection, comes_back } =
        match open(&caller, destination, &patience).await {
            Ok(opened) => opened,
            Err(error) => {
                drain(body);
                return Err(give_up(&caller, &shown, &error));
            }
        };
    // From here on the destination is checked and connected: whatever is put into the request
    // goes there and nowhere else.
    let mut request = addressed(Request::from_parts(parts, body), &to)?;
    let echo = Echo::of(&caller.secrets, &to);
    if echo.is_some() {
        Echo::ask(request.headers_mut());
    }
    if comes_back {
        drop_forwarding(request.headers_mut());
    }
    let by = Instant::now() + patience.first_byte;
    let substituting = substitute(&caller.secrets, &to, request, &caller.log, &caller.under_way);
    let request = match timeout_at(by, substituting).await {
        Ok(Ok(request)) => request,
        Ok(Err(fault)) => return Err(give_up(&caller, &shown, &fault.into())),
        Err(_) => return Err(give_up(&caller, &shown, &CallError::FirstByteTimeout)),
    };
    let (answer, driven) = match exchange(&caller, request, connection, by).await {
        Ok(answered) => answered,
        Err(error) => return Err(give_up(&caller, &shown, &error)),
    };
    if let Some(echo) = &echo {
        echo.head(&answer);
    }
    let (mut head, body) = answer.into_parts();
    copy_out(&mut head.headers);
    let answer = Response::from_parts(head, body);
    let limits = BodyLimits {
        bytes_max: caller.guard.limits.http_response_bytes_max,
        between_bytes: patience.between_bytes,
    };
    let log = caller.log.clone();
    let answer = answer
        .map(|incoming| AnswerBody::new(incoming, place, limits, echo, shown, log).boxed_unsync());
    let io: Io = Box::new(async move {
        driven.await;
        Ok(())
    });
    Ok((answer, io))
}

/// A call that may be sent.
struct Open {
    to: Destination,
    place: Place,
    connection: Opened,
    /// May it be this server that gets it?
    comes_back: bool,
}

/// Everything before the request is sent.
async fn open(
    caller: &Caller,
    destination: Result<Destination, &'static str>,
    patience: &Patience,
) -> Result<Open, CallError> {
    let guard = &caller.guard;
    let calls_max = guard.limits.http_calls_max;
    if caller.calls.fetch_add(1, Ordering::Relaxed) >= calls_max {
        return Err(CallError::TooManyCalls { calls_max });
    }
    let to = destination.map_err(CallError::Invalid)?;
    guard.check(&to, &caller.allow)?;
    let deadline = Instant::now() + patience.connect;
    let host = to.authority();
    let taking = guard.places.take(caller.places.clone(), &host);
    let Ok(Some(place)) = timeout_at(deadline, taking).await else {
        return Err(CallError::NoPlace);
    };
    let way = guard.resolve(&to, caller.lookups.clone(), deadline).await?;
    let connecting = connect(guard, &to, &way.addresses);
    let connection =
        timeout_at(deadline, connecting).await.map_err(|_| CallError::ConnectTimeout)??;
    Ok(Open { to, place, connection, comes_back: way.comes_back })
}

/// Sends the request, and waits for the answer's headers until `by`. Besides them comes what drives the
/// connection.
async fn exchange(
    caller: &Caller,
    request: Request<WasiBody>,
    (mut sender, connection): Opened,
    by: Instant,
) -> Result<(Response<Incoming>, AbortOnDropJoinHandle<()>), CallError> {
    let limits = &caller.guard.limits;
    let driven = spawn(async move {
        // What goes wrong here goes wrong for the sender or the body, too.
        let _ = connection.await;
    });
    let (parts, body) = request.into_parts();
    let (body, too_large) = BoundedBody::new(body, limits.http_request_bytes_max);
    let request = Request::from_parts(parts, body.boxed_unsync());
    let answer = match timeout_at(by, sender.send_request(request)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) if too_large.load(Ordering::SeqCst) => {
            return Err(CallError::RequestTooLarge { bytes_max: limits.http_request_bytes_max });
        }
        Ok(Err(error)) => return Err(CallError::of_exchange(error)),
        Err(_) => return Err(CallError::FirstByteTimeout),
    };
    let bytes_max = limits.http_response_bytes_max;
    // A server that says so much needs not be listened to.
    if usize::try_from(answer.body().size_hint().lower()).is_ok_and(|least| least <= bytes_max) {
        Ok((answer, driven))
    } else {
        Err(CallError::ResponseTooLarge { bytes_max })
    }
}

/// The request as it goes to an origin server: the path alone, the destination's host, and
/// nothing about the connection, which is ours.
fn addressed(request: Request<WasiBody>, to: &Destination) -> Result<Request<WasiBody>, Error> {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().cloned();
    parts.uri = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    let host = HeaderValue::try_from(to.authority()).map_err(|_| Error::HttpRequestUriInvalid)?;
    for name in &DEFAULT_FORBIDDEN_HEADERS {
        parts.headers.remove(name);
    }
    parts.headers.insert(header::HOST, host);
    Ok(Request::from_parts(parts, body))
}

/// Gives each value memory of its own: until then it keeps all that was read with it from the
/// connection, a body's beginning among it.
fn copy_out(headers: &mut HeaderMap) {
    for value in headers.values_mut() {
        if let Ok(copy) = HeaderValue::from_bytes(value.as_bytes()) {
            *value = copy;
        }
    }
}

fn give_up(caller: &Caller, shown: &str, error: &CallError) -> Error {
    caller.log.note(&format!("{shown} {error}"));
    error.code()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn an_answers_values_do_not_hold_on_to_what_they_were_read_with() {
        let read = Bytes::from(b"value, and much more".to_vec());
        let value = HeaderValue::from_maybe_shared(read.slice(..5)).unwrap();
        let mut headers = HeaderMap::from_iter([(header::SERVER, value)]);
        assert!(!read.is_unique());
        copy_out(&mut headers);
        assert!(read.is_unique());
        assert_eq!(headers[header::SERVER], "value");
    }
}
