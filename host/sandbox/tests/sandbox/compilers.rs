//! A compiler that does not do what it should.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tempfile::TempDir;
use tokio::sync::Mutex;
use tokio::time::timeout;
use waystation_core::{Digest, FailureKind, Limits, RunRequest, StepRunner};
use waystation_sandbox::{
    AdmitError, Compiler, InProcess, InvalidComponent, Manifest, OutboundPolicy, Sandbox,
};

use crate::support::{One, failure, guest, guest_with, request, returned, sandbox_of};

/// What a compiler does with a component.
#[derive(Clone)]
enum Does {
    Works,
    Fails(AdmitError),
    Answers(fn(Manifest) -> Manifest),
    /// Has this component never done.
    HangsOn(Digest),
}

struct Scripted(Mutex<Does>);

impl Scripted {
    async fn now(&self, does: Does) {
        *self.0.lock().await = does;
    }
}

#[async_trait]
impl Compiler for Scripted {
    async fn prepare(&self, component: Bytes, into: Option<&Path>) -> Result<Manifest, AdmitError> {
        let does = self.0.lock().await.clone();
        let digest = Digest::of(&component);
        let manifest = InProcess { machine_code_bytes_max: 1 << 30 }.prepare(component, into).await;
        match does {
            Does::Works => manifest,
            Does::Fails(error) => Err(error),
            Does::Answers(other) => manifest.map(other),
            Does::HangsOn(on) if on == digest => std::future::pending().await,
            Does::HangsOn(_) => manifest,
        }
    }
}

/// A component that is stored; a folder for its machine code, and a compiler.
struct World {
    component: Vec<u8>,
    compiled: TempDir,
    compiler: Arc<Scripted>,
}

impl World {
    fn new(does: Does) -> World {
        let component = guest("(call $return_nothing)");
        let compiler = Arc::new(Scripted(Mutex::new(does)));
        World { component, compiled: tempfile::tempdir().unwrap(), compiler }
    }

    /// A server that has just started: nothing is in memory.
    fn sandbox(&self) -> Arc<Sandbox> {
        let limits =
            Limits { memory_mib_max: 256, runs_max: 4, compiles_max: 1, ..Limits::default() };
        sandbox_of(
            self.compiled.path().to_owned(),
            OutboundPolicy::default(),
            limits,
            Arc::new(One(self.component.clone(), 0.into())),
            self.compiler.clone(),
        )
    }

    fn request(&self) -> RunRequest {
        RunRequest { component: Digest::of(&self.component), ..request() }
    }
}

#[tokio::test]
async fn a_run_whose_component_the_host_can_not_compile_may_be_tried_again() {
    for error in [
        InvalidComponent::CompileTimeout { seconds: 7 }.into(),
        InvalidComponent::CompileMemory.into(),
        InvalidComponent::Uncompilable { message: "it crashed".into() }.into(),
        AdmitError::Host("killed".into()),
    ] {
        let world = World::new(Does::Fails(error));
        let sandbox = world.sandbox();
        let report = sandbox.run(world.request()).await;
        let failure = failure(&report);
        assert_eq!(failure.kind, FailureKind::HostFault, "{failure:?}");
        assert!(failure.retryable, "{failure:?}");
        world.compiler.now(Does::Works).await;
        returned(&sandbox.run(world.request()).await);
    }
}

#[tokio::test]
async fn a_run_whose_component_is_not_fit_any_more_is_not_tried_again() {
    let error = InvalidComponent::TooDemanding { message: "much".into() };
    let world = World::new(Does::Fails(error.into()));
    let report = world.sandbox().run(world.request()).await;
    let failure = failure(&report);
    assert_eq!(failure.kind, FailureKind::Component);
    assert!(!failure.retryable);
}

#[tokio::test]
async fn runs_do_not_wait_behind_an_upload_of_their_component_that_waits() {
    let world = World::new(Does::Works);
    world.sandbox().admit(world.component.clone().into()).await.unwrap();
    let sandbox = world.sandbox();
    let bomb = guest_with("(func $another)", "(call $return_nothing)");
    world.compiler.now(Does::HangsOn(Digest::of(&bomb))).await;
    let admit = |component: Vec<u8>| {
        let sandbox = sandbox.clone();
        tokio::spawn(async move { sandbox.admit(component.into()).await })
    };
    let moment = Duration::from_millis(300);
    let mut first = admit(bomb);
    timeout(moment, &mut first).await.unwrap_err();
    let mut second = admit(world.component.clone());
    timeout(moment, &mut second).await.unwrap_err();
    let run = timeout(Duration::from_secs(20), sandbox.run(world.request())).await;
    returned(&run.expect("the run does not wait"));
    first.abort();
    second.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_compiler_does_not_say_which_component_it_was_given() {
    let lies: [fn(Manifest) -> Manifest; 2] = [
        |manifest| Manifest { digest: Digest::of(b"another"), ..manifest },
        |manifest| Manifest { size: manifest.size + 1, ..manifest },
    ];
    for lie in lies {
        let world = World::new(Does::Answers(lie));
        let sandbox = world.sandbox();
        let admit = || sandbox.admit(world.component.clone().into());
        let refused = admit().await;
        assert!(matches!(refused, Err(AdmitError::Host(_))), "{refused:?}");
        assert!(!world.compiled.path().join("modules").exists(), "nothing was taken over");
        world.compiler.now(Does::Works).await;
        admit().await.unwrap();
        // Its machine code is there: it is only checked.
        world.compiler.now(Does::Answers(lie)).await;
        let refused = admit().await;
        assert!(matches!(refused, Err(AdmitError::Host(_))), "{refused:?}");
    }
}
