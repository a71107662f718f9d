//! How a step fails.

use std::error::Error as StdError;
use std::fmt::{self, Debug, Display, Formatter};

/// Why a step failed: what people and retry policies see.
///
/// Made from any error by `?`, or from a message by [`Error::new`]. Retryable unless
/// [`Error::permanent`] says otherwise.
pub struct Error {
    name: String,
    message: String,
    causes: Vec<String>,
    retryable: bool,
}

impl Error {
    /// An error with a message, named `Error`.
    pub fn new(message: impl Into<String>) -> Self {
        Self { name: "Error".into(), message: message.into(), causes: Vec::new(), retryable: true }
    }

    /// Gives it the name of its class, such as `OutOfStock`.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Trying again would be in vain: no retry policy applies.
    #[must_use]
    pub fn permanent(mut self) -> Self {
        self.retryable = false;
        self
    }

    /// Its class.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// May the run be tried again?
    pub fn is_retryable(&self) -> bool {
        self.retryable
    }

    pub(crate) fn into_failure(self) -> crate::bindings::Failure {
        let stack = (!self.causes.is_empty()).then(|| {
            let causes: Vec<_> =
                self.causes.iter().map(|cause| format!("caused by: {cause}")).collect();
            format!("{}: {}\n{}", self.name, self.message, causes.join("\n"))
        });
        crate::bindings::Failure {
            name: self.name,
            message: self.message,
            stack,
            retryable: self.retryable,
        }
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Debug for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}

// Not `std::error::Error` itself: that would collide with this, which `?` needs.
impl<E: StdError + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        let mut causes = Vec::new();
        let mut next = error.source();
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        Self {
            name: class_of(std::any::type_name::<E>()),
            message: error.to_string(),
            causes,
            retryable: true,
        }
    }
}

/// `HttpError` for `waystation_step::http::HttpError`; plain `Error` for the many types called so
/// gets its crate: `serde_json::Error`.
fn class_of(type_name: &str) -> String {
    let path = type_name.split('<').next().unwrap_or(type_name);
    let last = path.rsplit("::").next().unwrap_or(path);
    match path.split_once("::") {
        Some((krate, _)) if last == "Error" => format!("{krate}::Error"),
        _ => last.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_error_becomes_a_failure_with_its_class() {
        fn parse() -> Result<u32, Error> {
            Ok("x".parse::<u32>()?)
        }
        let error = parse().unwrap_err();
        assert_eq!(error.name(), "ParseIntError");
        assert!(error.is_retryable());
        let json = Error::from(serde_json::from_str::<u32>("x").unwrap_err());
        assert_eq!(json.name(), "serde_json::Error");
        assert!(!Error::new("gone").permanent().is_retryable());
    }
}
