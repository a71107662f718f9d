//! Why the process ends without having done what was asked.

use std::fmt;

/// One line for people, and the exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// 1: it failed; 2: it was asked for in a wrong way.
    pub(crate) exit: u8,
    /// The server's word for it, if it was the server that refused.
    pub(crate) code: String,
    message: String,
}

/// What verbs return.
pub(crate) type Done<T = ()> = Result<T, Failure>;

impl Failure {
    /// Something failed.
    pub(crate) fn new(message: impl fmt::Display) -> Failure {
        Failure { exit: 1, code: String::new(), message: message.to_string() }
    }

    /// It was asked for in a wrong way.
    pub(crate) fn usage(message: impl fmt::Display) -> Failure {
        Failure { exit: 2, code: String::new(), message: message.to_string() }
    }

    /// The same, with the next thing to try.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl fmt::Display) -> Failure {
        self.message = format!("{} ({hint})", self.message);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
