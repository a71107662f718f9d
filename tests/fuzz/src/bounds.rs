//! A sandbox with tight limits, and what has to hold for every run in it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use waystation_core::{
    Allow, BoundedJson, Clock, Digest, ExecutionContext, ExecutionId, Failure, FailureKind, Flow,
    Limits, Links, LogStream, ManualClock, OnTimeout, RunContext, RunLimits, RunOutcome, RunReport,
    RunRequest, StepLimits, StepRunner, Timestamp,
};
use waystation_sandbox::{
    AdmitError, ComponentSource, InProcess, Manifest, OutboundPolicy, Sandbox, SandboxConfig,
};

const PAYLOAD_BYTES_MAX: usize = 4096;
const EXPORTS_MAX: usize = 2;
const LOG_BYTES_MAX: usize = 2000;
const LOG_LINE_BYTES_MAX: usize = 100;
const MAILS_MAX: usize = 2;
const WALL_TIME: Duration = Duration::from_millis(300);
const CPU_TIME: Duration = Duration::from_millis(100);

/// When a run has to be over that was to end after [`WALL_TIME`], also on a busy machine.
const OVER_BY: Duration = Duration::from_secs(10);

/// A sandbox, and a runtime to use it from.
pub(crate) struct Bounds {
    sandbox: Sandbox,
    runtime: Runtime,
    allow: Allow,
    /// Where compiled components are. Goes with the sandbox.
    _compiled: tempfile::TempDir,
}

impl Bounds {
    /// Steps may do what `allow` says; of special addresses they reach 127.0.0.1.
    pub(crate) fn new(allow: Allow) -> Bounds {
        let compiled = tempfile::tempdir().expect("a folder for compiled components");
        let limits = Limits { memory_mib_max: 16, runs_max: 2, ..Limits::default() };
        let private = vec!["127.0.0.1/32".parse().expect("a network")];
        let config = SandboxConfig {
            compiled: compiled.path().to_owned(),
            outbound: OutboundPolicy { private, ..OutboundPolicy::default() },
            limits: limits.clone(),
        };
        let machine_code_bytes_max = (limits.machine_code_mib_max as usize) << 20;
        let compiler = Arc::new(InProcess { machine_code_bytes_max });
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp::from_millis(1_000)));
        let sandbox = Sandbox::new(config, Arc::new(Nothing), compiler, clock).expect("a sandbox");
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        Bounds { sandbox, runtime, allow, _compiled: compiled }
    }

    /// Checks and compiles a component.
    pub(crate) fn admit(&self, component: Vec<u8>) -> Result<Manifest, AdmitError> {
        self.runtime.block_on(self.sandbox.admit(component.into()))
    }

    /// Runs a component that was admitted last, and checks that it kept within all bounds.
    pub(crate) fn run(&self, component: Digest, props: String) {
        let request = request(component, props, self.allow.clone());
        let started = Instant::now();
        let report = self.runtime.block_on(self.sandbox.run(request));
        let took = started.elapsed();
        assert!(took < OVER_BY, "{:?} after {took:?}", report.outcome);
        logs_are_bounded(&report);
        assert!(report.mails.len() <= MAILS_MAX, "{} mails", report.mails.len());
        match &report.outcome {
            RunOutcome::Returned { result, exports, flow } => {
                result.iter().for_each(payload_is_sound);
                exports.iter().for_each(|(_, export)| payload_is_sound(export));
                // `$summary` is not counted.
                assert!(exports.len() <= EXPORTS_MAX + 1, "{} exports", exports.len());
                flow_is_sound(flow);
            }
            RunOutcome::Failed(failure) => failure_is_the_guests(failure),
            RunOutcome::HostBusy => panic!("busy with one run"),
        }
    }
}

/// Holds nothing: what runs was admitted just before.
struct Nothing;

impl ComponentSource for Nothing {
    fn load(&self, digest: Digest) -> std::io::Result<Vec<u8>> {
        Err(std::io::Error::other(format!("no {digest}")))
    }
}

fn payload_is_sound(json: &BoundedJson) {
    assert!(json.len() <= PAYLOAD_BYTES_MAX, "{} bytes", json.len());
    let again = BoundedJson::parse(json.as_str(), PAYLOAD_BYTES_MAX);
    assert_eq!(again.as_ref(), Ok(json));
}

fn flow_is_sound(flow: &Flow) {
    let is_line =
        |text: &String| text.len() <= Limits::MESSAGE_BYTES_MAX && !text.contains(char::is_control);
    match flow {
        Flow::Suspend { timeout_ms, message, .. } => {
            assert!((1..=Limits::WAIT_MS_MAX).contains(timeout_ms), "{timeout_ms} ms");
            assert!(message.iter().all(is_line), "{message:?}");
        }
        Flow::Rerun { delay_ms, .. } | Flow::Delay { delay_ms } => {
            assert!((1..=Limits::WAIT_MS_MAX).contains(delay_ms), "{delay_ms} ms");
        }
        Flow::Exit { reason } => assert!(reason.iter().all(is_line), "{reason:?}"),
        Flow::Continue => {}
    }
}

fn failure_is_the_guests(failure: &Failure) {
    let kinds = [FailureKind::HostFault, FailureKind::Component, FailureKind::Template];
    assert!(!kinds.contains(&failure.kind), "{failure:?}");
    let texts = [Some(&failure.message), failure.stack.as_ref()];
    for text in texts.into_iter().flatten() {
        assert!(text.len() <= Limits::FAILURE_TEXT_BYTES_MAX + 100, "{} bytes", text.len());
    }
}

fn logs_are_bounded(report: &RunReport) {
    let of_guest = report.logs.iter().filter(|line| line.stream != LogStream::Host);
    let bytes: usize = of_guest.map(|line| line.text.len()).sum();
    assert!(bytes <= LOG_BYTES_MAX, "{bytes} bytes of log");
    assert!(report.logs.len() <= LOG_BYTES_MAX + 1, "{} lines", report.logs.len());
}

fn request(component: Digest, props: String, allow: Allow) -> RunRequest {
    RunRequest {
        component,
        props: BoundedJson::assembled(props),
        run: RunContext { runs: 1, context: None, callback_request: None },
        execution: ExecutionContext {
            id: ExecutionId::from_parts(1_000, [7; 10]),
            workflow: "fuzz".parse().expect("a name"),
            workflow_version: 1,
            step: "step".parse().expect("a name"),
            triggered_at: Timestamp::from_millis(500),
            deadline: Timestamp::from_millis(31_000),
            attempt: 1,
            idempotency_key: "key".into(),
            test: false,
        },
        event: BoundedJson::assembled("{\"order\":7}".into()),
        steps: BoundedJson::assembled("{}".into()),
        links: Links {
            resume_url: "http://h/resume/t".into(),
            cancel_url: "http://h/cancel/t".into(),
            approval_url: "http://h/approve/t".into(),
        },
        allow,
        secrets: Vec::new(),
        on_timeout: OnTimeout::Resume,
        mail_owner: true,
        limits: RunLimits {
            memory_bytes_max: 4 << 20,
            wall_time: WALL_TIME,
            cpu_time: CPU_TIME,
            payload_bytes_max: PAYLOAD_BYTES_MAX,
            exports_max: EXPORTS_MAX,
            log_bytes_max: LOG_BYTES_MAX,
            log_line_bytes_max: LOG_LINE_BYTES_MAX,
            mails_max: MAILS_MAX,
            ..Limits::default().of_run(&StepLimits::default())
        },
        responder: None,
    }
}
