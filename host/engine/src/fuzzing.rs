//! What the fuzz targets call: templates, without a workflow around them. No part of the
//! crate's interface.

use serde_json::{Map, Value};

use crate::template;

/// `props` with every template in it filled in from `scope`.
///
/// # Errors
///
/// A template can't be filled in, or the templates give more than `bytes_max` bytes: where, and
/// why.
pub fn fill(props: &Map<String, Value>, scope: &Value, bytes_max: usize) -> Result<Value, String> {
    template::fill(props, scope, bytes_max).map_err(|error| error.to_string())
}

/// Checks that every template in `props` is well-formed, as a deploy does.
///
/// # Errors
///
/// One is not: where, and why.
pub fn check(props: &Map<String, Value>) -> Result<(), String> {
    template::check(props).map_err(|error| error.to_string())
}
