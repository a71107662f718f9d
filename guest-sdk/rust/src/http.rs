//! HTTP requests, which the host carries out.
//!
//! A request goes only where both the step's `allow.http` and the host's `outbound.allow` let it.
//! Redirects are not followed.
//!
//! ```text
//! let job: Job = http::post("https://api.example.com/jobs")
//!     .header("authorization", &format!("Bearer {key}"))
//!     .json(&order)?
//!     .timeout(Duration::from_secs(5))
//!     .send()?
//!     .error_for_status()?
//!     .json()?;
//! ```

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;
use crate::bindings::wasi::http::outgoing_handler;
use crate::bindings::wasi::http::types::{
    ErrorCode, Fields, IncomingResponse, Method, OutgoingBody, OutgoingRequest, RequestOptions,
    Scheme, http_error_code,
};
use crate::bindings::wasi::io::streams::StreamError;

/// What one `blocking-write-and-flush` takes, by the definition of wasi:io.
const WRITE_BYTES_MAX: usize = 4096;
/// How much of an answer is asked for at once.
const READ_BYTES_MAX: u64 = 64 * 1024;

/// A GET request.
pub fn get(url: &str) -> Request {
    request("GET", url)
}

/// A POST request.
pub fn post(url: &str) -> Request {
    request("POST", url)
}

/// A request with any method.
pub fn request(method: &str, url: &str) -> Request {
    Request {
        method: method.to_ascii_uppercase(),
        url: url.into(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout: None,
    }
}

/// A request in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct Request {
    method: String,
    url: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    timeout: Option<Duration>,
}

impl Request {
    /// Adds a header. `host` and those of the connection are the host's.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets a JSON body, and `content-type`.
    ///
    /// # Errors
    ///
    /// The value can't be JSON.
    pub fn json(self, body: &(impl Serialize + ?Sized)) -> Result<Self, serde_json::Error> {
        let body = serde_json::to_vec(body)?;
        Ok(self.header("content-type", "application/json").body(body))
    }

    /// How long connecting, the answer's head, and each pause in its body may take.
    /// Default: the host's, which also bounds it.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sends it and reads the whole answer. An answer of any status is no error.
    ///
    /// # Errors
    ///
    /// No answer came, or not all of it.
    pub fn send(self) -> Result<Response, HttpError> {
        let place = format!("{} {}", self.method, self.url);
        self.exchange().map_err(|reason| HttpError { place, reason })
    }

    fn exchange(self) -> Result<Response, String> {
        let (request, options) = self.outgoing()?;
        let body = request.body().map_err(|()| "the request has no body")?;
        let answer =
            outgoing_handler::handle(request, Some(options)).map_err(|code| words(&code))?;
        // When the server hangs up meanwhile, the rest is left out: the answer says why.
        if write(&body, &self.body).is_ok() {
            let _ = OutgoingBody::finish(body, None);
        }
        answer.subscribe().block();
        let response = answer
            .get()
            .and_then(Result::ok)
            .ok_or("the answer was taken already")?
            .map_err(|code| words(&code))?;
        let status = response.status();
        let headers = response
            .headers()
            .entries()
            .into_iter()
            .map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned()))
            .collect();
        Ok(Response { url: self.url, status, headers, body: read(&response)? })
    }

    fn outgoing(&self) -> Result<(OutgoingRequest, RequestOptions), String> {
        let (scheme, rest) = self.url.split_once("://").ok_or("the URL has no scheme")?;
        let scheme = match scheme {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err("the URL's scheme is neither http nor https".into()),
        };
        let rest = rest.split('#').next().unwrap_or(rest);
        let path_at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(path_at);
        let path = if path.starts_with('/') { path.into() } else { format!("/{path}") };

        let fields =
            Fields::from_list(&self.headers).map_err(|error| format!("headers: {error:?}"))?;
        let request = OutgoingRequest::new(fields);
        let invalid = |what: &str| format!("the {what} is not valid");
        request.set_method(&method(&self.method)).map_err(|()| invalid("method"))?;
        request.set_scheme(Some(&scheme)).map_err(|()| invalid("scheme"))?;
        request.set_authority(Some(authority)).map_err(|()| invalid("URL's host"))?;
        request.set_path_with_query(Some(&path)).map_err(|()| invalid("URL's path"))?;
        Ok((request, self.options()))
    }

    fn options(&self) -> RequestOptions {
        let options = RequestOptions::new();
        if let Some(timeout) = self.timeout {
            let nanoseconds = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
            // A host that supports no timeouts says so here; the run's own limit remains.
            let _ = options.set_connect_timeout(Some(nanoseconds));
            let _ = options.set_first_byte_timeout(Some(nanoseconds));
            let _ = options.set_between_bytes_timeout(Some(nanoseconds));
        }
        options
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Response {
    url: String,
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Response {
    /// The status, such as 200.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// All headers, names in lower case.
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body, from JSON.
    ///
    /// # Errors
    ///
    /// It is no JSON, or no `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Error::new(format!("the answer of {}: {error}", self.url)).named("UnexpectedJson")
        })
    }

    /// An error for an answer of status 400 or more.
    ///
    /// # Errors
    ///
    /// The status is 400 or more. It is retryable from 500 on, and for 408 and 429.
    pub fn error_for_status(self) -> Result<Self, Error> {
        if self.status < 400 {
            return Ok(self);
        }
        let error =
            Error::new(format!("{} answered {}", self.url, self.status)).named("HttpStatus");
        Err(if self.status >= 500 || matches!(self.status, 408 | 429) {
            error
        } else {
            error.permanent()
        })
    }
}

/// No answer came, or not all of it.
#[derive(Clone, Debug)]
pub struct HttpError {
    place: String,
    reason: String,
}

impl Display for HttpError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)
    }
}

impl std::error::Error for HttpError {}

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

fn words(code: &ErrorCode) -> String {
    match code {
        ErrorCode::HttpRequestDenied => "the host does not allow this request: see the step's \
                                         `allow.http` and the host's `outbound.allow`"
            .into(),
        ErrorCode::ConnectionRefused => "connection refused".into(),
        ErrorCode::ConnectionTimeout => "connecting took too long".into(),
        ErrorCode::ConnectionReadTimeout | ErrorCode::HttpResponseTimeout => {
            "the server did not answer in time".into()
        }
        ErrorCode::InternalError(Some(reason)) => reason.clone(),
        other => format!("{other:?}"),
    }
}
