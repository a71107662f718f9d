//! What outlives an engine: the store within, the clock on the wall, and the records. And how
//! an engine comes to life over it.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt as _;
use serde_json::json;
use waystation_core::{
    Clock, Digest, Limits, LinkKeys, ManualClock, OnTimeout, StepRunner, Timestamp, WorkflowName,
};
use waystation_engine::{
    Admitted, ComponentGate, Engine, EngineError, EngineParts, EngineSettings, GateError,
    MailSettings, SecretKeys,
};
use waystation_store::{MemoryStore, NewWorkflow, Store};

pub(crate) const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// Tries at a run of the first step.
pub(crate) const ATTEMPTS: u32 = 3;

/// The lives that a world can have. See [`set_clock`].
pub(crate) const LIVES_MAX: u64 = 16;

/// Deployed once, forked for each story.
pub(crate) struct Prepared {
    pub(crate) store: MemoryStore,
    keys: LinkKeys,
    settings: EngineSettings,
}

struct Anything;

#[async_trait]
impl ComponentGate for Anything {
    async fn admit(&self, bytes: Bytes) -> Result<Admitted, GateError> {
        let digest = Digest::of(&bytes);
        Ok(Admitted { digest, imports: vec![], exports: vec![], abilities: vec![] })
    }
}

/// The answer of something that never waits, as the memory store does not.
pub(crate) fn now<T>(answer: impl Future<Output = T>) -> T {
    answer.now_or_never().expect("it never waits")
}

/// The workflow with so many steps, of which the first is tried again when it fails.
pub(crate) fn workflow(steps: u16) -> WorkflowName {
    format!("steps-{steps}").parse().unwrap()
}

/// A step's name says its place.
pub(crate) fn step_index(name: &str) -> u16 {
    name.trim_start_matches('s').parse().unwrap()
}

impl Prepared {
    pub(crate) fn new(outbox: std::path::PathBuf) -> Prepared {
        let store = MemoryStore::new();
        for steps in 1..=3 {
            let retry = json!({"attempts": ATTEMPTS, "backoff_ms": 160, "factor": 1});
            let step = |n: u16| {
                let mut step = json!({"name": format!("s{n}"), "component": "c"});
                if n == 0 {
                    step["retry"] = retry.clone();
                }
                step
            };
            let steps_json: Vec<_> = (0..steps).map(step).collect();
            let spec = json!({"name": workflow(steps), "steps": steps_json});
            let digests = vec![Digest::of(b"c"); usize::from(steps)];
            let spec = serde_json::from_value(spec).unwrap();
            let new = NewWorkflow { spec, digests, grants: vec![] };
            now(store.put_workflow(new, START)).unwrap();
        }
        let settings = EngineSettings {
            public_url: "http://host".into(),
            on_timeout: OnTimeout::Resume,
            // Removal goes by the time that the processor shows, which no test can stop.
            limits: Limits { kept_days: 0, ..Limits::default() },
            mail: MailSettings {
                smtp_url: None,
                from: "host@example.com".into(),
                owner: Some("owner@example.com".into()),
                outbox,
            },
        };
        Prepared { store, keys: LinkKeys::new(vec![(1, [7; 32])]).unwrap(), settings }
    }

    pub(crate) async fn engine(
        &self,
        store: Arc<dyn Store>,
        runner: Arc<dyn StepRunner>,
        clock: Arc<ManualClock>,
        runs_max: usize,
        runs_per_workflow_max: usize,
    ) -> Result<Engine, EngineError> {
        let mut settings = self.settings.clone();
        settings.limits.runs_max = runs_max;
        settings.limits.runs_per_workflow_max = runs_per_workflow_max;
        let (gate, keys) = (Arc::new(Anything), self.keys.clone());
        let secret_keys = SecretKeys::new(vec![[7; 32].into()]).unwrap();
        Engine::start(EngineParts { store, runner, gate, clock, keys, secret_keys, settings }).await
    }
}

/// Moves the clock to about `to`. Each life of a world has milliseconds of its own: execution
/// ids begin with them, and two that don't come from one engine would be in random order within
/// one, so that a seed would not give the same again.
pub(crate) fn set_clock(clock: &ManualClock, life: u64, to: Timestamp) {
    let millis = to.as_millis();
    clock.set(Timestamp::from_millis(millis - millis % LIVES_MAX + life % LIVES_MAX));
}

pub(crate) fn move_clock(clock: &ManualClock, life: u64, by_millis: i64) {
    let millis = clock.now().as_millis().saturating_add_signed(by_millis);
    set_clock(clock, life, Timestamp::from_millis(millis));
}

/// A runtime without threads, whose time passes when everybody waits for it.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        // The one who plays the world goes on when all others wait, and not before.
        .event_interval(1_000_000)
        .build()
        .unwrap()
}

/// All others have done what they can do without the next turn.
pub(crate) async fn settled() {
    tokio::task::yield_now().await;
}
