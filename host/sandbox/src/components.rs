//! Components that are ready to run: checked, compiled, linked, and a bounded number of them
//! kept.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};
use waystation_core::{Digest, Failure, FailureKind, Limits};

use crate::bindings::StepPre;
use crate::capacity::Capacity;
use crate::cpu::in_background;
use crate::flight::Flights;
use crate::guest::Guest;
use crate::machine_code::{MachineCode, NotLoaded};
use crate::{AdmitError, Compiler, InvalidComponent, Manifest, compile};

/// Where the bytes of admitted components are kept.
pub trait ComponentSource: Send + Sync + 'static {
    /// The component with this digest. May block. The source has checked that the bytes have
    /// the digest.
    ///
    /// # Errors
    ///
    /// When there is none, or it can't be read.
    fn load(&self, digest: Digest) -> std::io::Result<Vec<u8>>;
}

/// Linked components kept in memory, whatever they take.
const KEPT_MAX: usize = 256;

/// All components, as runs need them.
pub(crate) struct Components {
    maker: Arc<Maker>,
    source: Arc<dyn ComponentSource>,
    compiler: Arc<dyn Compiler>,
    flights: Flights<Digest>,
    /// Places for uploads.
    compiles: Semaphore,
    /// Places for runs, whose machine code is there as a rule: none of them waits behind a
    /// compiler.
    loads: Semaphore,
    /// Places for runs whose machine code is gone: none of them waits behind uploads.
    recompiles: Semaphore,
}

/// What the blocking threads need.
struct Maker {
    engine: Engine,
    linker: Linker<Guest>,
    code: MachineCode,
    /// Held from when machine code is put on disk to when it is loaded: putting some may remove
    /// other.
    taking: Mutex<()>,
    kept: Mutex<Kept>,
}

/// Components that are in memory because they may be needed again.
struct Kept {
    /// Least recently used first.
    entries: Vec<KeptOne>,
    /// Of machine code.
    capacity: Capacity,
}

struct KeptOne {
    digest: Digest,
    ready: StepPre<Guest>,
    bytes: u64,
}

impl Components {
    /// None are ready yet. `engine` has no compiler; what it lacks, `compiler` makes.
    pub(crate) fn new(
        engine: Engine,
        linker: Linker<Guest>,
        code: MachineCode,
        source: Arc<dyn ComponentSource>,
        compiler: Arc<dyn Compiler>,
        limits: &Limits,
    ) -> Components {
        let bytes_max = u64::from(limits.machine_code_kept_mib) << 20;
        let capacity = Capacity { entries_max: KEPT_MAX, bytes_max };
        let kept = Mutex::new(Kept { entries: Vec::new(), capacity });
        let compiles_max = limits.compiles_max;
        Components {
            maker: Arc::new(Maker { engine, linker, code, taking: Mutex::new(()), kept }),
            source,
            compiler,
            flights: Flights::new(),
            compiles: Semaphore::new(compiles_max),
            loads: Semaphore::new(compiles_max),
            recompiles: Semaphore::new(compiles_max),
        }
    }

    /// Checks and compiles an upload. Who stops waiting stops the compiler; who else waits for
    /// the same component then starts one.
    pub(crate) async fn admit(&self, bytes: Bytes) -> Result<Manifest, AdmitError> {
        let digest = in_background({
            let bytes = bytes.clone();
            move || Digest::of(&bytes)
        });
        let digest = digest.await.map_err(AdmitError::Host)?;
        // In this order: an upload that waits for a place would hold up the component's runs.
        let _place = self.compiles.acquire().await;
        let flight = self.flights.board(digest).await;
        if self.load(digest, bytes.clone()).await.is_ok() {
            drop(flight);
            return self.prepare(digest, bytes, None).await;
        }
        let (manifest, _) = self.compile(digest, bytes).await?;
        Ok(manifest)
    }

