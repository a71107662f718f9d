//! Node.js and npm.

use std::path::Path;

use anyhow::Result;

/// Makes sure that guests can be built. `false` when they could be before.
pub(crate) fn set_up(_root: &Path) -> Result<bool> {
    Ok(false)
}
