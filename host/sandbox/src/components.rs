//! Components that are ready to run: checked, compiled, linked, and a bounded number of them
//! kept.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};
use waystation_core::{Digest, Failure, FailureKind};

use crate::bindings::StepPre;
use crate::cpu::panic_message;
use crate::engine::{MEMORIES_PER_COMPONENT_MAX, TABLES_PER_COMPONENT_MAX};
use crate::flight::Flights;
use crate::guest::Guest;
use crate::{InvalidComponent, Manifest, inspect};

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

/// Linked components kept in memory. One of a scripting language takes some 40 MiB.
const KEPT_MAX: usize = 64;

/// All components, as runs need them.
pub(crate) struct Components {
    maker: Arc<Maker>,
    source: Arc<dyn ComponentSource>,
    flights: Flights<Digest>,
    /// Places for uploads.
    compiles: Arc<Semaphore>,
    /// Places for runs, whose components come from the cache of compiled code: none of them
    /// waits behind an upload's compiler.
    loads: Arc<Semaphore>,
}

/// What the blocking threads need.
struct Maker {
    engine: Engine,
    linker: Linker<Guest>,
    kept: Mutex<Kept>,
}

/// Least recently used first.
#[derive(Default)]
struct Kept(Vec<(Digest, StepPre<Guest>)>);

impl Components {
    /// None are ready yet.
    pub(crate) fn new(
        engine: Engine,
        linker: Linker<Guest>,
        source: Arc<dyn ComponentSource>,
        compiles_max: usize,
    ) -> Components {
        Components {
            maker: Arc::new(Maker { engine, linker, kept: Mutex::default() }),
            source,
            flights: Flights::new(),
            compiles: Arc::new(Semaphore::new(compiles_max)),
            loads: Arc::new(Semaphore::new(compiles_max)),
        }
    }

    /// Checks and compiles an upload.
    pub(crate) async fn admit(&self, bytes: bytes::Bytes) -> Result<Manifest, InvalidComponent> {
        let digest = in_background({
            let bytes = bytes.clone();
            move || Digest::of(&bytes)
        });
        let digest = digest.await.map_err(|message| InvalidComponent::Uncompilable { message })?;
        let flight = self.flights.board(digest).await;
        let place = self.compiles.clone().acquire_owned().await;
        let maker = self.maker.clone();
        // What is held goes with the work: who stops waiting does not stop the compiler.
        in_background(move || {
            let _held = (flight, place);
            let manifest = inspect(&bytes)?;
            if maker.kept.lock().get(digest).is_none() {
                maker.make(digest, &bytes)?;
            }
            Ok(manifest)
        })
        .await
        .unwrap_or_else(|message| Err(InvalidComponent::Uncompilable { message }))
    }

    /// The component for a run.
    pub(crate) async fn get(&self, digest: Digest) -> Result<StepPre<Guest>, Failure> {
        if let Some(ready) = self.maker.kept.lock().get(digest) {
            return Ok(ready);
        }
        let flight = self.flights.board(digest).await;
        let place = self.loads.clone().acquire_owned().await;
        let (maker, source) = (self.maker.clone(), self.source.clone());
        in_background(move || {
            let _held = (flight, place);
            if let Some(ready) = maker.kept.lock().get(digest) {
                return Ok(ready);
            }
            let bytes = source.load(digest).map_err(|error| {
                tracing::error!(%digest, %error, "a component can't be loaded");
                let message = format!("the component {digest} can't be loaded");
                Failure::new(FailureKind::Component, "ComponentError", message).retryable()
            })?;
            maker.make(digest, &bytes).map_err(|error| {
                let message = format!("the component {digest} can't be run: {error}");
                Failure::new(FailureKind::Component, "ComponentError", message)
            })
        })
        .await
        .unwrap_or_else(|panic| {
            tracing::error!(%digest, panic, "loading a component panicked");
            let message = "the host failed while it loaded the component";
            Err(Failure::new(FailureKind::HostFault, "HostFault", message).retryable())
        })
    }
}

impl Maker {
    fn make(&self, digest: Digest, bytes: &[u8]) -> Result<StepPre<Guest>, InvalidComponent> {
        let component = Component::from_binary(&self.engine, bytes).map_err(|error| {
            let message = format!("{error:#}");
            // The bytes are sound: what is left are the pool's sizes, or the compiler's own.
            if message.contains("pooling allocator") || message.contains("exceeds") {
                InvalidComponent::TooDemanding { message }
            } else {
                InvalidComponent::Uncompilable { message }
            }
        })?;
        check_demands(&component)?;
        let mismatch = |error: wasmtime::Error| InvalidComponent::ImportMismatch {
            message: format!("{error:#}"),
        };
        let linked = self.linker.instantiate_pre(&component).map_err(mismatch)?;
        let ready = StepPre::new(linked)
            .map_err(|error| InvalidComponent::HandlerType { found: format!("{error:#}") })?;
        // So that the first run is as fast as the others. Without it runs are slower, no more.
        if let Err(error) = component.initialize_copy_on_write_image() {
            tracing::debug!(%digest, %error, "no copy-on-write image");
        }
        self.kept.lock().put(digest, ready.clone());
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
        ("memories", needs.num_memories, MEMORIES_PER_COMPONENT_MAX),
        ("tables", needs.num_tables, TABLES_PER_COMPONENT_MAX),
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
        let at = self.0.iter().position(|(kept, _)| *kept == digest)?;
        let entry = self.0.remove(at);
        let ready = entry.1.clone();
        self.0.push(entry);
        Some(ready)
    }

    fn put(&mut self, digest: Digest, ready: StepPre<Guest>) {
        self.0.retain(|(kept, _)| *kept != digest);
        if self.0.len() >= KEPT_MAX {
            self.0.remove(0);
        }
        self.0.push((digest, ready));
    }
}

/// Runs blocking work on its own thread. The error is what a panic said.
async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|error| match error.try_into_panic() {
        Ok(panic) => panic_message(panic.as_ref()),
        Err(_) => "the host is shutting down".into(),
    })
}