    /// The component for a run.
    pub(crate) async fn get(&self, digest: Digest) -> Result<StepPre<Guest>, Failure> {
        if let Some(ready) = self.maker.kept.lock().get(digest) {
            return Ok(ready);
        }
        let _flight = self.flights.board(digest).await;
        let place = self.loads.acquire().await;
        if let Some(ready) = self.maker.kept.lock().get(digest) {
            return Ok(ready);
        }
        let source = self.source.clone();
        let bytes = in_background(move || source.load(digest).map(Bytes::from)).await;
        let bytes = bytes.map_err(std::io::Error::other).flatten().map_err(|error| {
            tracing::error!(%digest, %error, "a component can't be loaded");
            let message = format!("the component {digest} can't be loaded");
            Failure::new(FailureKind::Component, "ComponentError", message).retryable()
        })?;
        if let Ok(ready) = self.load(digest, bytes.clone()).await {
            return Ok(ready);
        }
        // The machine code was removed, or is another version's.
        drop(place);
        let _place = self.recompiles.acquire().await;
        tracing::info!(%digest, "compiling a component for a run");
        let compiled = self.compile(digest, bytes).await;
        compiled.map(|(_, ready)| ready).map_err(|error| not_compiled(digest, error))
    }

    /// Has the machine code made, and loads it.
    async fn compile(
        &self,
        digest: Digest,
        bytes: Bytes,
    ) -> Result<(Manifest, StepPre<Guest>), AdmitError> {
        let room = self.maker.code.make_room().map_err(unusable)?;
        let manifest = self.prepare(digest, bytes.clone(), Some(room.path())).await?;
        let maker = self.maker.clone();
        let taken = in_background(move || maker.take(room.path(), digest, &bytes)).await;
        Ok((manifest, taken.map_err(AdmitError::Host).flatten()?))
    }

    /// Has the component checked, and compiled where there is a folder. Who compiles is not
    /// believed about whose component this is: bytes are kept under the answer's digest.
    async fn prepare(
        &self,
        digest: Digest,
        bytes: Bytes,
        into: Option<&Path>,
    ) -> Result<Manifest, AdmitError> {
        let size = bytes.len() as u64;
        let manifest = self.compiler.prepare(bytes, into).await?;
        if manifest.digest == digest && manifest.size == size {
            return Ok(manifest);
        }
        let Manifest { digest: other, size: other_size, .. } = manifest;
        Err(AdmitError::Host(format!(
            "the compiler was given {digest} of {size} bytes and answers about {other} of \
             {other_size} bytes"
        )))
    }

    /// A component whose machine code is there.
    async fn load(&self, digest: Digest, bytes: Bytes) -> Result<StepPre<Guest>, NotMade> {
        if let Some(ready) = self.maker.kept.lock().get(digest) {
            return Ok(ready);
        }
        let maker = self.maker.clone();
        in_background(move || maker.make(digest, &bytes)).await.map_err(NotMade::Host).flatten()
    }
}

/// What it means for a run that its component, which was admitted once, is not compiled again.
/// The compiler's bounds say more about the host than about the component then: the one needs
/// longer under pressure, the other has not changed.
fn not_compiled(digest: Digest, error: AdmitError) -> Failure {
    use InvalidComponent::{CompileMemory, CompileTimeout, Uncompilable};
    tracing::error!(%digest, %error, "a component could not be compiled for a run");
    let host_fault =
        |message| Failure::new(FailureKind::HostFault, "HostFault", message).retryable();
    match error {
        AdmitError::Host(_) => {
            host_fault(format!("the host failed while it compiled the component {digest}"))
        }
        AdmitError::Invalid(
            error @ (CompileTimeout { .. } | CompileMemory | Uncompilable { .. }),
        ) => host_fault(format!("the host could not compile the component {digest}: {error}")),
        AdmitError::Invalid(error) => {
            let message = format!("the component {digest} can't be run: {error}");
            Failure::new(FailureKind::Component, "ComponentError", message)
        }
    }
}

