//! A component from Go, by the Go compiler.

use std::path::Path;

use crate::{BuildError, Options};

/// Builds `folder`.
pub(crate) fn build(
    folder: &Path,
    _options: &Options,
    _progress: &mut dyn FnMut(&str),
) -> Result<Vec<u8>, BuildError> {
    Err(BuildError::Step(format!("{folder:?}")))
}
