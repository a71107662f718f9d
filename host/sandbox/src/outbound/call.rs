//! One call, from the guest's request to the answer's first byte.

use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Uri, header};
use http_body_util::BodyExt as _;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::body::TimedBody;
use super::connect::{Opened, connect};
use super::destination::Destination;
use super::error::CallError;
use super::substitute::substitute;
use super::{Caller, Io, Sent};

/// The name's look-up, the connection and TLS together.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// From the connection to the answer's first byte, the request's body sent in between.
const FIRST_BYTE_MAX: Duration = Duration::from_secs(60);

/// Between two pieces of the answer.
const BETWEEN_BYTES_MAX: Duration = Duration::from_secs(30);

/// How long a call waits, at most: as the guest says, within what the host allows.
struct Patience {
    connect: Duration,
    first_byte: Duration,
    between_bytes: Duration,
}

impl Patience {
    fn new(guest: &RequestOptions) -> Patience {
        let within = |wish: Option<Duration>, max: Duration| wish.map_or(max, |wish| wish.min(max));
        Patience {
            connect: within(guest.connect_timeout, CONNECT_MAX),
            first_byte: within(guest.first_byte_timeout, FIRST_BYTE_MAX),
            between_bytes: within(guest.between_bytes_timeout, BETWEEN_BYTES_MAX),
        }
    }
}

/// Makes the call. One that comes to nothing leaves a line in the run's log: some guests learn
/// no more than that there was an error.
pub(super) async fn call(
    caller: Arc<Caller>,
    request: Request<WasiBody>,
    options: RequestOptions,
) -> Sent {
    let patience = Patience::new(&options);
    let (parts, body) = request.into_parts();
    let destination = Destination::of(&parts.uri);
    let shown = match &destination {
        Ok(to) => format!("{} {}", parts.method, to.shown()),
        Err(_) => format!("{} {}", parts.method, hidden(&parts.uri)),
    };
    let opened = open(&caller, &parts.method, destination, &patience).await;
    let (to, place, opened) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            drain(body);
            return Err(give_up(&caller, &shown, &error));
        }
    };
    let request = addressed(Request::from_parts(parts, body), &to)?;
    let by = Instant::now() + patience.first_byte;
    let substituting = substitute(&caller.secrets, &to, request, &caller.log);
    let request = match timeout_at(by, substituting).await {
        Ok(Ok(request)) => request,
        Ok(Err(fault)) => return Err(give_up(&caller, &shown, &fault.into())),
        Err(_) => return Err(give_up(&caller, &shown, &CallError::FirstByteTimeout)),
    };
    let (mut sender, connection) = opened;
    let driven = wasmtime_wasi::runtime::spawn(async move {
        // What goes wrong here goes wrong for the sender or the body, too.
        let _ = connection.await;
    });
    let response = match timeout_at(by, sender.send_request(request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err(give_up(&caller, &shown, &CallError::Http(error))),
        Err(_) => return Err(give_up(&caller, &shown, &CallError::FirstByteTimeout)),
    };
    let log = caller.log.clone();
    let response = response.map(|incoming| {
        TimedBody::new(incoming, patience.between_bytes, shown, log, place).boxed_unsync()
    });
    let io: Io = Box::new(async move {
        driven.await;
        Ok(())
    });
    Ok((response, io))
}

/// Everything before the request is sent.
async fn open(
    caller: &Caller,
    method: &Method,
    destination: Result<Destination, &'static str>,
    patience: &Patience,
) -> Result<(Destination, OwnedSemaphorePermit, Opened), CallError> {
    let to = destination.map_err(CallError::Invalid)?;
    if *method == Method::CONNECT {
        return Err(CallError::Invalid("CONNECT asks for a tunnel"));
    }
    caller.guard.check(&to, &caller.allow)?;
    let deadline = Instant::now() + patience.connect;
    let place = timeout_at(deadline, caller.places.clone().acquire_owned()).await;
    let Ok(Ok(place)) = place else { return Err(CallError::NoPlace) };
    let addresses = caller.guard.resolve(&to, deadline).await?;
    let connecting = connect(&caller.guard, &to, &addresses);
    let opened =
        timeout_at(deadline, connecting).await.map_err(|_| CallError::ConnectTimeout)??;
    Ok((to, place, opened))
}

/// The request as it goes to an origin server: the path alone, and the destination's host.
fn addressed(request: Request<WasiBody>, to: &Destination) -> Result<Request<WasiBody>, Error> {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().cloned();
    parts.uri = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    let host = HeaderValue::try_from(to.authority()).map_err(|_| Error::HttpRequestUriInvalid)?;
    parts.headers.insert(header::HOST, host);
    Ok(Request::from_parts(parts, body))
}

fn give_up(caller: &Caller, shown: &str, error: &CallError) -> Error {
    caller.log.note(&format!("{shown} {error}"));
    error.code()
}

/// Takes what the guest goes on to write, so that it comes to see why its call was refused
/// instead of a broken stream. Ends when the guest does.
pub(super) fn drain(mut body: WasiBody) {
    tokio::spawn(async move { while let Some(Ok(_)) = body.frame().await {} });
}

/// A URI that is no destination, without what may be secret in it.
fn hidden(uri: &Uri) -> String {
    let text = uri.to_string();
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let text = match (text.split_once("://"), text.split_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://…@{rest}"),
        _ => text.to_owned(),
    };
    text.chars().take(300).collect()
}