fn unusable(error: std::io::Error) -> AdmitError {
    AdmitError::Host(format!("the folder of machine code: {error}"))
}

/// Why a component is not ready.
enum NotMade {
    /// Its machine code is not there.
    NotThere,
    /// It can't be a step.
    Invalid(InvalidComponent),
    /// The host failed.
    Host(String),
}

impl Maker {
    /// Takes over the machine code that was made in `room`, and loads it.
    fn take(
        &self,
        room: &Path,
        digest: Digest,
        bytes: &[u8],
    ) -> Result<StepPre<Guest>, AdmitError> {
        let _alone = self.taking.lock();
        self.code.take(room, &self.engine, bytes).map_err(unusable)?;
        self.make(digest, bytes).map_err(|error| match error {
            NotMade::Invalid(invalid) => invalid.into(),
            NotMade::NotThere => {
                AdmitError::Host("what was compiled is not what the engine looks for".into())
            }
            NotMade::Host(error) => AdmitError::Host(error),
        })
    }

    fn make(&self, digest: Digest, bytes: &[u8]) -> Result<StepPre<Guest>, NotMade> {
        let component = MachineCode::load(&self.engine, bytes).map_err(|error| match error {
            NotLoaded::NotThere => NotMade::NotThere,
            // It was compiled: what is left are the pool's sizes.
            NotLoaded::Refused(error) => {
                NotMade::Invalid(InvalidComponent::TooDemanding { message: format!("{error:#}") })
            }
        })?;
        let ready = self.link(digest, &component).map_err(NotMade::Invalid)?;
        let bytes = compile::machine_code_bytes(&component) as u64;
        self.kept.lock().put(KeptOne { digest, ready: ready.clone(), bytes });
        Ok(ready)
    }

    fn link(
        &self,
        digest: Digest,
        component: &Component,
    ) -> Result<StepPre<Guest>, InvalidComponent> {
        check_demands(component)?;
        let mismatch = |error: wasmtime::Error| InvalidComponent::ImportMismatch {
            message: format!("{error:#}"),
        };
        let linked = self.linker.instantiate_pre(component).map_err(mismatch)?;
        let ready = StepPre::new(linked)
            .map_err(|error| InvalidComponent::HandlerType { found: format!("{error:#}") })?;
        // So that the first run is as fast as the others. Without it runs are slower, no more.
        if let Err(error) = component.initialize_copy_on_write_image() {
            tracing::debug!(%digest, %error, "no copy-on-write image");
        }
        Ok(ready)
    }
}

/// The same bounds with and without a pool.
fn check_demands(component: &Component) -> Result<(), InvalidComponent> {
    let Some(needs) = component.resources_required() else {
        return Err(InvalidComponent::TooDemanding {
            message: "it instantiates modules that it imports; how many can't be known".into(),
        });
    };
    for (what, needed, max) in [
        ("memories", needs.num_memories, Limits::MEMORIES_PER_COMPONENT_MAX),
        ("tables", needs.num_tables, Limits::TABLES_PER_COMPONENT_MAX),
    ] {
        if needed > max {
            let message = format!("{needed} {what}; at most {max} are allowed");
            return Err(InvalidComponent::TooDemanding { message });
        }
    }
    Ok(())
}

impl Kept {
    fn get(&mut self, digest: Digest) -> Option<StepPre<Guest>> {
        let at = self.entries.iter().position(|kept| kept.digest == digest)?;
        let entry = self.entries.remove(at);
        let ready = entry.ready.clone();
        self.entries.push(entry);
        Some(ready)
    }

    fn put(&mut self, new: KeptOne) {
        self.entries.retain(|kept| kept.digest != new.digest);
        self.entries.push(new);
        let sizes: Vec<u64> = self.entries.iter().map(|kept| kept.bytes).collect();
        self.entries.drain(..self.capacity.too_many(&sizes));
    }
}
