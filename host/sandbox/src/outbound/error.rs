//! Why a call came to nothing: for the run's log in words, for the guest as a code.

use std::io;
use std::net::IpAddr;

use wasmtime_wasi_http::Error;

/// What went wrong with a call.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// The request names no destination we know how to reach.
    #[error("refused: {0}")]
    Invalid(&'static str),
    /// The step's author does not let it.
    #[error("refused: the step may not call it: add \"{rule}\" to its allow.http")]
    NotAllowedToStep {
        /// What would allow it.
        rule: String,
    },
    /// The operator does not let any step.
    #[error(
        "refused: this host lets no step call it: its operator may add \"{rule}\" to allow under [outbound]"
    )]
    NotAllowedHere {
        /// What would allow it.
        rule: String,
    },
    /// A special address stands behind the name.
    #[error(
        "refused: {address} is {kind}: the operator may add \"{network}\" to private under [outbound]"
    )]
    SpecialAddress {
        /// The first of them.
        address: IpAddr,
        /// What sort of address it is.
        kind: &'static str,
        /// The smallest network that holds it.
        network: String,
    },
    /// We would call ourselves.
    #[error(
        "refused: this host itself listens there, and steps may call no more of it than /resume/, /cancel/, /approve/ and /hooks/"
    )]
    OwnServer,
    /// What is special can't be told.
    #[error("refused: the addresses of this machine can't be read: {0}")]
    LocalAddresses(io::Error),
    /// The run has called often enough.
    #[error("refused: a run makes at most {calls_max} calls (http_calls_max under [limits])")]
    TooManyCalls {
        /// So often.
        calls_max: usize,
    },
    /// Too many calls at once.
    #[error(
        "failed: too many calls at the same time (http_parallel_max, http_connections_max under [limits])"
    )]
    NoPlace,
    /// The request's body is too large.
    #[error(
        "failed: the request's body has more than {bytes_max} bytes (http_request_bytes_max under [limits])"
    )]
    RequestTooLarge {
        /// So large it may be.
        bytes_max: usize,
    },
    /// The answer's body is too large.
    #[error(
        "failed: the answer's body has more than {bytes_max} bytes (http_response_bytes_max under [limits])"
    )]
    ResponseTooLarge {
        /// So large it may be.
        bytes_max: usize,
    },
    /// The answer's headers are too large or too many.
    #[error(
        "failed: the answer's headers are too large or too many (http_headers_bytes_max, http_headers_max under [limits])"
    )]
    HeadersTooLarge,
    /// The name could not be looked up.
    #[error("failed: the name can't be resolved: {0}")]
    Dns(String),
    /// Nor in time.
    #[error("failed: the name was not resolved in time")]
    DnsTimeout,
    /// No connection in time.
    #[error("failed: no connection in time")]
    ConnectTimeout,
    /// No connection.
    #[error("failed: no connection: {0}")]
    Connect(io::Error),
    /// No agreement on TLS.
    #[error("failed: TLS: {0}")]
    Tls(io::Error),
    /// The machine's root certificates can't be read.
    #[error("failed: no root certificates on this host: {0}")]
    NoRoots(String),
    /// No answer in time.
    #[error("failed: no answer in time")]
    FirstByteTimeout,
    /// The rest of the answer did not come in time.
    #[error("failed: the answer stopped coming")]
    BetweenBytesTimeout,
    /// Not HTTP, or cut off.
    #[error("failed: {}", http_words(.0))]
    Http(hyper::Error),
    /// The answer's body is cut off.
    #[error("failed: the answer is cut off: {0}")]
    Body(hyper::Error),
}

impl CallError {
    /// An exchange that failed before there was an answer.
    pub(super) fn of_exchange(error: hyper::Error) -> CallError {
        if error.is_parse_too_large() { CallError::HeadersTooLarge } else { CallError::Http(error) }
    }

    /// What the guest sees.
    pub(super) fn code(&self) -> Error {
        match self {
            CallError::Invalid(_) => Error::HttpRequestUriInvalid,
            CallError::NotAllowedToStep { .. }
            | CallError::NotAllowedHere { .. }
            | CallError::TooManyCalls { .. } => Error::HttpRequestDenied,
            CallError::SpecialAddress { .. } | CallError::OwnServer => {
                Error::DestinationIpProhibited
            }
            CallError::RequestTooLarge { bytes_max } => {
                Error::HttpRequestBodySize(size(*bytes_max))
            }
            CallError::ResponseTooLarge { bytes_max } => {
                Error::HttpResponseBodySize(size(*bytes_max))
            }
            CallError::HeadersTooLarge => Error::HttpResponseHeaderSectionSize(None),
            CallError::NoPlace => Error::ConnectionLimitReached,
            CallError::Dns(why) => Error::DnsError { rcode: Some(why.clone()), info_code: None },
            CallError::DnsTimeout => Error::DnsTimeout,
            CallError::ConnectTimeout => Error::ConnectionTimeout,
            CallError::Connect(error) => connect_code(error),
            CallError::Tls(error) => tls_code(error),
            CallError::NoRoots(_) | CallError::LocalAddresses(_) => {
                Error::InternalError(Some(self.to_string()))
            }
            CallError::FirstByteTimeout | CallError::BetweenBytesTimeout => {
                Error::ConnectionReadTimeout
            }
            CallError::Http(error) if error.is_incomplete_message() => {
                Error::HttpResponseIncomplete
            }
            CallError::Http(error) if error.is_timeout() => Error::HttpResponseTimeout,
            CallError::Http(_) => Error::HttpProtocolError,
            CallError::Body(_) => Error::HttpResponseIncomplete,
        }
    }
}

fn size(bytes: usize) -> Option<u64> {
    u64::try_from(bytes).ok()
}

fn connect_code(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Error::ConnectionRefused,
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
            Error::ConnectionTerminated
        }
        io::ErrorKind::TimedOut => Error::ConnectionTimeout,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Error::DestinationIpUnroutable
        }
        _ => Error::DestinationUnavailable,
    }
}

fn tls_code(error: &io::Error) -> Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            Error::TlsCertificateError
        }
        Some(rustls::Error::AlertReceived(alert)) => Error::TlsAlertReceived {
            alert_id: Some((*alert).into()),
            alert_message: Some(format!("{alert:?}")),
        },
        _ => Error::TlsProtocolError,
    }
}

/// hyper's own words name its types; these are for people.
fn http_words(error: &hyper::Error) -> String {
    if error.is_incomplete_message() {
        return "the server closed the connection before its answer was whole".into();
    }
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}
