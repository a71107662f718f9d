//! What is known of a component without running it.

use serde::{Deserialize, Serialize};
use waystation_core::Digest;

/// What a component is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Its identity.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// The interfaces it imports, with their versions.
    pub imports: Vec<String>,
    /// What it exports.
    pub exports: Vec<String>,
    /// What it can do, in sentences.
    pub abilities: Vec<String>,
}
