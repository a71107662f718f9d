//! One call of a step's handler.

use std::io::Write;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;
use crate::bindings::Failure;

/// Calls `handler` with the props.
pub fn run<P, T, E>(
    props: &str,
    handler: impl FnOnce(P) -> Result<T, E>,
) -> Result<Option<String>, Failure>
where
    P: DeserializeOwned,
    T: Serialize,
    E: Into<Error>,
{
    let props = serde_json::from_str(props).map_err(|error| {
        Error::new(format!("the step's props: {error}")).named("InvalidProps").permanent().into_failure()
    })?;
    finish(handler(props))
}

/// Calls a `handler` that takes no props.
pub fn run_without_props<T, E>(
    handler: impl FnOnce() -> Result<T, E>,
) -> Result<Option<String>, Failure>
where
    T: Serialize,
    E: Into<Error>,
{
    finish(handler())
}

fn finish<T: Serialize, E: Into<Error>>(
    result: Result<T, E>,
) -> Result<Option<String>, Failure> {
    // The instance ends with the call: what is still buffered would be lost.
    let _ = std::io::stdout().flush();
    let value = result.map_err(|error| error.into().into_failure())?;
    let json = serde_json::to_string(&value).map_err(|error| {
        Error::new(format!("the return value: {error}")).named("InvalidResult").permanent().into_failure()
    })?;
    // `()` and `None` are no value.
    Ok((json != "null").then_some(json))
}
