//! Guests from core WebAssembly text, and a sandbox to run them in.

pub(crate) mod calls;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use waystation_core::{
    Allow, BoundedJson, Clock, Digest, ExecutionContext, ExecutionId, Failure, Flow, Limits, Links,
    LogStream, ManualClock, OnTimeout, RunContext, RunLimits, RunOutcome, RunReport, RunRequest,
    StepLimits, StepRunner, Timestamp,
};
use waystation_sandbox::{
    AdmitError, ComponentSource, InProcess, InvalidComponent, OutboundPolicy, Sandbox,
    SandboxConfig,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const STEP_WIT: &str = include_str!("../../../../../wit/step.wit");
const WASI_WIT: &str = include_str!("wasi.wit");

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
    let config = SandboxConfig { compiled, outbound, limits };
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp::from_millis(1_000)));
    Arc::new(Sandbox::new(config, source, Arc::new(compiler), clock).unwrap())
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

/// A component of the world `guest` whose handler has this body.
///
/// In scope: `$props` and `$props_len`; functions `$print`, `$eprint` (a string to the log),
/// `$return` (a string), `$return_nothing`, `$fail` (a message); every function of the host's,
/// named as in `PRELUDE`; a string of yours as `{text}`, which becomes its address and length.
pub(crate) fn guest(body: &str) -> Vec<u8> {
    guest_with("", body)
}

/// The same with more items in the module.
pub(crate) fn guest_with(items: &str, body: &str) -> Vec<u8> {
    let mut data = String::new();
    let mut address = 64;
    let mut place = |wat: &str| {
        let mut placed = String::new();
        let mut rest = wat;
        while let Some((before, after)) = rest.split_once('{') {
            let (text, after) = after.split_once('}').unwrap();
            let escaped: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
            data.push_str(&format!("(data (i32.const {address}) \"{escaped}\")\n"));
            placed.push_str(before);
            placed.push_str(&format!("(i32.const {address}) (i32.const {})", text.len()));
            address += text.len();
            rest = after;
        }
        placed + rest
    };
    let body = place(body);
    let items = place(items);
    assert!(address < 8192);
    // Only what is called is imported: a component should not ask for more.
    let wat = format!(
        "(module {PRELUDE} {data} {items} (func $handler (export \"handler\") (param $props i32) (param $props_len i32) (result i32) {body}))"
    );
    component(&without_unused_imports(&wat), "guest")
}

/// A component of `world` from a core module.
pub(crate) fn component(wat: &str, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    resolve.push_str("step.wit", STEP_WIT).unwrap();
    let package = resolve.push_str("wasi.wit", WASI_WIT).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut module = wat::parse_str(wat).unwrap_or_else(|error| panic!("{error}\n{wat}"));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default()
        .module(&module)
        .unwrap()
        .encode()
        .unwrap_or_else(|e| panic!("{e:#}"))
}

fn without_unused_imports(wat: &str) -> String {
    let uses = |name: &str| {
        let with_end = |end: char| wat.matches(&format!("{name}{end}")).count();
        with_end(' ') + with_end(')') + with_end('\n')
    };
    let keep = |line: &&str| match line.trim().strip_prefix("(import") {
        Some(import) => {
            let name = import.split("(func ").nth(1).unwrap().split([' ', ')']).next().unwrap();
            uses(name) > 1
        }
        None => true,
    };
    wat.lines().filter(keep).collect::<Vec<_>>().join("\n")
}

