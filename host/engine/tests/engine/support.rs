//! A vocabulary: an engine over a memory store, steps that do as they are told.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tempfile::TempDir;
use waystation_core::{
    BoundedJson, Digest, ExecutionId, Failure, FailureKind, Flow, Limits, Link, LinkAction,
    LinkKeys, Mail, ManualClock, OnTimeout, RunOutcome, RunReport, RunRequest, Status, StepRunner,
    Timestamp,
};
use waystation_engine::{
    Acceptance, Admitted, ComponentGate, Engine, EngineParts, EngineSettings, ExecutionView,
    GateError, LinkCall, MailSettings, SecretKeys, TriggerError, TriggerRequest,
};
use waystation_store::{MemoryStore, Store};

/// What a scripted step does.
pub(crate) enum Does {
    /// Returns, having asked for this.
    Asks(Flow),
    /// Returns a value.
    Returns(Value),
    /// Fails.
    Fails { retryable: bool },
    /// Returns, having sent a mail with its links.
    Mails(Flow),
    /// Returns after this many milliseconds.
    Waits(u64),
    /// Returns, having called its own resume link and asked for this.
    CallsItself(Flow),
    /// Never comes to an end.
    Hangs,
}

type Script = Box<dyn Fn(&RunRequest) -> Does + Send + Sync>;

/// Runs a script in place of components, and remembers what each run was given.
pub(crate) struct Scripted {
    script: Script,
    pub(crate) seen: Mutex<Vec<Seen>>,
    engine: OnceLock<Engine>,
}

/// What a run was given.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) step: String,
    pub(crate) runs: u32,
    pub(crate) attempt: u32,
    pub(crate) props: Value,
    pub(crate) context: Option<Value>,
    pub(crate) callback_request: Option<Value>,
    pub(crate) steps: Value,
    pub(crate) resume_url: String,
    pub(crate) idempotency_key: String,
}

#[async_trait]
impl StepRunner for Scripted {
    async fn run(&self, request: RunRequest) -> RunReport {
        self.seen.lock().push(Seen {
            step: request.execution.step.to_string(),
            runs: request.run.runs,
            attempt: request.execution.attempt,
            props: request.props.to_value(),
            context: request.run.context.as_ref().map(BoundedJson::to_value),
            callback_request: request.run.callback_request.as_ref().map(BoundedJson::to_value),
            steps: request.steps.to_value(),
            resume_url: request.links.resume_url.clone(),
            idempotency_key: request.execution.idempotency_key.clone(),
        });
        let returned = |result: Option<Value>, flow| RunOutcome::Returned {
            result: result.map(|value| bounded(&value)),
            exports: vec![],
            flow,
        };
        let mut mails = vec![];
        let outcome = match (self.script)(&request) {
            Does::Asks(flow) => returned(None, flow),
            Does::Returns(value) => returned(Some(value), Flow::Continue),
            Does::Fails { retryable } => {
                let failure = Failure::new(FailureKind::GuestError, "Oops", "it broke");
                RunOutcome::Failed(Failure { retryable, ..failure })
            }
            Does::Mails(flow) => {
                let text = Some(format!("approve: {}", request.links.resume_url));
                mails.push(Mail { to: vec![], subject: "Please approve".into(), text, html: None });
                returned(None, flow)
            }
            Does::Waits(millis) => {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                returned(None, Flow::Continue)
            }
            Does::CallsItself(flow) => {
                let engine = self.engine.get().unwrap();
                let token = request.links.resume_url.rsplit('/').next().unwrap();
                let link = engine.verify(token).unwrap();
                engine.call_link(link, link.action, call(&json!("again"))).await.unwrap();
                returned(None, flow)
            }
            Does::Hangs => std::future::pending().await,
        };
        RunReport { outcome, logs: vec![], mails, compute_ms: 7 }
    }
}

struct Anything;

#[async_trait]
impl ComponentGate for Anything {
    async fn admit(&self, bytes: Bytes) -> Result<Admitted, GateError> {
        let digest = Digest::of(&bytes);
        Ok(Admitted { digest, imports: vec![], exports: vec![], abilities: vec![] })
    }
}

/// An engine and everything around it.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) runner: Arc<Scripted>,
    pub(crate) folder: Arc<TempDir>,
}

pub(crate) fn bounded(value: &Value) -> BoundedJson {
    BoundedJson::from_value(value, 1 << 20).unwrap()
}

pub(crate) fn suspend(timeout_ms: u64) -> Flow {
    let on_timeout = OnTimeout::Resume;
    Flow::Suspend { timeout_ms, on_timeout, message: None, resume_schema: None }
}

pub(crate) fn rerun(delay_ms: u64, context: Value, max_retries: u32) -> Flow {
    Flow::Rerun { delay_ms, context: Some(bounded(&context).into()), max_retries }
}

