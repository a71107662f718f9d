//! One HTTP exchange over wasi:http.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    Fields, IncomingResponse, Method, OutgoingBody, OutgoingRequest, RequestOptions, Scheme,
    http_error_code,
};
use wasip2::io::streams::StreamError;

use super::Answer;
use super::words::words;
use crate::http::Sent;

/// What one `blocking-write-and-flush` takes, by the definition of wasi:io.
const WRITE_BYTES_MAX: usize = 4096;
/// How much of an answer is asked for at once.
const READ_BYTES_MAX: u64 = 64 * 1024;

pub(super) fn exchange(sent: &Sent) -> Result<Answer, String> {
    let request = outgoing(sent)?;
    // A request without a body must not announce one.
    let body = (!sent.body.is_empty()).then(|| request.body()).transpose();
    let body = body.map_err(|()| "the request takes no body")?;
    let answer =
        outgoing_handler::handle(request, Some(options(sent))).map_err(|code| words(&code))?;
    if let Some(body) = body {
        // When the server hangs up meanwhile, the rest is left out: the answer says why.
        if write(&body, &sent.body).is_ok() {
            let _ = OutgoingBody::finish(body, None);
        }
    }
    answer.subscribe().block();
    let response = answer
        .get()
        .and_then(Result::ok)
        .ok_or("the answer was taken already")?
        .map_err(|code| words(&code))?;
    let headers = response
        .headers()
        .entries()
        .into_iter()
        .map(|(name, value)| {
            (name.to_ascii_lowercase(), String::from_utf8_lossy(&value).into_owned())
        })
        .collect();
    Ok(Answer { status: response.status(), headers, body: read(&response)? })
}

fn outgoing(sent: &Sent) -> Result<OutgoingRequest, String> {
    let mut headers: Vec<(String, Vec<u8>)> = sent
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), value.clone().into_bytes()))
        .collect();
    if !sent.body.is_empty() && sent.header("content-length").is_none() {
        // Not every server takes a body in chunks of unknown number.
        headers.push(("content-length".into(), sent.body.len().to_string().into_bytes()));
    }
    let fields = Fields::from_list(&headers).map_err(|error| format!("headers: {error}"))?;
    let request = OutgoingRequest::new(fields);
    let invalid = |what: &str| format!("the {what} is not valid");
    let scheme = if sent.url.scheme() == "https" { Scheme::Https } else { Scheme::Http };
    request.set_method(&method(&sent.method)).map_err(|()| invalid("method"))?;
    request.set_scheme(Some(&scheme)).map_err(|()| invalid("scheme"))?;
    request.set_authority(Some(sent.url.authority())).map_err(|()| invalid("URL's host"))?;
    let target = sent.url.path_and_query();
    request.set_path_with_query(Some(&target)).map_err(|()| invalid("URL's path"))?;
    Ok(request)
}

fn options(sent: &Sent) -> RequestOptions {
    let options = RequestOptions::new();
    if let Some(timeout) = sent.timeout {
        let nanoseconds = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        // A host that supports no timeouts says so here; the run's own limit remains.
        let _ = options.set_connect_timeout(Some(nanoseconds));
        let _ = options.set_first_byte_timeout(Some(nanoseconds));
        let _ = options.set_between_bytes_timeout(Some(nanoseconds));
    }
    options
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "CONNECT" => Method::Connect,
        "OPTIONS" => Method::Options,
        "TRACE" => Method::Trace,
        "PATCH" => Method::Patch,
        other => Method::Other(other.into()),
    }
}

fn write(body: &OutgoingBody, bytes: &[u8]) -> Result<(), StreamError> {
    let Ok(stream) = body.write() else { return Ok(()) };
    bytes.chunks(WRITE_BYTES_MAX).try_for_each(|part| stream.blocking_write_and_flush(part))
}

fn read(response: &IncomingResponse) -> Result<Vec<u8>, String> {
    let body = response.consume().map_err(|()| "the answer's body was taken already")?;
    let stream = body.stream().map_err(|()| "the answer's body was taken already")?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(READ_BYTES_MAX) {
            Ok(part) => bytes.extend(part),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(http_error_code(&error).map_or_else(
                    // Only the first line: the rest is for the host's developers.
                    || error.to_debug_string().lines().next().unwrap_or_default().into(),
                    |code| words(&code),
                ));
            }
        }
    }
}
