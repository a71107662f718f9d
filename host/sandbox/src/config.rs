//! What the operator decides.

use std::path::PathBuf;
use std::sync::Arc;

use ipnet::IpNet;
use waystation_core::{Limits, UrlPattern};

use crate::{OwnServer, Resolve, SystemResolver};

/// How a [`Sandbox`](crate::Sandbox) is set up.
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// A directory for compiled components, made with mode 0700 when it is not there. It holds
    /// machine code that the host runs: nobody else may write to it. Its contents can always be
    /// made again.
    pub compiled: PathBuf,
    /// Where steps may call out to.
    pub outbound: OutboundPolicy,
    /// How much there may be of everything.
    pub limits: Limits,
}

/// Where steps may call out to at all. A step besides reaches only what its own `allow.http`
/// names.
#[derive(Clone, Debug)]
pub struct OutboundPolicy {
    /// Destinations; `None` is any.
    pub allow: Option<Vec<UrlPattern>>,
    /// Networks that may be reached although they are loopback, private or otherwise special.
    pub private: Vec<IpNet>,
    /// The server around the sandbox: steps may call its links and hooks, and no more of it.
    pub own: Option<OwnServer>,
    /// Who looks up names.
    pub resolver: Arc<dyn Resolve>,
}

impl Default for OutboundPolicy {
    fn default() -> OutboundPolicy {
        OutboundPolicy {
            allow: None,
            private: Vec::new(),
            own: None,
            resolver: Arc::new(SystemResolver),
        }
    }
}

/// Why a [`Sandbox`](crate::Sandbox) could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The directory for compiled components can't be used.
    #[error("the directory {} for compiled components: {source}", path.display())]
    Directory {
        /// Which directory.
        path: PathBuf,
        /// What is wrong with it.
        source: std::io::Error,
    },
    /// The machine does not let WebAssembly be run.
    #[error("WebAssembly can't be run here: {0}")]
    Engine(String),
}