pub(crate) fn call(body: &Value) -> LinkCall {
    let request = bounded(&json!({"method": "POST", "body": body}));
    LinkCall { request, body: bounded(body), client_ip: Some("192.0.2.1".into()) }
}

impl World {
    pub(crate) async fn new(script: impl Fn(&RunRequest) -> Does + Send + Sync + 'static) -> World {
        World::with(Limits::default(), script).await
    }

    pub(crate) async fn with(
        limits: Limits,
        script: impl Fn(&RunRequest) -> Does + Send + Sync + 'static,
    ) -> World {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_700_000_000_000)));
        World::over(store, clock, Arc::new(TempDir::new().unwrap()), limits, script).await
    }

    pub(crate) async fn over(
        store: Arc<dyn Store>,
        clock: Arc<ManualClock>,
        folder: Arc<TempDir>,
        limits: Limits,
        script: impl Fn(&RunRequest) -> Does + Send + Sync + 'static,
    ) -> World {
        let runner = Arc::new(Scripted {
            script: Box::new(script),
            seen: Mutex::default(),
            engine: OnceLock::new(),
        });
        let settings = EngineSettings {
            public_url: "http://host".into(),
            on_timeout: OnTimeout::Resume,
            limits,
            mail: MailSettings {
                smtp_url: None,
                from: "host@example.com".into(),
                owner: Some("owner@example.com".into()),
                outbox: folder.path().join("outbox"),
            },
        };
        let engine = Engine::start(EngineParts {
            store: store.clone(),
            runner: runner.clone(),
            gate: Arc::new(Anything),
            clock: clock.clone(),
            keys: LinkKeys::new(vec![(1, [7; 32])]).unwrap(),
            secret_keys: SecretKeys::new(vec![[7; 32].into()]).unwrap(),
            settings,
        });
        let engine = engine.await.unwrap();
        assert!(runner.engine.set(engine.clone()).is_ok());
        World { engine, store, clock, runner, folder }
    }

    /// Deploys a workflow `w` of steps that all run the script.
    pub(crate) async fn deploy(&self, steps: Value) {
        self.deploy_as("w", steps).await;
    }

    /// Deploys a workflow of this name.
    pub(crate) async fn deploy_as(&self, workflow: &str, steps: Value) {
        let name = "c".parse().unwrap();
        let place = self.engine.upload_place().unwrap();
        self.engine.put_component(place, name, Bytes::from_static(b"component")).await.unwrap();
        let mut steps = steps;
        for step in steps.as_array_mut().unwrap() {
            step["component"] = json!("c");
        }
        let spec = serde_json::from_value(json!({"name": workflow, "steps": steps})).unwrap();
        self.engine.deploy(spec, Acceptance::Given).await.unwrap();
    }

    pub(crate) async fn trigger(&self, event: Value) -> ExecutionId {
        self.try_trigger("w", event).await.unwrap()
    }

    /// Triggers the workflow of this name.
    pub(crate) async fn try_trigger(
        &self,
        workflow: &str,
        event: Value,
    ) -> Result<ExecutionId, TriggerError> {
        let request = TriggerRequest {
            workflow: workflow.parse().unwrap(),
            event: bounded(&event),
            idempotency_key: None,
            caller_waits: false,
        };
        Ok(self.engine.trigger(request).await?.id)
    }

    pub(crate) async fn view(&self, id: ExecutionId) -> ExecutionView {
        self.engine.execution(id).await.unwrap().unwrap()
    }

    /// The execution once it has paused or ended.
    pub(crate) async fn settled(&self, id: ExecutionId) -> ExecutionView {
        self.until(id, |view| view.status.is_terminal() || view.status == Status::Suspended).await
    }

    /// The execution once `wish` is true of it.
    pub(crate) async fn until(
        &self,
        id: ExecutionId,
        wish: impl Fn(&ExecutionView) -> bool,
    ) -> ExecutionView {
        for _ in 0..3000 {
            let view = self.view(id).await;
            if wish(&view) {
                return view;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("it never came to that: {:?}", self.view(id).await);
    }

    pub(crate) fn link(&self, url: &str) -> (Link, LinkAction) {
        let link = self.engine.verify(url.rsplit('/').next().unwrap()).expect("a genuine link");
        (link, link.action)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.runner.seen.lock().clone()
    }

    pub(crate) async fn history_types(&self, id: ExecutionId) -> Vec<String> {
        let history = self.engine.history(id, 0, 100).await.unwrap().unwrap();
        history.items.iter().map(|entry| entry["type"].as_str().unwrap().to_owned()).collect()
    }

    /// Executions that are ready, under way or paused.
    pub(crate) async fn due(&self) -> usize {
        self.store.ready(99, &[]).await.unwrap().len()
            + self.store.deadlines(99).await.unwrap().len()
    }
}
