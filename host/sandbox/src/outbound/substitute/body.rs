//! The body: read as far as it may hold placeholders, and sent on.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use percent_encoding::utf8_percent_encode;
use wasmtime_wasi_http::{Error, WasiBody};

use super::placeholder::{LENGTH, find};
use super::{BODY_BYTES_MAX, Here, SecretFault};
use crate::held::{Share, UnderWay};
use crate::logs::RunLog;
use crate::masks::{URL_COMPONENT, json_escaped};
use crate::outbound::request_body::drain;

/// The same body with the values, in bytes.
const WHOLE_BODY_BYTES_MAX: usize = 1 << 20;

impl Here<'_> {
    /// Reads the body as far as it may have placeholders. One without any goes on as it comes.
    pub(super) async fn body(
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
        let known = KnownBody { _share: Some(share), ..KnownBody::new(ready) };
        let known = if more { known.followed_by(body, log.clone()) } else { known };
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

/// A body of which the beginning is known already.
pub(super) struct KnownBody {
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
    /// A body of these frames.
    pub(super) fn new(ready: VecDeque<Result<Frame<Bytes>, Error>>) -> KnownBody {
        KnownBody { ready, rest: None, _share: None }
    }

    /// And of what `body` still gives.
    fn followed_by(self, body: WasiBody, log: RunLog) -> KnownBody {
        let mut rest = Rest { body, seen: Vec::new(), log };
        rest.remember(self.first());
        KnownBody { rest: Some(rest), ..self }
    }

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
        let more = self.seen.len().saturating_sub(LENGTH - 1);
        self.seen.drain(..more);
    }

    /// Does a placeholder end in `bytes`?
    fn ends_one(&self, bytes: &[u8]) -> bool {
        let across = [&self.seen[..], bytes.get(..LENGTH).unwrap_or(bytes)].concat();
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
