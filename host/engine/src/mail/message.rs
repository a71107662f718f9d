//! From what a step wrote to a message on the wire (RFC 5322, MIME).

use std::time::{Duration, UNIX_EPOCH};

use lettre::Message;
use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, Mailbox, MultiPart, SinglePart};
use waystation_core::Timestamp;
use waystation_store::QueuedMail;

use crate::settings::{EngineError, MailSettings};

/// Who sends, and who gets what names nobody.
pub(super) struct Letterhead {
    from: Mailbox,
    owner: Option<Mailbox>,
}

impl Letterhead {
    pub(super) fn new(settings: &MailSettings) -> Result<Letterhead, EngineError> {
        let mailbox = |key, text: &str| {
            let problem = |error| format!("{text:?} is not an address: {error}");
            text.parse::<Mailbox>()
                .map_err(|error| EngineError::Mail { key, problem: problem(error) })
        };
        Ok(Letterhead {
            from: mailbox("from", &settings.from)?,
            owner: settings.owner.as_deref().map(|owner| mailbox("owner", owner)).transpose()?,
        })
    }

    pub(super) fn message(&self, queued: &QueuedMail, now: Timestamp) -> Result<Message, String> {
        let mail = &queued.mail;
        let id = queued.id;
        let host = self.from.email.domain();
        let mut message = Message::builder()
            .from(self.from.clone())
            .subject(mail.subject.as_str())
            .date(UNIX_EPOCH + Duration::from_millis(now.as_millis()))
            // The same for every delivery of this mail, so that a mail server can tell.
            .message_id(Some(format!("<{}.{}.{}@{host}>", id.execution, id.seq, id.index)));
        for to in &mail.to {
            let mailbox = to.parse::<Mailbox>().map_err(|error| format!("{to:?}: {error}"))?;
            message = message.to(mailbox);
        }
        if mail.to.is_empty() {
            let owner = self.owner.clone();
            message = message.to(owner.ok_or("it names nobody, and [email] owner is not set")?);
        }
        let built = match (mail.text.clone(), mail.html.clone()) {
            (Some(text), Some(html)) => {
                let html = SinglePart::html(html);
                message.multipart(MultiPart::alternative().singlepart(plain(text)).singlepart(html))
            }
            (None, Some(html)) => message.singlepart(SinglePart::html(html)),
            (text, None) => message.singlepart(plain(text.unwrap_or_default())),
        };
        built.map_err(|error| error.to_string())
    }
}

/// A plain text. ASCII goes as it is, so that long links stay whole for who reads the message
/// without decoding it; the rest is for the library to encode.
fn plain(text: String) -> SinglePart {
    let body = match seven_bit(&text) {
        Some(lines) => Body::dangerous_pre_encoded(lines, ContentTransferEncoding::SevenBit),
        None => Body::new(text),
    };
    SinglePart::builder().header(ContentType::TEXT_PLAIN).body(body)
}

/// The lines of `text` as RFC 5322 (section 2.1) and RFC 2045 (section 2.7) have them: ASCII
/// without NUL, at most 998 bytes, each ended by CR and LF. `None` when it is not like that.
fn seven_bit(text: &str) -> Option<Vec<u8>> {
    const LINE_BYTES_MAX: usize = 998;
    let mut out = Vec::with_capacity(text.len() + 2);
    for line in text.lines() {
        let plain = line.bytes().all(|byte| byte.is_ascii() && byte != 0 && byte != b'\r');
        if !plain || line.len() > LINE_BYTES_MAX {
            return None;
        }
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formatted(text: &str) -> String {
        let body = plain(text.to_owned());
        String::from_utf8(body.formatted()).unwrap()
    }

    #[test]
    fn long_links_stay_whole() {
        let link = format!("http://host/resume/{}", "x".repeat(90));
        let mail = formatted(&format!("Approve: {link}\nCancel: {link}"));
        assert!(mail.contains(&format!("Approve: {link}\r\nCancel: {link}\r\n")), "{mail}");
        assert!(mail.contains("Content-Transfer-Encoding: 7bit"), "{mail}");
    }

    #[test]
    fn what_is_not_plain_is_encoded() {
        let long = "x".repeat(999);
        for text in ["grün", "a\0b", "a\rb", &long] {
            assert_eq!(seven_bit(text), None, "{text:?}");
        }
        for text in ["grün", &long] {
            assert!(!formatted(text).contains("7bit"));
        }
    }
}
