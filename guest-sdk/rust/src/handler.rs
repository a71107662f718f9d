//! One call of a step's handler.

use std::error::Error as StdError;
use std::io::Write;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::class_of;
use crate::{Error, Failure};

/// A function that can be a step: it takes the step's props, or nothing, and returns a `Result`.
///
/// The props are any type that serde reads, the value any that serde writes; `()` and `None` are
/// no value. The error is [`Error`], any standard error, a `Box<dyn Error>`, or anyhow's.
/// `Signature` is of no interest: it tells these cases apart.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a step's handler",
    note = "a handler takes nothing, or one value that `serde::Deserialize` reads",
    note = "it returns a `Result` of what `serde::Serialize` writes, and an error such as `waystation_step::Error`"
)]
pub trait Handler<Signature> {
    /// Calls it with the props as JSON text, and gives the value as JSON text.
    ///
    /// # Errors
    ///
    /// The handler's own, or the props or the value don't fit.
    fn call_with(self, props: &str) -> Result<Option<String>, Failure>;
}

impl<F, P, T, E, Kind> Handler<(P, Kind)> for F
where
    F: FnOnce(P) -> Result<T, E>,
    P: DeserializeOwned,
    T: Serialize,
    E: Fails<Kind>,
{
    fn call_with(self, props: &str) -> Result<Option<String>, Failure> {
        let props = serde_json::from_str(props).map_err(|error| {
            Failure::permanent("InvalidProps", format!("the step's props: {error}"))
        })?;
        finish(self(props))
    }
}

impl<F, T, E, Kind> Handler<((), (), Kind)> for F
where
    F: FnOnce() -> Result<T, E>,
    T: Serialize,
    E: Fails<Kind>,
{
    fn call_with(self, _props: &str) -> Result<Option<String>, Failure> {
        finish(self())
    }
}

/// An error that a handler may return. `Kind` keeps apart what would otherwise overlap: anyhow's
/// error and boxes are no standard errors, but the compiler can't know that they stay so.
pub trait Fails<Kind> {
    /// What is told of it.
    fn failure(self) -> Failure;
}

/// A standard error.
pub struct Standard;
/// This library's.
pub struct Own;
/// A box.
pub struct Boxed;
/// A box that can be sent.
pub struct BoxedSend;
/// anyhow's.
pub struct Anyhow;

impl<E: StdError + 'static> Fails<Standard> for E {
    fn failure(self) -> Failure {
        Failure::of(class_of::<E>(), &self)
    }
}

impl Fails<Own> for Error {
    fn failure(self) -> Failure {
        self.into_failure()
    }
}

impl Fails<Boxed> for Box<dyn StdError> {
    fn failure(self) -> Failure {
        Failure::of("Error", self.as_ref())
    }
}

impl Fails<BoxedSend> for Box<dyn StdError + Send + Sync> {
    fn failure(self) -> Failure {
        Failure::of("Error", self.as_ref())
    }
}

impl Fails<Anyhow> for anyhow::Error {
    fn failure(self) -> Failure {
        Failure::of("Error", self.as_ref())
    }
}

fn finish<T: Serialize, E: Fails<Kind>, Kind>(
    result: Result<T, E>,
) -> Result<Option<String>, Failure> {
    // The instance ends with the call: what is still buffered would be lost.
    let _ = std::io::stdout().flush();
    let value = result.map_err(Fails::failure)?;
    let json = serde_json::to_string(&value).map_err(|error| {
        Failure::permanent("InvalidResult", format!("the return value: {error}"))
    })?;
    // `()` and `None` are no value.
    Ok((json != "null").then_some(json))
}

#[cfg(test)]
mod tests {
    use std::num::ParseIntError;

    use super::*;

    fn failure<S>(handler: impl Handler<S>) -> Failure {
        handler.call_with(r#"{"n": "x"}"#).unwrap_err()
    }

    #[test]
    fn a_handler_returns_the_error_it_likes() {
        fn parse() -> Result<u32, ParseIntError> {
            "x".parse()
        }
        let standard = failure(parse);
        assert_eq!((standard.name(), standard.stack()), ("ParseIntError", None));
        assert_eq!(failure(|| -> Result<u32, Error> { Ok(parse()?) }).name(), "ParseIntError");
        let boxed = [
            failure(|| -> Result<u32, Box<dyn StdError>> { Ok(parse()?) }),
            failure(|| -> Result<u32, Box<dyn StdError + Send + Sync>> { Ok(parse()?) }),
            failure(|| -> anyhow::Result<u32> { Ok(parse()?) }),
        ];
        assert!(boxed.iter().all(|failure| failure.message() == standard.message()), "{boxed:?}");
    }

    #[test]
    fn props_and_values_that_do_not_fit_are_named() {
        let props = failure(|_: Vec<u32>| Ok::<_, Error>(()));
        assert_eq!((props.name(), props.is_retryable()), ("InvalidProps", false));
        let result = failure(|| Ok::<_, Error>(std::collections::BTreeMap::from([((), 1)])));
        assert!(result.message().starts_with("the return value: "), "{result}");
    }

    #[test]
    fn nothing_is_no_value() {
        let call = |value: Option<u32>| (move || Ok::<_, Error>(value)).call_with("{}").unwrap();
        assert_eq!((call(None), call(Some(1))), (None, Some("1".into())));
    }
}