const PRELUDE: &str = r#"
    (import "waystation:step/flow@0.1.0" "suspend" (func $suspend (param i32 i64 i32)))
    (import "waystation:step/flow@0.1.0" "suspend-with" (func $suspend_with (param i32 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "waystation:step/flow@0.1.0" "rerun" (func $rerun (param i64 i32 i32 i32 i32 i32 i32)))
    (import "waystation:step/flow@0.1.0" "delay" (func $delay (param i64 i32)))
    (import "waystation:step/flow@0.1.0" "withdraw" (func $withdraw))
    (import "waystation:step/flow@0.1.0" "exit" (func $exit (param i32 i32 i32)))
    (import "waystation:step/context@0.1.0" "get-event" (func $get_event (param i32)))
    (import "waystation:step/context@0.1.0" "get-steps" (func $get_steps (param i32)))
    (import "waystation:step/context@0.1.0" "get-run" (func $get_run (param i32)))
    (import "waystation:step/context@0.1.0" "get-execution" (func $get_execution (param i32)))
    (import "waystation:step/exports@0.1.0" "set" (func $export (param i32 i32 i32 i32 i32)))
    (import "waystation:step/http-response@0.1.0" "respond" (func $respond (param i32 i32 i32 i32 i32 i32)))
    (import "waystation:step/send@0.1.0" "email" (func $email (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "wasi:cli/stdout@0.2.0" "get-stdout" (func $get_stdout (result i32)))
    (import "wasi:cli/stderr@0.2.0" "get-stderr" (func $get_stderr (result i32)))
    (import "wasi:cli/exit@0.2.0" "exit" (func $cli_exit (param i32)))
    (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush" (func $write (param i32 i32 i32 i32)))
    (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
    (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $subscribe_duration (param i64) (result i32)))
    (import "wasi:random/random@0.2.0" "get-random-bytes" (func $random (param i64 i32)))
    (import "wasi:http/types@0.2.0" "[constructor]fields" (func $fields (result i32)))
    (import "wasi:http/types@0.2.0" "[method]fields.append" (func $append (param i32 i32 i32 i32 i32 i32)))
    (import "wasi:http/types@0.2.0" "[method]outgoing-request.set-method" (func $set_method (param i32 i32 i32 i32) (result i32)))
    (import "wasi:http/types@0.2.0" "[resource-drop]incoming-response" (func $drop_response (param i32)))
    (import "wasi:http/types@0.2.0" "[constructor]outgoing-request" (func $request (param i32) (result i32)))
    (import "wasi:http/types@0.2.0" "[method]outgoing-request.set-scheme" (func $set_scheme (param i32 i32 i32 i32 i32) (result i32)))
    (import "wasi:http/types@0.2.0" "[method]outgoing-request.set-authority" (func $set_authority (param i32 i32 i32 i32) (result i32)))
    (import "wasi:http/types@0.2.0" "[method]outgoing-request.set-path-with-query" (func $set_path (param i32 i32 i32 i32) (result i32)))
    (import "wasi:http/types@0.2.0" "[constructor]request-options" (func $options (result i32)))
    (import "wasi:http/types@0.2.0" "[method]request-options.set-first-byte-timeout" (func $set_first_byte (param i32 i32 i64) (result i32)))
    (import "wasi:http/outgoing-handler@0.2.0" "handle" (func $handle (param i32 i32 i32 i32)))
    (import "wasi:http/types@0.2.0" "[method]future-incoming-response.subscribe" (func $subscribe (param i32) (result i32)))
    (import "wasi:http/types@0.2.0" "[method]future-incoming-response.get" (func $get (param i32 i32)))
    (import "wasi:http/types@0.2.0" "[method]incoming-response.status" (func $status (param i32) (result i32)))
    (memory (export "memory") 2)
    (global $heap (mut i32) (i32.const 16384))
    (func $alloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
        (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
        (global.set $heap (i32.add (local.get $at) (local.get 3)))
        (block $room
            (br_if $room (i32.le_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
            (br_if $room (i32.ge_s (memory.grow (i32.add (i32.div_u (local.get 3) (i32.const 65536)) (i32.const 1))) (i32.const 0)))
            unreachable)
        (local.get $at))
    (func $return (param $text i32) (param $len i32) (result i32)
        (i32.store8 (i32.const 8192) (i32.const 0))
        (i32.store8 (i32.const 8196) (i32.const 1))
        (i32.store (i32.const 8200) (local.get $text))
        (i32.store (i32.const 8204) (local.get $len))
        (i32.const 8192))
    (func $return_nothing (result i32)
        (i32.store8 (i32.const 8192) (i32.const 0))
        (i32.store8 (i32.const 8196) (i32.const 0))
        (i32.const 8192))
    (func $fail (param $text i32) (param $len i32) (result i32)
        (i32.store8 (i32.const 8192) (i32.const 1))
        (i32.store (i32.const 8196) (local.get $text))
        (i32.store (i32.const 8200) (local.get $len))
        (i32.store (i32.const 8204) (local.get $text))
        (i32.store (i32.const 8208) (local.get $len))
        (i32.store8 (i32.const 8212) (i32.const 1))
        (i32.store (i32.const 8216) (local.get $text))
        (i32.store (i32.const 8220) (local.get $len))
        (i32.store8 (i32.const 8224) (i32.const 1))
        (i32.const 8192))
"#;

/// `$print` for a guest that wants it.
pub(crate) const PRINT: &str = r#"
    (func $print (param $text i32) (param $len i32)
        (call $write (call $get_stdout) (local.get $text) (local.get $len) (i32.const 8256)))
    (func $eprint (param $text i32) (param $len i32)
        (call $write (call $get_stderr) (local.get $text) (local.get $len) (i32.const 8256)))
"#;

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
