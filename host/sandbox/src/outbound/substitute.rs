//! Values in place of placeholders, in requests to where they may go.
//!
//! A request that would carry a placeholder anywhere else is refused: whoever got it could do
//! nothing with it, but the step's author would look for the fault on the other side.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use percent_encoding::utf8_percent_encode;
use wasmtime_wasi_http::{Error, WasiBody};

use super::destination::Destination;
use super::request_body::drain;
use crate::held::{HeldTooMuch, Share, UnderWay};
use crate::logs::RunLog;
use crate::masks::{URL_COMPONENT, json_escaped};
use crate::secrets::{PLACEHOLDER, PLACEHOLDER_DIGITS, Secrets};

/// A body with placeholders in it, in bytes: so much of a body is held in memory until it is
/// known whether there are any.
const BODY_BYTES_MAX: usize = 256 << 10;

/// The same body with the values, in bytes.
const WHOLE_BODY_BYTES_MAX: usize = 1 << 20;

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

    /// Reads the body as far as it may have placeholders. One without any goes on as it comes.
    async fn body(
        &self,
        headers: &mut HeaderMap,
        mut body: WasiBody,
        log: &RunLog,
        under_way: &UnderWay,
    ) -> Result<WasiBody, SecretFault> {
        if body.is_end_stream() {
            return Ok(body);
        }
        let reading = match under_way.room(BODY_BYTES_MAX) {
            Ok(reading) => reading,
            Err(held) => {
                drain(body);
                return Err(held.into());
            }
        };
        let mut bytes = Vec::new();
        let mut last = None;
        while bytes.len() <= BODY_BYTES_MAX && last.is_none() {
            match body.frame().await {
                None => break,
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => bytes.extend_from_slice(&data),
                    Err(trailers) => last = Some(Ok(trailers)),
                },
                Some(Err(error)) => last = Some(Err(error)),
            }
        }
        let more = bytes.len() > BODY_BYTES_MAX && last.is_none();
        let whole = self.whole_body(headers, &bytes, more).map(|whole| whole.unwrap_or(bytes));
        drop(reading);
        let held = whole.and_then(|whole| Ok((under_way.room(whole.len())?, whole)));
        let (share, whole) = match held {
            Ok(held) => held,
            Err(fault) => {
                drain(body);
                return Err(fault);
            }
        };
        let mut ready = VecDeque::from([Ok(Frame::data(Bytes::from(whole)))]);
        ready.extend(last);
        let rest = more.then(|| Rest { body, seen: Vec::new(), log: log.clone() });
        let mut known = KnownBody { ready, rest: None, _share: Some(share) };
        if let Some(mut rest) = rest {
            rest.remember(known.first());
            known.rest = Some(rest);
        }
        Ok(known.boxed_unsync())
    }

    /// The body's bytes with values, if there are placeholders in them; there may be `more`.
    fn whole_body(
        &self,
        headers: &mut HeaderMap,
        bytes: &[u8],
        more: bool,
    ) -> Result<Option<Vec<u8>>, SecretFault> {
        let place = "the body";
        let whole = self.replaced(bytes, place, WHOLE_BODY_BYTES_MAX, encoding(headers))?;
        let Some(whole) = whole else { return Ok(None) };
        if more {
            return Err(SecretFault::LargeBody);
        }
        if let Some(length) = headers.get_mut(header::CONTENT_LENGTH) {
            *length = HeaderValue::from(whole.len());
        }
        Ok(Some(whole))
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

/// How a value is written in a body of this content type.
fn encoding(headers: &HeaderMap) -> impl Fn(&str) -> Result<Cow<'_, str>, &'static str> + use<> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    let json = essence.ends_with("/json") || essence.ends_with("+json");
    let form = essence == "application/x-www-form-urlencoded";
    move |value| {
        Ok(match (json, form) {
            (true, _) => Cow::from(json_escaped(value)),
            (_, true) => Cow::from(utf8_percent_encode(value, URL_COMPONENT)),
            (false, false) => Cow::from(value),
        })
    }
}

