//! A sandbox to run guests in.

pub(crate) mod calls;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use waystation_core::{
    Allow, BoundedJson, Clock, Digest, ExecutionContext, ExecutionId, Failure, Flow, Limits, Links,
    LogStream, ManualClock, OnTimeout, RunContext, RunLimits, RunOutcome, RunReport, RunRequest,
    StepLimits, StepRunner, Timestamp,
};
use waystation_sandbox::{
    AdmitError, Compiler, ComponentSource, InProcess, InvalidComponent, OutboundPolicy, Sandbox,
    SandboxConfig,
};
pub(crate) use waystation_wat::{PRINT, component, guest, guest_with};

/// The sandbox of all tests: no destination is private but 127.0.0.1.
pub(crate) static SANDBOX: LazyLock<Arc<Sandbox>> = LazyLock::new(|| {
    let private = vec!["127.0.0.1/32".parse().unwrap()];
    sandbox(OutboundPolicy { private, ..OutboundPolicy::default() })
});

pub(crate) fn sandbox(outbound: OutboundPolicy) -> Arc<Sandbox> {
    let limits = Limits { memory_mib_max: 256, runs_max: 4, ..Limits::default() };
    sandbox_with(outbound, limits, Arc::new(Empty))
}

pub(crate) fn sandbox_with(
    outbound: OutboundPolicy,
    limits: Limits,
    source: Arc<dyn ComponentSource>,
) -> Arc<Sandbox> {
    let compiled = tempfile::tempdir().unwrap().keep();
    let compiler =
        InProcess { machine_code_bytes_max: (limits.machine_code_mib_max as usize) << 20 };
    sandbox_of(compiled, outbound, limits, source, Arc::new(compiler))
}

pub(crate) fn sandbox_of(
    compiled: PathBuf,
    outbound: OutboundPolicy,
    limits: Limits,
    source: Arc<dyn ComponentSource>,
    compiler: Arc<dyn Compiler>,
) -> Arc<Sandbox> {
    let config = SandboxConfig { compiled, outbound, limits };
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp::from_millis(1_000)));
    Arc::new(Sandbox::new(config, source, compiler, clock).unwrap())
}

/// Holds nothing.
pub(crate) struct Empty;

impl ComponentSource for Empty {
    fn load(&self, digest: Digest) -> std::io::Result<Vec<u8>> {
        Err(std::io::Error::other(format!("no {digest}")))
    }
}

/// Holds one component, and counts how often it is asked for.
pub(crate) struct One(pub(crate) Vec<u8>, pub(crate) AtomicUsize);

impl ComponentSource for One {
    fn load(&self, _digest: Digest) -> std::io::Result<Vec<u8>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        Ok(self.0.clone())
    }
}

pub(crate) fn json(text: &str) -> BoundedJson {
    BoundedJson::parse(text, 1 << 20).unwrap()
}

pub(crate) fn request() -> RunRequest {
    RunRequest {
        component: Digest::of(b""),
        props: json("{}"),
        run: RunContext { runs: 1, context: None, callback_request: None },
        execution: ExecutionContext {
            id: ExecutionId::from_parts(1_000, [7; 10]),
            workflow: "test".parse().unwrap(),
            workflow_version: 3,
            step: "ask".parse().unwrap(),
            triggered_at: Timestamp::from_millis(500),
            deadline: Timestamp::from_millis(31_000),
            attempt: 2,
            idempotency_key: "key".into(),
            test: false,
        },
        event: json("{\"order\":7}"),
        steps: json("{}"),
        links: Links {
            resume_url: "http://h/resume/t".into(),
            cancel_url: "http://h/cancel/t".into(),
            approval_url: "http://h/approve/t".into(),
        },
        allow: Allow::default(),
        secrets: Vec::new(),
        on_timeout: OnTimeout::Cancel,
        mail_owner: false,
        limits: RunLimits {
            memory_bytes_max: 16 << 20,
            wall_time: Duration::from_secs(20),
            cpu_time: Duration::from_secs(20),
            payload_bytes_max: 1000,
            exports_max: 2,
            log_bytes_max: 1000,
            log_line_bytes_max: 100,
            mails_max: 2,
            ..Limits::default().of_run(&StepLimits::default())
        },
        responder: None,
    }
}

/// Admits `component` and runs it.
pub(crate) async fn run(component: Vec<u8>, request: RunRequest) -> RunReport {
    run_in(&SANDBOX, component, request).await
}

pub(crate) async fn run_in(
    sandbox: &Sandbox,
    component: Vec<u8>,
    request: RunRequest,
) -> RunReport {
    let manifest = sandbox.admit(component.into()).await.unwrap_or_else(|error| panic!("{error}"));
    sandbox.run(RunRequest { component: manifest.digest, ..request }).await
}

/// What the shared sandbox says against an upload.
pub(crate) async fn refusal(component: Vec<u8>) -> InvalidComponent {
    match SANDBOX.admit(component.into()).await {
        Err(AdmitError::Invalid(invalid)) => invalid,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn returned(report: &RunReport) -> (Option<&str>, Vec<(&str, &str)>, &Flow) {
    match &report.outcome {
        RunOutcome::Returned { result, exports, flow } => {
            let exports = exports.iter().map(|(name, json)| (name.as_str(), json.as_str()));
            (result.as_ref().map(BoundedJson::as_str), exports.collect(), flow)
        }
        other => panic!("{other:?}\n{:?}", report.logs),
    }
}

pub(crate) fn failure(report: &RunReport) -> &Failure {
    match &report.outcome {
        RunOutcome::Failed(failure) => failure,
        other => panic!("{other:?}\n{:?}", report.logs),
    }
}

pub(crate) fn log(report: &RunReport, stream: LogStream) -> Vec<&str> {
    report.logs.iter().filter(|line| line.stream == stream).map(|line| line.text.as_str()).collect()
}
