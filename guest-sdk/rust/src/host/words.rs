//! wasi:http's error codes in words.

use wasip2::http::types::ErrorCode;

pub(super) fn words(code: &ErrorCode) -> String {
    let words = match code {
        ErrorCode::HttpRequestDenied => {
            "the host does not allow this request: see the step's `allow.http` and the host's \
             `outbound.allow`"
        }
        ErrorCode::DestinationIpProhibited => {
            "the host lets no step call this address: see `private` under `[outbound]` in the \
             host's settings"
        }
        ErrorCode::ConnectionRefused => "connection refused",
        ErrorCode::ConnectionTerminated => "the server closed the connection",
        ErrorCode::ConnectionTimeout => "connecting took too long",
        ErrorCode::ConnectionReadTimeout | ErrorCode::HttpResponseTimeout => {
            "the server did not answer in time"
        }
        ErrorCode::ConnectionLimitReached => "too many requests at the same time",
        ErrorCode::DestinationIpUnroutable => "no way leads to the server's address",
        ErrorCode::DestinationNotFound | ErrorCode::DestinationUnavailable => {
            "the server can't be reached"
        }
        ErrorCode::DnsTimeout => "the server's name was not resolved in time",
        ErrorCode::DnsError(error) => {
            let why = error.rcode.as_deref().unwrap_or("unknown");
            return format!("the server's name can't be resolved: {why}");
        }
        ErrorCode::TlsCertificateError => "the server's certificate is not trusted",
        ErrorCode::TlsProtocolError | ErrorCode::TlsAlertReceived(_) => {
            "the server does not agree on TLS"
        }
        ErrorCode::HttpRequestUriInvalid => "the URL is not valid",
        ErrorCode::HttpResponseIncomplete => "the answer is cut off",
        ErrorCode::HttpProtocolError => "the answer is no HTTP",
        ErrorCode::HttpRequestBodySize(_) => "the request's body is larger than the host allows",
        ErrorCode::HttpResponseBodySize(_) => "the answer's body is larger than the host allows",
        ErrorCode::HttpResponseHeaderSectionSize(_) => {
            "the answer's headers are larger than the host allows"
        }
        ErrorCode::InternalError(Some(reason)) => return reason.clone(),
        other => return format!("{other:?}"),
    };
    words.into()
}
