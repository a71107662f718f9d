//! Deliveries that the host makes for the step.

use crate::Error;
use crate::bindings::waystation::step::send as host;

/// A mail.
#[derive(Clone, Debug, Default)]
pub struct Mail {
    /// Addresses. Empty: the owner's, from the host's settings.
    pub to: Vec<String>,
    /// One line.
    pub subject: String,
    /// The body as plain text.
    pub text: Option<String>,
    /// The body as HTML.
    pub html: Option<String>,
}

/// Hands a mail to the host, which delivers it after the run, also when the run fails.
///
/// # Errors
///
/// The step's `allow.email` is not set (`NotAllowed`), an address or the subject is malformed
/// (`InvalidArgument`), or the host has no way to keep it (`Unavailable`).
pub fn email(mail: Mail) -> Result<(), Error> {
    let Mail { to, subject, text, html } = mail;
    host::email(&host::Mail { to, subject, text, html }).map_err(|refusal| match refusal {
        host::Error::NotAllowed(words) => Error::new(words).named("NotAllowed").permanent(),
        host::Error::InvalidArgument(words) => Error::new(words).named("InvalidArgument").permanent(),
        host::Error::Unavailable(words) => Error::new(words).named("Unavailable"),
    })
}
