//! Admits a component, runs it once, and prints the report as JSON.
//!
//! ```text
//! cargo run -p waystation-sandbox --example run_step -- FILE.wasm [--props JSON] [--runs N]
//!     [--attempt N] [--context JSON] [--callback JSON] [--event JSON] [--steps JSON]
//!     [--allow PATTERN]… [--private CIDR]… [--email] [--owner] [--test] [--respond]
//!     [--memory MIB] [--timeout MS] [--compiled DIR] [--times N] [--inspect]
//! ```
//!
//! With `--times N` it goes on to run it N times more and adds how long runs took: the first
//! one, and the median of the others. `--compiled` names a folder for compiled code, mode 0700;
//! an empty one makes `admit_ms` the time of a first upload.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use waystation_core::{
    Allow, BoundedJson, Clock, Digest, ExecutionContext, ExecutionId, HttpResponse, Limits, Links,
    OnTimeout, Responder, RunContext, RunOutcome, RunReport, RunRequest, StepLimits, StepRunner,
    Timestamp,
};
use waystation_sandbox::{
    ComponentSource, InProcess, OutboundPolicy, Sandbox, SandboxConfig, inspect,
};

type Failed = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    match run(std::env::args().skip(1)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "run_step: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Options {
    file: PathBuf,
    inspect: bool,
    compiled: PathBuf,
    times: usize,
    outbound: OutboundPolicy,
    request: RunRequest,
}

async fn run(arguments: impl Iterator<Item = String>) -> Result<(), Failed> {
    let options = parse(arguments)?;
    let bytes = std::fs::read(&options.file)
        .map_err(|error| format!("{}: {error}", options.file.display()))?;
    if options.inspect {
        return print(&serde_json::to_value(inspect(&bytes)?)?);
    }
    let compiler = InProcess { machine_code_bytes_max: usize::MAX };
    let config = SandboxConfig {
        compiled: options.compiled.clone(),
        outbound: options.outbound.clone(),
        limits: Limits::default(),
    };
    let sandbox =
        Sandbox::new(config, Arc::new(NoSource), Arc::new(compiler), Arc::new(SystemClock))?;
    let started = Instant::now();
    let manifest = sandbox.admit(bytes.into()).await?;
    let admit_ms = u64::try_from(started.elapsed().as_millis())?;
    let (report, first) = timed_run(&sandbox, &options, manifest.digest).await?;
    let mut shown = shown(&report);
    shown["admit_ms"] = json!(admit_ms);
    let mut warm = Vec::with_capacity(options.times);
    for _ in 0..options.times {
        warm.push(timed_run(&sandbox, &options, manifest.digest).await?.1);
    }
    warm.sort_unstable();
    if let Some(median) = warm.get(warm.len() / 2) {
        shown["run_us"] = json!({"first": first.as_micros(), "median": median.as_micros()});
    }
    print(&shown)
}

/// One run in a fresh instance, and how long it took.
async fn timed_run(
    sandbox: &Sandbox,
    options: &Options,
    component: Digest,
) -> Result<(RunReport, Duration), Failed> {
    let mut request = request()?;
    let given = &options.request;
    request.component = component;
    request.props = given.props.clone();
    request.event = given.event.clone();
    request.steps = given.steps.clone();
    request.run = given.run.clone();
    request.allow = given.allow.clone();
    request.limits = given.limits.clone();
    request.mail_owner = given.mail_owner;
    request.execution.attempt = given.execution.attempt;
    request.execution.test = given.execution.test;
    if given.responder.is_some() {
        request.responder = Some(Box::new(Printer));
    }
    let wall_time = u64::try_from(request.limits.wall_time.as_millis())?;
    request.execution.deadline = SystemClock.now().plus_millis(wall_time);
    let started = Instant::now();
    let report = sandbox.run(request).await;
    Ok((report, started.elapsed()))
}

fn print(value: &Value) -> Result<(), Failed> {
    use std::io::Write as _;
    writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(value)?)?;
    Ok(())
}

