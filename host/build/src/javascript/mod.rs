//! A component from JavaScript or TypeScript, by esbuild and componentize-js.

use std::path::Path;

use crate::{BuildError, Options};

/// Builds `file`.
pub(crate) fn build(
    file: &Path,
    _options: &Options,
    _progress: &mut dyn FnMut(&str),
) -> Result<Vec<u8>, BuildError> {
    Err(BuildError::Step(format!("{file:?}")))
}
