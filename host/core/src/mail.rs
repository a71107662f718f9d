//! Mail that a step hands to the host.

use serde::{Deserialize, Serialize};

/// A mail as the step wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// Addresses; empty means the owner's, from the host's settings.
    pub to: Vec<String>,
    /// One line.
    pub subject: String,
    /// The body as plain text.
    pub text: Option<String>,
    /// The body as HTML.
    pub html: Option<String>,
}

/// Why a mail is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// Not an address.
    #[error("to: {0:?} is not an address of the form name@host")]
    Address(String),
    /// Too many addresses.
    #[error("to: {0} addresses; at most {max} are allowed", max = Mail::RECIPIENTS_MAX)]
    Recipients(usize),
    /// More than one line, or too long.
    #[error("subject: one line of at most {} bytes is allowed", Mail::SUBJECT_BYTES_MAX)]
    Subject,
    /// Neither text nor HTML.
    #[error("text: a mail needs text or html")]
    Empty,
    /// Too large.
    #[error("text, html: {bytes} bytes; at most {bytes_max} are allowed")]
    TooLarge {
        /// How many there were.
        bytes: usize,
        /// How many are allowed.
        bytes_max: usize,
    },
}

impl Mail {
    /// Addresses of one mail.
    pub const RECIPIENTS_MAX: usize = 50;

    /// A subject, in bytes: RFC 5322 allows lines of 998.
    pub const SUBJECT_BYTES_MAX: usize = 900;

    /// All its texts and addresses, in bytes.
    pub fn bytes(&self) -> usize {
        let texts = [&self.text, &self.html].into_iter().flatten().map(String::len);
        self.subject.len() + self.to.iter().map(String::len).chain(texts).sum::<usize>()
    }

    /// Checks everything that can be checked without a mail server.
    ///
    /// # Errors
    ///
    /// Says which field is wrong, and what is allowed.
    pub fn check(&self, body_bytes_max: usize) -> Result<(), MailError> {
        if self.to.len() > Mail::RECIPIENTS_MAX {
            return Err(MailError::Recipients(self.to.len()));
        }
        if let Some(bad) = self.to.iter().find(|address| !is_address(address)) {
            return Err(MailError::Address(bad.chars().take(80).collect()));
        }
        if self.subject.len() > Mail::SUBJECT_BYTES_MAX || self.subject.contains(char::is_control) {
            return Err(MailError::Subject);
        }
        let bytes = [&self.text, &self.html].into_iter().flatten().map(String::len).sum();
        if self.text.is_none() && self.html.is_none() {
            return Err(MailError::Empty);
        }
        if bytes > body_bytes_max {
            return Err(MailError::TooLarge { bytes, bytes_max: body_bytes_max });
        }
        Ok(())
    }
}

/// A plain `name@host`, without display names, quotes or comments (RFC 5321's `Mailbox` in
/// its usual form).
fn is_address(text: &str) -> bool {
    let Some((name, host)) = text.rsplit_once('@') else { return false };
    let name_ok = (1..=64).contains(&name.len())
        && name.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c))
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..");
    let host_ok = (1..=253).contains(&host.len())
        && host.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        });
    name_ok && host_ok
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(to: &[&str]) -> Mail {
        let to = to.iter().map(|address| (*address).to_owned()).collect();
        Mail { to, subject: "Hello".into(), text: Some("…".into()), html: None }
    }

    #[test]
    fn addresses_are_plain() {
        assert_eq!(mail(&[]).check(100), Ok(()));
        assert_eq!(mail(&["ann@example.com", "a.b+c@localhost"]).check(100), Ok(()));
        for bad in ["", "ann", "@a", "a@", "a@b@c d", "a\r\nBcc: x@y", "Ann <a@b>", "a@-b", ".a@b"]
        {
            assert!(matches!(mail(&[bad]).check(100), Err(MailError::Address(_))), "{bad}");
        }
    }

    #[test]
    fn a_subject_is_one_line() {
        assert_eq!(
            Mail { subject: "a\nb".into(), ..mail(&[]) }.check(100),
            Err(MailError::Subject)
        );
    }

    #[test]
    fn the_limits_are_exact() {
        let sized = |bytes: usize| Mail { text: Some("x".repeat(bytes)), ..mail(&[]) };
        assert_eq!(sized(100).check(100), Ok(()));
        assert_eq!(sized(101).check(100), Err(MailError::TooLarge { bytes: 101, bytes_max: 100 }));
        let to = vec!["a@b"; 51];
        assert_eq!(mail(&to[..50]).check(100), Ok(()));
        assert_eq!(mail(&to).check(100), Err(MailError::Recipients(51)));
        assert_eq!(Mail { text: None, ..mail(&[]) }.check(100), Err(MailError::Empty));
    }
}