fn shown(report: &RunReport) -> Value {
    let outcome = match &report.outcome {
        RunOutcome::Returned { result, exports, flow } => {
            let exports: serde_json::Map<String, Value> =
                exports.iter().map(|(name, value)| (name.clone(), value.to_value())).collect();
            let mut asked = json!(flow);
            if let waystation_core::Flow::Rerun { context: Some(context), .. } = flow {
                asked["context"] = json!(context.json());
            }
            json!({ "returned": result, "exports": exports, "flow": asked })
        }
        RunOutcome::Failed(failure) => json!({ "failed": failure }),
        RunOutcome::HostBusy => json!("host busy"),
    };
    json!({
        "outcome": outcome,
        "logs": report.logs,
        "mails": report.mails,
        "compute_ms": report.compute_ms,
    })
}

fn parse(arguments: impl Iterator<Item = String>) -> Result<Options, Failed> {
    let mut file = None;
    let mut inspect = false;
    let mut compiled = std::env::temp_dir().join("waystation-run-step");
    let mut times = 0;
    let mut outbound = OutboundPolicy::default();
    let mut request = request()?;
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--props" => request.props = json_value(value()?)?,
            "--event" => request.event = json_value(value()?)?,
            "--steps" => request.steps = json_value(value()?)?,
            "--runs" => request.run.runs = value()?.parse()?,
            "--attempt" => request.execution.attempt = value()?.parse()?,
            "--context" => request.run.context = Some(json_value(value()?)?),
            "--callback" => request.run.callback_request = Some(json_value(value()?)?),
            "--allow" => request.allow.http.push(value()?.parse()?),
            "--private" => outbound.private.push(value()?.parse()?),
            "--memory" => request.limits.memory_bytes_max = value()?.parse::<usize>()? << 20,
            "--timeout" => request.limits.wall_time = Duration::from_millis(value()?.parse()?),
            "--compiled" => compiled = value()?.into(),
            "--times" => times = value()?.parse()?,
            "--email" => request.allow.email = true,
            "--owner" => request.mail_owner = true,
            "--test" => request.execution.test = true,
            "--respond" => request.responder = Some(Box::new(Printer)),
            "--inspect" => inspect = true,
            option if option.starts_with("--") => {
                return Err(format!("{option}: no such option").into());
            }
            _ => file = Some(PathBuf::from(argument)),
        }
    }
    let file = file.ok_or("which component? run_step FILE.wasm [--props JSON] …")?;
    Ok(Options { file, inspect, compiled, times, outbound, request })
}

fn json_value(text: String) -> Result<BoundedJson, Failed> {
    Ok(BoundedJson::parse(text, Limits::default().payload_bytes_max)?)
}

fn request() -> Result<RunRequest, Failed> {
    let limits = Limits::default();
    let now = SystemClock.now();
    let empty = || BoundedJson::parse("{}", 2);
    Ok(RunRequest {
        component: Digest::of(b""),
        props: empty()?,
        run: RunContext { runs: 1, context: None, callback_request: None },
        execution: ExecutionContext {
            id: ExecutionId::from_parts(now.as_millis(), [7; 10]),
            workflow: "try".parse()?,
            workflow_version: 1,
            step: "step".parse()?,
            triggered_at: now,
            deadline: now,
            attempt: 1,
            idempotency_key: "idempotency-key".into(),
            test: false,
        },
        event: empty()?,
        steps: empty()?,
        links: Links {
            resume_url: "http://127.0.0.1:8787/resume/TOKEN".into(),
            cancel_url: "http://127.0.0.1:8787/cancel/TOKEN".into(),
            approval_url: "http://127.0.0.1:8787/approve/TOKEN".into(),
        },
        allow: Allow::default(),
        secrets: Vec::new(),
        on_timeout: OnTimeout::Resume,
        mail_owner: false,
        limits: limits.of_run(&StepLimits::default()),
        responder: None,
    })
}

struct NoSource;

impl ComponentSource for NoSource {
    fn load(&self, digest: Digest) -> std::io::Result<Vec<u8>> {
        Err(std::io::Error::new(std::io::ErrorKind::NotFound, format!("no component {digest}")))
    }
}

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "here the time comes from")]
        let now = std::time::SystemTime::now();
        let since = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// Shows what the workflow's caller would get.
struct Printer;

impl Responder for Printer {
    fn respond(&self, response: HttpResponse) -> bool {
        use std::io::Write as _;
        let body = String::from_utf8_lossy(&response.body).into_owned();
        let _ = writeln!(
            std::io::stderr(),
            "answer: {} {:?} {body}",
            response.status,
            response.headers
        );
        true
    }
}