/// The first thing in `bytes` that looks like a placeholder: where it starts and ends.
fn find(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut from = 0;
    loop {
        let rest = bytes.get(from..)?;
        let start =
            from + rest.windows(PLACEHOLDER.len()).position(|at| at == PLACEHOLDER.as_bytes())?;
        let digits = start + PLACEHOLDER.len();
        let end = digits + PLACEHOLDER_DIGITS;
        let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if bytes.get(digits..end).is_some_and(|digits| digits.iter().all(is_digit)) {
            return Some((start, end));
        }
        from = digits;
    }
}

fn cut(bytes: &[u8], start: usize, end: usize) -> (&[u8], &[u8], &[u8]) {
    let (before, rest) = bytes.split_at(start);
    let (found, after) = rest.split_at(end - start);
    (before, found, after)
}

/// A body of which the beginning is known already.
struct KnownBody {
    ready: VecDeque<Result<Frame<Bytes>, Error>>,
    rest: Option<Rest>,
    /// What it takes, counted until it is sent.
    _share: Option<Share>,
}

/// The rest of a body too large to be looked through before it is sent.
struct Rest {
    body: WasiBody,
    /// The end of what went before: a placeholder may have begun there.
    seen: Vec<u8>,
    log: RunLog,
}

impl KnownBody {
    fn first(&self) -> &[u8] {
        match self.ready.front() {
            Some(Ok(frame)) => frame.data_ref().map_or(&[], |data| data),
            Some(Err(_)) | None => &[],
        }
    }
}

impl Rest {
    fn remember(&mut self, bytes: &[u8]) {
        self.seen.extend_from_slice(bytes);
        let most = PLACEHOLDER.len() + PLACEHOLDER_DIGITS - 1;
        let more = self.seen.len().saturating_sub(most);
        self.seen.drain(..more);
    }

    /// Does a placeholder end in `bytes`?
    fn ends_one(&self, bytes: &[u8]) -> bool {
        let most = PLACEHOLDER.len() + PLACEHOLDER_DIGITS;
        let across = [&self.seen[..], bytes.get(..most).unwrap_or(bytes)].concat();
        find(&across).is_some() || find(bytes).is_some()
    }
}

