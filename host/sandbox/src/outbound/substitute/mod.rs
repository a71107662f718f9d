//! Values in place of placeholders, in requests to where they may go.
//!
//! A request that would carry a placeholder anywhere else is refused: whoever got it could do
//! nothing with it, but the step's author would look for the fault on the other side.

mod body;
mod placeholder;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};
use percent_encoding::utf8_percent_encode;
use wasmtime_wasi_http::WasiBody;

use self::placeholder::{cut, find};
use super::destination::Destination;
use super::request_body::drain;
use crate::held::{HeldTooMuch, UnderWay};
use crate::logs::RunLog;
use crate::masks::URL_COMPONENT;
use crate::secrets::Secrets;

/// A body with placeholders in it, in bytes: so much of a body is held in memory until it is
/// known whether there are any.
const BODY_BYTES_MAX: usize = 256 << 10;

/// All headers, or the path with the query, with the values.
const HEAD_BYTES_MAX: usize = 60 << 10;

/// Why a value does not go out.
#[derive(Debug, thiserror::Error)]
pub(super) enum SecretFault {
    #[error(
        "the secret {name} is not for this address: its operator may set it with --for \"{origin}\""
    )]
    NotForThere { name: String, origin: String },
    #[error(
        "it holds a placeholder of another attempt: each attempt has to read its own from its variables"
    )]
    Stranger,
    #[error("the value of the secret {name} can't stand in {place}: {why}")]
    Unfit { name: String, place: &'static str, why: &'static str },
    #[error("with the values of its secrets, {place} would have more than {bytes_max} bytes")]
    TooLarge { place: &'static str, bytes_max: usize },
    #[error("a body with placeholders has at most {BODY_BYTES_MAX} bytes")]
    LargeBody,
    #[error("bodies are held until it is known which secrets are in them: {0}")]
    Held(#[from] HeldTooMuch),
}

/// The request as it is sent to `to`.
pub(super) async fn substitute(
    secrets: &Secrets,
    to: &Destination,
    request: Request<WasiBody>,
    log: &RunLog,
    under_way: &UnderWay,
) -> Result<Request<WasiBody>, SecretFault> {
    if !secrets.has_placeholders() {
        return Ok(request);
    }
    let here = Here { secrets, to };
    let (mut parts, body) = request.into_parts();
    let head = here.uri(&parts.uri).and_then(|uri| {
        here.headers(&mut parts.headers)?;
        Ok(uri)
    });
    match head {
        Ok(uri) => parts.uri = uri.unwrap_or(parts.uri),
        Err(fault) => {
            drain(body);
            return Err(fault);
        }
    }
    let body = here.body(&mut parts.headers, body, log, under_way).await?;
    Ok(Request::from_parts(parts, body))
}

/// Which secrets may go here.
struct Here<'a> {
    secrets: &'a Secrets,
    to: &'a Destination,
}

