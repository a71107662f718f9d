//! Notices when a server sends a secret back.

use http::{HeaderMap, HeaderValue, Response, header};

use super::destination::Destination;
use crate::masks::{Masks, Watch};
use crate::secrets::Secrets;

/// Looks through one answer, from where secrets may be sent to, for these secrets. Whatever has
/// gone past it before a guest gets it can be in the guest's hands.
pub(super) struct Echo {
    secrets: Secrets,
    watch: Watch,
}

impl Echo {
    /// For the answer from `to`; none when no secret may go there.
    pub(super) fn of(secrets: &Secrets, to: &Destination) -> Option<Echo> {
        let sent = secrets.sent_to(|destinations| to.is_allowed(destinations));
        let masks = secrets.masks().filter(|_| !sent.is_empty())?;
        Some(Echo { watch: Watch::new(masks, sent), secrets: secrets.clone() })
    }

    /// Asks for an answer that can be looked through.
    pub(super) fn ask(headers: &mut HeaderMap) {
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }

    /// Looks at what comes before the body.
    pub(super) fn head<T>(&self, answer: &Response<T>) {
        let plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
        if !answer.headers().get_all(header::CONTENT_ENCODING).iter().all(plain) {
            self.with(|masks| self.watch.give_up(masks));
        }
        self.headers(answer.headers());
    }

    /// Looks at headers, or at what comes behind a body.
    pub(super) fn headers(&self, headers: &HeaderMap) {
        self.with(|masks| {
            headers.values().for_each(|value| self.watch.text(masks, value.as_bytes()));
        });
    }

    /// Looks at the next piece of the body.
    pub(super) fn piece(&mut self, bytes: &[u8]) {
        if let Some(masks) = self.secrets.masks() {
            self.watch.push(masks, bytes);
        }
    }

    fn with(&self, look: impl FnOnce(&Masks)) {
        if let Some(masks) = self.secrets.masks() {
            look(masks);
        }
    }
}
