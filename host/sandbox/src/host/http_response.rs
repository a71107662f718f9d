//! `http-response`: an answer for the workflow's HTTP caller.

use http::{HeaderName, HeaderValue, header};
use waystation_core::HttpResponse;

use crate::bindings::waystation::step::http_response::{Error, Host, Response};
use crate::guest::Guest;
use crate::masked;

/// Headers that belong to the connection or that the server sets.
const RESERVED: [HeaderName; 10] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::CONTENT_LENGTH,
    header::DATE,
];

/// Headers of one answer.
const HEADERS_MAX: usize = 100;

/// Names and values of all headers together.
const HEADERS_BYTES_MAX: usize = 32 << 10;

impl Host for Guest {
    fn respond(&mut self, response: Response) -> Result<(), Error> {
        check(&response, self.may.limits.payload_bytes_max).map_err(Error::InvalidResponse)?;
        let Some(responder) = &self.may.responder else {
            return Err(Error::NobodyWaits(
                "no HTTP caller waits for this step: the workflow was triggered in another way, \
                 or its trigger does not say `respond: step`"
                    .into(),
            ));
        };
        let Response { status, headers, body } = response;
        let response = HttpResponse { status, headers, body };
        let response = match self.may.secrets.masks() {
            Some(masks) => masked::response(masks, response),
            None => response,
        };
        if responder.respond(response) {
            return Ok(());
        }
        Err(Error::NobodyWaits("the HTTP caller was answered already, or has left".into()))
    }
}

fn check(response: &Response, body_bytes_max: usize) -> Result<(), String> {
    if !(200..=599).contains(&response.status) {
        return Err(format!("status: {}; 200 to 599 are allowed", response.status));
    }
    let bytes: usize = response.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if response.headers.len() > HEADERS_MAX || bytes > HEADERS_BYTES_MAX {
        return Err(format!(
            "headers: {} with {bytes} bytes; at most {HEADERS_MAX} with {HEADERS_BYTES_MAX} bytes are allowed",
            response.headers.len()
        ));
    }
    for (name, value) in &response.headers {
        check_header(name, value)?;
    }
    let bytes = response.body.len();
    if bytes > body_bytes_max {
        return Err(format!("body: {bytes} bytes; at most {body_bytes_max} are allowed"));
    }
    Ok(())
}

fn check_header(name: &str, value: &str) -> Result<(), String> {
    let shown: String = name.chars().take(80).collect();
    let parsed = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| format!("headers: {shown:?} is not a header's name"))?;
    if RESERVED.contains(&parsed) {
        return Err(format!("headers: {shown:?} is set by the host"));
    }
    HeaderValue::from_str(value).map_err(|_| {
        format!("headers: the value of {shown:?} has characters that no header has")
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, headers: &[(&str, &str)], body: usize) -> Response {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Response { status, headers, body: vec![0; body] }
    }

    #[test]
    fn what_is_http_is_taken() {
        assert_eq!(check(&response(200, &[("Content-Type", "text/plain; ü")], 10), 10), Ok(()));
        assert_eq!(
            check(&response(599, &[("set-cookie", "a=b"), ("set-cookie", "c=d")], 0), 10),
            Ok(())
        );
    }

    #[test]
    fn what_is_not_is_refused() {
        for bad in [
            response(199, &[], 0),
            response(600, &[], 0),
            response(200, &[], 11),
            response(200, &[("", "x")], 0),
            response(200, &[("a b", "x")], 0),
            response(200, &[("a", "x\r\nb: c")], 0),
            response(200, &[("Content-Length", "1")], 0),
            response(200, &[("transfer-encoding", "chunked")], 0),
            response(200, &[("a", "b"); 101], 0),
        ] {
            assert!(check(&bad, 10).is_err(), "{bad:?}");
        }
    }
}