impl Here<'_> {
    fn uri(&self, uri: &Uri) -> Result<Option<Uri>, SecretFault> {
        let path = self.text(uri.path(), "the path", |value| {
            if value.contains(['/', '\\']) {
                // It would lead to another place than the one that was checked.
                return Err("it has a slash");
            }
            Ok(Cow::from(utf8_percent_encode(value, URL_COMPONENT)))
        })?;
        let query = self.text(uri.query().unwrap_or_default(), "the query", |value| {
            Ok(Cow::from(utf8_percent_encode(value, URL_COMPONENT)))
        })?;
        if path.is_none() && query.is_none() {
            return Ok(None);
        }
        let mut text = path.unwrap_or_else(|| uri.path().to_owned());
        if let Some(query) = query.as_deref().or(uri.query()) {
            text.push('?');
            text.push_str(query);
        }
        let too_large = |_| SecretFault::TooLarge { place: "the path", bytes_max: HEAD_BYTES_MAX };
        PathAndQuery::try_from(text).map(|path| Some(Uri::from(path))).map_err(too_large)
    }

    fn headers(&self, headers: &mut HeaderMap) -> Result<(), SecretFault> {
        let mut replaced = false;
        for value in headers.values_mut() {
            if let Some(whole) = self.header(value.as_bytes())? {
                *value = whole;
                replaced = true;
            }
        }
        let line = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len();
        if replaced && headers.iter().map(line).sum::<usize>() > HEAD_BYTES_MAX {
            let place = "the headers";
            return Err(SecretFault::TooLarge { place, bytes_max: HEAD_BYTES_MAX });
        }
        Ok(())
    }

    fn header(&self, value: &[u8]) -> Result<Option<HeaderValue>, SecretFault> {
        let fits = |value: &str| match HeaderValue::from_bytes(value.as_bytes()) {
            Ok(_) => Ok(()),
            Err(_) => Err("it has characters that no header has"),
        };
        // Each value is looked at by itself: then none can begin another header.
        let plain = |bytes: &[u8]| {
            self.replaced(bytes, "a header", HEAD_BYTES_MAX, |value| {
                fits(value).map(|()| Cow::from(value))
            })
        };
        let whole = match plain(value)? {
            Some(whole) => whole,
            None => match self.basic(value)? {
                Some(whole) => whole,
                None => return Ok(None),
            },
        };
        let mut whole = HeaderValue::from_bytes(&whole)
            .map_err(|_| SecretFault::TooLarge { place: "a header", bytes_max: HEAD_BYTES_MAX })?;
        whole.set_sensitive(true);
        Ok(Some(whole))
    }

    /// `Basic` credentials, which hold the placeholder in base64.
    fn basic(&self, value: &[u8]) -> Result<Option<Vec<u8>>, SecretFault> {
        let credentials = value
            .split_at_checked(6)
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"basic "))
            .and_then(|(_, credentials)| STANDARD.decode(credentials.trim_ascii()).ok());
        let Some(credentials) = credentials else { return Ok(None) };
        let whole =
            self.replaced(&credentials, "a header", HEAD_BYTES_MAX, |value| Ok(Cow::from(value)))?;
        Ok(whole.map(|whole| format!("Basic {}", STANDARD.encode(whole)).into_bytes()))
    }

    fn text(
        &self,
        text: &str,
        place: &'static str,
        encode: impl Fn(&str) -> Result<Cow<'_, str>, &'static str>,
    ) -> Result<Option<String>, SecretFault> {
        let whole = self.replaced(text.as_bytes(), place, HEAD_BYTES_MAX, encode)?;
        Ok(whole.map(|whole| String::from_utf8_lossy(&whole).into_owned()))
    }

    /// `bytes` with values, each as `encode` writes it; `None` when there is no placeholder.
    fn replaced(
        &self,
        bytes: &[u8],
        place: &'static str,
        bytes_max: usize,
        encode: impl Fn(&str) -> Result<Cow<'_, str>, &'static str>,
    ) -> Result<Option<Vec<u8>>, SecretFault> {
        let mut whole = Vec::new();
        let mut rest = bytes;
        while let Some((start, end)) = find(rest) {
            let (before, placeholder, after) = cut(rest, start, end);
            let secret = std::str::from_utf8(placeholder)
                .ok()
                .and_then(|placeholder| self.secrets.behind(placeholder))
                .ok_or(SecretFault::Stranger)?;
            let name = || secret.name().to_owned();
            let to = self.to;
            if !to.is_allowed(secret.destinations()) {
                return Err(SecretFault::NotForThere { name: name(), origin: to.origin() });
            }
            let value = encode(secret.value());
            let value = value.map_err(|why| SecretFault::Unfit { name: name(), place, why })?;
            whole.extend_from_slice(before);
            whole.extend_from_slice(value.as_bytes());
            if whole.len() + after.len() > bytes_max {
                return Err(SecretFault::TooLarge { place, bytes_max });
            }
            rest = after;
        }
        if rest.len() == bytes.len() {
            return Ok(None);
        }
        whole.extend_from_slice(rest);
        Ok(Some(whole))
    }
}
