//! Why a call came to nothing: for the run's log in words, for the guest as a code.

use std::io;
use std::net::IpAddr;

use wasmtime_wasi_http::Error;

use super::substitute::SecretFault;

/// What went wrong with a call.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// The request names no destination we know how to reach.
    #[error("refused: {0}")]
    Invalid(&'static str),
    /// The step's author does not let it.
    #[error("refused: the step may not call {origin}: add \"{origin}\" to its allow.http")]
    NotAllowedToStep {
        /// Scheme, host and port.
        origin: String,
    },
    /// The operator does not let any step.
    #[error(
        "refused: this host lets no step call {origin}: its operator may add \"{origin}\" to allow under [outbound]"
    )]
    NotAllowedHere {
        /// Scheme, host and port.
        origin: String,
    },
    /// A secret is not for there.
    #[error("refused: {0}")]
    Secret(#[from] SecretFault),
    /// Only special addresses stand behind the name.
    #[error(
        "refused: {address} is {kind}: its operator may set [outbound] private = [\"{network}\"]"
    )]
    SpecialAddress {
        /// One of them.
        address: IpAddr,
        /// What sort of address it is.
        kind: &'static str,
        /// The smallest network that holds it.
        network: String,
    },
    /// Too many calls at once.
    #[error("failed: too many calls at the same time")]
    NoPlace,
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
    /// What the guest sees.
    pub(super) fn code(&self) -> Error {
        match self {
            CallError::Invalid(_) => Error::HttpRequestUriInvalid,
            CallError::NotAllowedToStep { .. }
            | CallError::NotAllowedHere { .. }
            | CallError::Secret(_) => Error::HttpRequestDenied,
            CallError::SpecialAddress { .. } => Error::DestinationIpProhibited,
            CallError::NoPlace => Error::ConnectionLimitReached,
            CallError::Dns(why) => Error::DnsError { rcode: Some(why.clone()), info_code: None },
            CallError::DnsTimeout => Error::DnsTimeout,
            CallError::ConnectTimeout => Error::ConnectionTimeout,
            CallError::Connect(error) => connect_code(error),
            CallError::Tls(error) => tls_code(error),
            CallError::NoRoots(_) => Error::InternalError(Some(self.to_string())),
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
