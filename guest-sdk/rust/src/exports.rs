//! Named results of the step, beside its return value.
//!
//! ```
//! use serde_json::json;
//! use waystation_step::testing::FakeHost;
//! use waystation_step::{Error, exports};
//!
//! fn handler() -> Result<(), Error> {
//!     exports::set("answer", &json!({"n": 42}))?;
//!     exports::set("$summary", "the answer is 42")?;
//!     Ok(())
//! }
//!
//! let outcome = FakeHost::new().call(handler);
//! assert_eq!(outcome.exports["answer"]["n"], 42);
//! ```

use serde::Serialize;

use crate::Failure;
use crate::host::{self, Host};

/// Exports `value` under `name`. The last value stands. `$summary` is a line of text that people
/// see beside the step.
///
/// # Errors
///
/// `InvalidName`: the name is taken by the host or malformed. `InvalidJson`, `TooLarge`: the
/// value can't be JSON, or is too large.
pub fn set(name: &str, value: &(impl Serialize + ?Sized)) -> Result<(), Failure> {
    let json = serde_json::to_string(value).map_err(|error| {
        Failure::permanent("InvalidJson", format!("the export {name:?}: {error}"))
    })?;
    host::current().export(name, &json)
}
