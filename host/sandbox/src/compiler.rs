//! Who checks and compiles components.

use std::path::Path;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::cpu::in_background;
use crate::{InvalidComponent, Manifest, compile};

/// Checks and compiles components, somewhere where a hostile one harms nobody.
#[async_trait]
pub trait Compiler: Send + Sync + 'static {
    /// Checks `component`, by [`check`](compile::check); with a folder also compiles it, by
    /// [`compile`](compile::compile), and leaves the machine code there. Dropping the future
    /// ends the work.
    ///
    /// # Errors
    ///
    /// The component is not fit, or the work could not be done.
    async fn prepare(&self, component: Bytes, into: Option<&Path>) -> Result<Manifest, AdmitError>;
}

/// Why a component was not admitted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdmitError {
    /// It is not fit.
    #[error(transparent)]
    Invalid(#[from] InvalidComponent),
    /// The host could not do its part; the component may be fit.
    #[error("{0}")]
    Host(String),
}

/// Compiles in this process, with no bound on memory and time, and to the end even when nobody
/// waits for it: for components of one's own.
#[derive(Clone, Copy, Debug)]
pub struct InProcess {
    /// Machine code that a component may become, in bytes.
    pub machine_code_bytes_max: usize,
}

#[async_trait]
impl Compiler for InProcess {
    async fn prepare(&self, component: Bytes, into: Option<&Path>) -> Result<Manifest, AdmitError> {
        let (into, bytes_max) = (into.map(Path::to_owned), self.machine_code_bytes_max);
        let work = move || match into {
            Some(into) => compile::compile(&component, &into, bytes_max),
            None => Ok(compile::check(&component)?),
        };
        in_background(work).await.unwrap_or_else(|panic| Err(AdmitError::Host(panic)))
    }
}
