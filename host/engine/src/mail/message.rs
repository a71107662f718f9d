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
    // RFC 5322 allows lines of 998.
    let as_it_is = text.is_ascii() && text.lines().all(|line| line.len() <= 998);
    let body = if as_it_is {
        Body::new_with_encoding(text, ContentTransferEncoding::SevenBit).unwrap_or_else(Body::new)
    } else {
        Body::new(text)
    };
    SinglePart::builder().header(ContentType::TEXT_PLAIN).body(body)
}
