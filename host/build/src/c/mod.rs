//! A component from C, by clang.

use crate::{BuildError, CSource, Options};

/// Builds `step`.
pub(crate) fn build(
    step: &CSource,
    _options: &Options,
    _progress: &mut dyn FnMut(&str),
) -> Result<Vec<u8>, BuildError> {
    Err(BuildError::Step(format!("{step:?}")))
}
