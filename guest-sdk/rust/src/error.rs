//! The error that a handler returns.

use std::error::Error as StdError;
use std::fmt::{self, Debug, Display, Formatter};
use std::panic::Location;

use crate::Failure;

/// Why a step failed.
///
/// Made from any standard error by `?`, or from a message by [`Error::new`]. Its class is then
/// the error's type. Retryable unless [`Error::permanent`] says otherwise.
///
/// ```
/// use waystation_step::Error;
/// use waystation_step::testing::FakeHost;
///
/// fn reserve(stock: &str) -> Result<u32, Error> {
///     let left: u32 = stock.parse()?; // any error
///     if left == 0 {
///         return Err(Error::new("nothing is left").named("OutOfStock").permanent());
///     }
///     Ok(left - 1)
/// }
///
/// let failure = FakeHost::new().call(|| reserve("0")).result.unwrap_err();
/// assert_eq!((failure.name(), failure.is_retryable()), ("OutOfStock", false));
/// let failure = FakeHost::new().call(|| reserve("many")).result.unwrap_err();
/// assert_eq!(failure.name(), "ParseIntError");
/// assert!(failure.stack().unwrap().contains(".rs:")); // the line of the `?`
/// ```
///
/// # Other error types
///
/// A handler may return another error as well: any standard error, a `Box<dyn Error>`, or
/// anyhow's. `?` makes those two from an `Error` too, and nothing is lost on the way:
///
/// ```
/// use anyhow::Context as _;
/// use waystation_step::testing::FakeHost;
/// use waystation_step::{Error, flow};
///
/// fn handler() -> anyhow::Result<()> {
///     flow::suspend(Some(0)).context("asking for approval")?;
///     Err(Error::new("not reached").permanent().into())
/// }
///
/// let failure = FakeHost::new().call(handler).result.unwrap_err();
/// assert_eq!((failure.name(), failure.message()), ("InvalidArgument", "asking for approval"));
/// assert!(failure.causes()[0].starts_with("timeout-ms: 0"));
/// ```
///
/// What `?` can't make an `Error` of, because it is no standard error, is anyhow's own; where
/// functions return that, let the handler do so too, or write `.map_err(Error::from_boxed)?`.
pub struct Error(Failure);

impl Error {
    /// An error with a message, named `Error`.
    #[track_caller]
    pub fn new(message: impl Into<String>) -> Self {
        Self(Failure::new("Error", message).at(Location::caller()))
    }

    /// From a `Box<dyn Error>`, or what can become one.
    #[track_caller]
    pub fn from_boxed(error: impl Into<Box<dyn StdError>>) -> Self {
        let error: Box<dyn StdError> = error.into();
        Self(Failure::of("Error", error.as_ref()).at(Location::caller()))
    }

    /// Gives it the name of its class, such as `OutOfStock`.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self(self.0.named(name))
    }

    /// Trying again would be in vain: no retry policy applies.
    #[must_use]
    pub fn permanent(self) -> Self {
        Self(self.0.not_retryable())
    }

    /// Its class.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// May the run be tried again?
    pub fn is_retryable(&self) -> bool {
        self.0.is_retryable()
    }

    /// As a standard error.
    pub fn into_failure(self) -> Failure {
        self.0
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.0, f)
    }
}

impl Debug for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.name(), self.0)
    }
}

// Not `std::error::Error` itself: that would collide with this, which `?` needs.
impl<E: StdError + 'static> From<E> for Error {
    #[track_caller]
    fn from(error: E) -> Self {
        Self(Failure::of(class_of::<E>(), &error).at(Location::caller()))
    }
}

impl From<Error> for anyhow::Error {
    fn from(error: Error) -> Self {
        Self::new(error.0)
    }
}

impl From<Error> for Box<dyn StdError> {
    fn from(error: Error) -> Self {
        Box::new(error.0)
    }
}

impl From<Error> for Box<dyn StdError + Send + Sync> {
    fn from(error: Error) -> Self {
        Box::new(error.0)
    }
}

/// `HttpError` for `ship::http::HttpError`; plain `Error` for the many types called so gets its
/// crate: `serde_json::Error`.
pub(crate) fn class_of<E>() -> String {
    let type_name = std::any::type_name::<E>();
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

    #[test]
    fn a_question_mark_notes_its_own_line() {
        fn parse() -> Result<u32, Error> {
            Ok("x".parse::<u32>()?)
        }
        let stack = parse().unwrap_err().into_failure().stack().unwrap();
        let line = line!() - 3;
        assert!(stack.contains(&format!("\n    at src/error.rs:{line}:")), "{stack}");
    }

    #[test]
    fn a_boxed_error_keeps_what_it_was_made_of() {
        fn reserve() -> Result<(), Error> {
            Err(Error::new("gone").named("OutOfStock").permanent())
        }
        fn boxed() -> Result<(), Box<dyn StdError + Send + Sync>> {
            Ok(reserve()?)
        }
        let error = Error::from_boxed(boxed().unwrap_err() as Box<dyn StdError>);
        assert_eq!((error.name(), error.is_retryable()), ("OutOfStock", false));
        let error = Error::from_boxed(anyhow::Error::from(error).context("while reserving"));
        assert_eq!((error.name(), error.is_retryable()), ("OutOfStock", false));
        assert_eq!(error.to_string(), "while reserving");
    }
}
