//! The whole: admits components, runs steps.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Semaphore;
use waystation_core::{Clock, Limits, RunOutcome, RunReport, RunRequest, StepRunner};

use crate::components::{ComponentSource, Components};
use crate::machine_code::MachineCode;
use crate::outbound::Guard;
use crate::ticker::Ticker;
use crate::{
    AdmitError, Compiler, InvalidComponent, Manifest, SandboxConfig, SandboxError, attempt, engine,
    host,
};

/// Where foreign code runs. Shared by `Arc`; one for a process.
pub struct Sandbox {
    components: Components,
    guard: Arc<Guard>,
    runs: Semaphore,
    clock: Arc<dyn Clock>,
    limits: Limits,
    _ticker: Ticker,
}

impl Sandbox {
    /// Sets up the engine. Components are read from `components` when a run needs one that is
    /// not at hand, and compiled by `compiler`: the sandbox itself can't.
    ///
    /// # Errors
    ///
    /// When the directory for compiled components can't be used, or the machine does not let
    /// WebAssembly be run.
    pub fn new(
        config: SandboxConfig,
        components: Arc<dyn ComponentSource>,
        compiler: Arc<dyn Compiler>,
        clock: Arc<dyn Clock>,
    ) -> Result<Sandbox, SandboxError> {
        let SandboxConfig { compiled, outbound, mut limits } = config;
        limits.runs_max = limits.runs_max.max(1);
        limits.compiles_max = limits.compiles_max.max(1);
        make_directory(&compiled)
            .map_err(|source| SandboxError::Directory { path: compiled.clone(), source })?;
        let compiled = compiled
            .canonicalize()
            .map_err(|source| SandboxError::Directory { path: compiled.clone(), source })?;
        let engine = engine::for_runs(&compiled, &limits)?;
        let code = MachineCode::open(compiled);
        let linker =
            host::linker(&engine).map_err(|error| SandboxError::Engine(format!("{error:#}")))?;
        let ticker = Ticker::start(&engine)
            .map_err(|error| SandboxError::Engine(format!("no thread for the clock: {error}")))?;
        Ok(Sandbox {
            components: Components::new(engine, linker, code, components, compiler, &limits),
            guard: Arc::new(Guard::new(outbound, limits.clone())),
            runs: Semaphore::new(limits.runs_max),
            clock,
            limits,
            _ticker: ticker,
        })
    }

    /// Checks an uploaded component and compiles it, so that it can run at once. Takes seconds
    /// for large components; `Limits::compiles_max` at a time. The bytes are the caller's to
    /// keep, for [`ComponentSource::load`]. Dropping the future ends the work.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the component, or that the host could not do its part.
    pub async fn admit(&self, bytes: Bytes) -> Result<Manifest, AdmitError> {
        let bytes_max = self.limits.component_bytes_max;
        if bytes.len() > bytes_max {
            return Err(InvalidComponent::TooLarge { bytes: bytes.len(), bytes_max }.into());
        }
        self.components.admit(bytes).await
    }
}

#[async_trait]
impl StepRunner for Sandbox {
    async fn run(&self, request: RunRequest) -> RunReport {
        let step = match self.components.get(request.component).await {
            Ok(step) => step,
            Err(failure) => return attempt::nothing(RunOutcome::Failed(failure)),
        };
        let Ok(_place) = self.runs.acquire().await else {
            return attempt::nothing(RunOutcome::HostBusy);
        };
        Box::pin(attempt::run(step, request, self.guard.clone(), self.clock.clone())).await
    }
}

/// Makes the directory, for its owner alone.
fn make_directory(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
    }
    #[cfg(not(unix))]
    std::fs::create_dir_all(path)
}
