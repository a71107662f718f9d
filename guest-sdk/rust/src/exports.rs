//! Named results of the step, beside its return value.

use serde::Serialize;

use crate::Error;
use crate::bindings::waystation::step::exports as host;

/// Exports `value` under `name`. The last value stands. `$summary` is a line of text that people
/// see beside the step.
///
/// # Errors
///
/// The name is taken by the host or malformed; the value can't be JSON or is too large.
pub fn set(name: &str, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
    let json = serde_json::to_string(value)
        .map_err(|error| Error::new(format!("the export {name:?}: {error}")).named("InvalidJson"))?;
    host::set(name, &json).map_err(|refusal| match refusal {
        host::Error::InvalidName(words) => Error::new(words).named("InvalidName").permanent(),
        host::Error::InvalidJson(words) => Error::new(words).named("InvalidJson").permanent(),
        host::Error::TooLarge(words) => Error::new(words).named("TooLarge").permanent(),
    })
}
