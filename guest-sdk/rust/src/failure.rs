//! What people and retry policies see of a step that failed.

use std::error::Error as StdError;
use std::fmt::{self, Display, Formatter, Write as _};
use std::panic::Location;

/// Why something failed: a name, words, and whether trying again may help.
///
/// It is what the functions of this library fail with, and what an [`Error`](crate::Error)
/// holds. A standard error: `?` takes it in functions with any error type.
///
/// ```
/// use waystation_step::exports;
/// # use waystation_step::{Error, testing::FakeHost};
/// # fn handler() -> Result<(), Error> {
/// let refused = exports::set("$resume_data", &1).unwrap_err();
/// assert_eq!(refused.name(), "InvalidName");
/// assert!(!refused.is_retryable());
/// # Ok(())
/// # }
/// # FakeHost::new().call(handler).result.unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    name: String,
    message: String,
    causes: Vec<String>,
    place: Option<&'static Location<'static>>,
    retryable: bool,
}

impl Failure {
    pub(crate) fn new(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            message: message.into(),
            causes: Vec::new(),
            place: None,
            retryable: true,
        }
    }

    /// One that goes on happening: trying again would be in vain.
    pub(crate) fn permanent(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self { retryable: false, ..Self::new(name, message) }
    }

    /// The words of `error` and of what caused it. A failure among these, such as one of this
    /// library's under a context of anyhow's, gives its name and says whether to try again.
    pub(crate) fn of(name: impl Into<String>, error: &(dyn StdError + 'static)) -> Self {
        if let Some(failure) = error.downcast_ref::<Self>() {
            return failure.clone();
        }
        let mut failure = Self::new(name, error.to_string());
        let mut next = error.source();
        while let Some(cause) = next {
            failure.causes.push(cause.to_string());
            if let Some(inner) = cause.downcast_ref::<Self>() {
                failure.name.clone_from(&inner.name);
                failure.retryable = inner.retryable;
                failure.place = inner.place;
                failure.causes.extend(inner.causes.iter().cloned());
            }
            next = cause.source();
        }
        failure
    }

    pub(crate) fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    pub(crate) fn not_retryable(mut self) -> Self {
        self.retryable = false;
        self
    }

    /// Notes where in the step it came up, unless that is known.
    pub(crate) fn at(mut self, place: &'static Location<'static>) -> Self {
        self.place.get_or_insert(place);
        self
    }

    /// Its class, such as `OutOfStock`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What happened, in words.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What caused it, the nearest first.
    pub fn causes(&self) -> &[String] {
        &self.causes
    }

    /// May the run be tried again?
    pub fn is_retryable(&self) -> bool {
        self.retryable
    }

    /// The failure with its place and causes, a line each; `None` when there are neither.
    pub fn stack(&self) -> Option<String> {
        if self.place.is_none() && self.causes.is_empty() {
            return None;
        }
        let mut stack = format!("{}: {}", self.name, self.message);
        if let Some(place) = self.place {
            let _ = write!(stack, "\n    at {place}");
        }
        for cause in &self.causes {
            let _ = write!(stack, "\ncaused by: {cause}");
        }
        Some(stack)
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Failure {}