impl Body for KnownBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some(ready) = self.ready.pop_front() {
            return Poll::Ready(Some(ready));
        }
        let Some(rest) = &mut self.rest else { return Poll::Ready(None) };
        let polled = Pin::new(&mut rest.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            if rest.ends_one(data) {
                rest.log.note(&format!(
                    "refused: a body with placeholders has at most {BODY_BYTES_MAX} bytes, and \
                     this one has one after more than that"
                ));
                return Poll::Ready(Some(Err(Error::HttpRequestDenied)));
            }
            rest.remember(data);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.ready.is_empty() && self.rest.as_ref().is_none_or(|rest| rest.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        if self.ready.iter().any(Result::is_err) {
            // It breaks off: then no length is true.
            return SizeHint::default();
        }
        let data = self.ready.iter().flatten().filter_map(Frame::data_ref);
        let ready: u64 = data.map(|data| data.len() as u64).sum();
        let Some(rest) = &self.rest else { return SizeHint::with_exact(ready) };
        let rest = rest.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + ready);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + ready);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use waystation_core::{Limits, ManualClock, RunSecret, SecretValue, StepLimits, Timestamp};

    use super::*;

    fn secrets(value: &str) -> (Secrets, String) {
        let given = RunSecret {
            name: "KEY".parse().unwrap(),
            value: SecretValue::new(value.to_owned().into()).unwrap(),
            destinations: vec!["http://h/v1".parse().unwrap()],
            reveal: false,
        };
        let secrets = Secrets::new(vec![given]).unwrap();
        let placeholder = secrets.variables()[0].1.to_owned();
        (secrets, placeholder)
    }

    fn under_way() -> UnderWay {
        UnderWay::new(2 << 20)
    }

    fn log() -> RunLog {
        let limits = Limits { log_bytes_max: 1000, log_line_bytes_max: 1000, ..Limits::default() };
        let limits = limits.of_run(&StepLimits::default());
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(7)));
        RunLog::new(clock, &limits, Secrets::default())
    }

    fn to(uri: &str) -> Destination {
        Destination::of(&http::Method::GET, &uri.parse().unwrap()).unwrap()
    }

    fn guests_body(pieces: &[&str]) -> WasiBody {
        let frame = |piece: &&str| Ok(Frame::data(Bytes::from((*piece).to_owned())));
        let ready = pieces.iter().map(frame).collect();
        KnownBody { ready, rest: None, _share: None }.boxed_unsync()
    }

    async fn sent(
        value: &str,
        request: impl FnOnce(&str) -> Request<WasiBody>,
    ) -> Result<Request<WasiBody>, String> {
        let (secrets, placeholder) = secrets(value);
        let sent =
            substitute(&secrets, &to("http://h/v1/x"), request(&placeholder), &log(), &under_way())
                .await;
        sent.map_err(|fault| fault.to_string())
    }

    async fn body_sent(value: &str, content_type: &str, body: &str) -> (String, String) {
        let sent = sent(value, |placeholder| {
            let body = body.replace("KEY", placeholder);
            let request = Request::post("/v1/x").header("content-type", content_type);
            let request = request.header("content-length", body.len().to_string());
            // A placeholder may come in pieces.
            request.body(guests_body(&[&body[..9], &body[9..]])).unwrap()
        });
        let (parts, body) = sent.await.unwrap().into_parts();
        let hint = body.size_hint().exact();
        let bytes = body.collect().await.unwrap().to_bytes();
        assert_eq!(hint, Some(bytes.len() as u64));
        let length = parts.headers["content-length"].to_str().unwrap().to_owned();
        (String::from_utf8(bytes.to_vec()).unwrap(), length)
    }

    #[tokio::test]
    async fn each_content_type_writes_a_value_in_its_way() {
        let value = "a\"b c&d=";
        let (body, length) = body_sent(value, "application/problem+json", "{\"k\":\"KEY\"}").await;
        assert_eq!((body.as_str(), length.as_str()), ("{\"k\":\"a\\\"b c&d=\"}", "17"));
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        assert_eq!(
            body_sent(value, form, "k=KEY&l=KEY").await.0,
            "k=a%22b%20c%26d%3D&l=a%22b%20c%26d%3D"
        );
        assert_eq!(body_sent(value, "text/plain", "k=KEY no KE").await.0, "k=a\"b c&d= no KE");
    }

    #[tokio::test]
    async fn urls_have_values_percent_encoded_and_paths_no_slash() {
        let uri = |value: &'static str, uri: &'static str| async move {
            let request = |placeholder: &str| {
                Request::get(uri.replace("KEY", placeholder)).body(guests_body(&[])).unwrap()
            };
            sent(value, request).await.map(|request| request.uri().to_string())
        };
        assert_eq!(uri("bot12:ABc", "/v1/KEY/send?x=1").await.unwrap(), "/v1/bot12%3AABc/send?x=1");
        assert_eq!(uri("a/b&c=d e", "/v1?k=KEY").await.unwrap(), "/v1?k=a%2Fb%26c%3Dd%20e");
        assert_eq!(uri("a/b&c=d e", "/v1?none").await.unwrap(), "/v1?none");
        let error = uri("../../../admin", "/v1/KEY").await.unwrap_err();
        assert_eq!(error, "the value of the secret KEY can't stand in the path: it has a slash");
        assert!(uri("..\\..\\admin", "/v1/KEY").await.is_err());
    }

    #[tokio::test]
    async fn a_value_begins_no_other_header() {
        let header = |value: &'static str, text: &'static str| async move {
            let request = |placeholder: &str| {
                let text = text.replace("KEY", placeholder);
                Request::get("/v1").header("x", text).body(guests_body(&[])).unwrap()
            };
            sent(value, request).await.map(|request| request.headers()["x"].as_bytes().to_vec())
        };
        assert_eq!(header("12345678", "a KEY b").await.unwrap(), b"a 12345678 b");
        for bad in ["12345678\r\nevil: 1", "12345678\n", "12345\u{7f}678"] {
            let error = header(bad, "KEY").await.unwrap_err();
            assert!(error.contains("it has characters that no header has"), "{error}");
        }
        let basic = header("p\nq:rstuv", "Basic KEY").await;
        assert!(basic.is_err(), "it is not in base64 there");
    }

    #[tokio::test]
    async fn basic_credentials_are_looked_into() {
        for scheme in ["Basic", "basic"] {
            let request = |placeholder: &str| {
                let text = format!("{scheme} {}", STANDARD.encode(format!("me:{placeholder}")));
                Request::get("/v1").header("authorization", text).body(guests_body(&[])).unwrap()
            };
            let sent = sent("pass\nword", request).await.unwrap();
            let whole = sent.headers()["authorization"].to_str().unwrap().to_owned();
            assert_eq!(whole, format!("Basic {}", STANDARD.encode("me:pass\nword")));
        }
    }

    #[tokio::test]
    async fn a_value_is_for_its_destinations_and_its_attempt() {
        let (secrets, placeholder) = secrets("12345678");
        let call =
            |text: String| Request::get("/").header("x", text).body(guests_body(&[])).unwrap();
        for elsewhere in
            ["https://h/v1", "http://h/v2", "http://i/v1", "http://h:81/v1", "http://h/v1/../x"]
        {
            let request = call(placeholder.clone());
            let fault = substitute(&secrets, &to(elsewhere), request, &log(), &under_way())
                .await
                .unwrap_err();
            assert!(matches!(fault, SecretFault::NotForThere { .. }), "{elsewhere}");
        }
        let stranger = call(format!("{PLACEHOLDER}{}", "0".repeat(32)));
        let fault = substitute(&secrets, &to("http://h/v1"), stranger, &log(), &under_way())
            .await
            .unwrap_err();
        assert!(matches!(fault, SecretFault::Stranger));
        // What only looks like one is none.
        for text in
            [PLACEHOLDER.to_owned(), placeholder[..41].to_owned(), placeholder.to_uppercase()]
        {
            let sent =
                substitute(&secrets, &to("http://i/"), call(text.clone()), &log(), &under_way())
                    .await;
            assert_eq!(sent.unwrap().headers()["x"], text.as_str());
        }
    }

    #[tokio::test]
    async fn a_large_body_passes_unless_a_placeholder_comes_late() {
        let (secrets, placeholder) = secrets("12345678");
        let large = "x".repeat(BODY_BYTES_MAX + 1);
        let send = async |pieces: &[&str]| {
            let request = Request::post("/v1").body(guests_body(pieces)).unwrap();
            let sent =
                substitute(&secrets, &to("http://h/v1"), request, &log(), &under_way()).await;
            sent.map(Request::into_body)
        };
        let body = send(&[&large, "y", "z"]).await.unwrap();
        let bytes = body.collect().await.unwrap().to_bytes();
        assert_eq!(bytes.len(), BODY_BYTES_MAX + 3);
        let (start, end) = placeholder.split_at(20);
        let with_start = format!("{large}{start}");
        for pieces in [[large.as_str(), placeholder.as_str()], [with_start.as_str(), end]] {
            let body = send(&pieces).await.unwrap();
            assert!(matches!(body.collect().await, Err(Error::HttpRequestDenied)));
        }
        let fault = send(&[&placeholder, &large]).await.map(drop).unwrap_err();
        assert!(matches!(fault, SecretFault::LargeBody));
        // At the edge all of it is known.
        let rest = "x".repeat(BODY_BYTES_MAX - placeholder.len());
        let body = send(&[&placeholder, &rest]).await.unwrap();
        assert_eq!(body.collect().await.unwrap().to_bytes().len(), rest.len() + 8);
    }

    #[tokio::test]
    async fn values_do_not_make_a_request_grow_without_end() {
        let value = "v".repeat(16 << 10);
        let (secrets, placeholder) = secrets(&value);
        let many = placeholder.repeat(65);
        let body = Request::post("/v1").body(guests_body(&[&many])).unwrap();
        let fault =
            substitute(&secrets, &to("http://h/v1"), body, &log(), &under_way()).await.unwrap_err();
        assert!(matches!(fault, SecretFault::TooLarge { place: "the body", .. }));
        let four = placeholder.repeat(4);
        let head = Request::get("/v1").header("x", &four).body(guests_body(&[])).unwrap();
        let fault =
            substitute(&secrets, &to("http://h/v1"), head, &log(), &under_way()).await.unwrap_err();
        assert!(matches!(fault, SecretFault::TooLarge { place: "a header", .. }));
        let query = Request::get(format!("/v1?{four}")).body(guests_body(&[])).unwrap();
        let fault = substitute(&secrets, &to("http://h/v1"), query, &log(), &under_way())
            .await
            .unwrap_err();
        assert!(matches!(fault, SecretFault::TooLarge { place: "the query", .. }));
    }
}
