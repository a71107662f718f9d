//! Deliveries that the host makes for the step.
//!
//! ```
//! use waystation_step::send::{Mail, email};
//! use waystation_step::testing::FakeHost;
//! use waystation_step::{Error, flow};
//!
//! fn handler() -> Result<(), Error> {
//!     let links = flow::suspend(None)?;
//!     email(Mail {
//!         subject: "Please approve an order".into(),
//!         text: Some(format!("Approve or cancel: {}", links.approval_url)),
//!         ..Mail::default() // to the owner
//!     })?;
//!     Ok(())
//! }
//!
//! let outcome = FakeHost::new().call(handler);
//! assert_eq!(outcome.mails[0].subject, "Please approve an order");
//! ```

use crate::Failure;
use crate::host::{self, Host};

/// A mail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
/// `NotAllowed`: the step's `allow.email` is not set. `InvalidArgument`: an address or the
/// subject is malformed. `Unavailable`: the host has no way to keep it.
pub fn email(mail: Mail) -> Result<(), Failure> {
    host::current().email(mail)
}
