//! How a run can end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use waystation_core::{Digest, FailureKind, Flow, Limits, LogStream, RunRequest, StepRunner as _};
use waystation_sandbox::OutboundPolicy;

use crate::support::{
    One, PRINT, failure, guest, guest_with, json, log, request, returned, run, sandbox_with,
};

#[tokio::test]
async fn props_go_in_and_a_value_comes_out() {
    let component = guest("(call $return (local.get $props) (local.get $props_len))");
    let request = RunRequest { props: json("{\"a\":[1,2]}"), ..request() };
    let report = run(component, request).await;
    assert_eq!(returned(&report), (Some("{\"a\":[1,2]}"), vec![], &Flow::Continue));
}

#[tokio::test]
async fn nothing_may_come_out() {
    let report = run(guest("(call $return_nothing)"), request()).await;
    assert_eq!(returned(&report), (None, vec![], &Flow::Continue));
}

#[tokio::test]
async fn a_failure_is_the_guests_own() {
    let report = run(guest("(call $fail {Sorry})"), request()).await;
    let failure = failure(&report);
    assert_eq!(failure.kind, FailureKind::GuestError);
    assert_eq!((failure.name.as_str(), failure.message.as_str()), ("Sorry", "Sorry"));
    assert_eq!(failure.stack.as_deref(), Some("Sorry"));
    assert!(failure.retryable);
}

#[tokio::test]
async fn a_trap_names_the_guests_functions() {
    let inner = "(func $fall_over (result i32) unreachable)";
    let report = run(guest_with(inner, "(call $fall_over)"), request()).await;
    let failure = failure(&report);
    assert_eq!(failure.kind, FailureKind::GuestTrap);
    assert!(failure.message.contains("unreachable"), "{}", failure.message);
    let stack = failure.stack.as_deref().unwrap();
    assert!(stack.starts_with("at fall_over\nat handler"), "{stack}");
    assert!(!stack.contains("wasmtime"), "{stack}");
    assert!(failure.retryable);
}

#[tokio::test]
async fn what_is_no_json_is_no_output() {
    let report = run(guest("(call $return {nope})"), request()).await;
    assert_eq!(failure(&report).kind, FailureKind::InvalidOutput);
}

#[tokio::test]
async fn output_has_a_largest_size() {
    // A string of 998 letters between its quotation marks.
    let text = "(memory.fill (i32.const 65536) (i32.const 97) (i32.const 1001))
        (i32.store8 (i32.const 65536) (i32.const 34))
        (i32.store8 (i32.const 66535) (i32.const 34))
        (call $return (i32.const 65536) (i32.const 1000))";
    let report = run(guest(text), request()).await;
    assert_eq!(returned(&report).0.map(str::len), Some(1000));
    let large = "(call $return (i32.const 65536) (i32.const 1001))";
    let report = run(guest(large), request()).await;
    let failure = failure(&report);
    assert_eq!(failure.kind, FailureKind::OutputLimit);
    assert_eq!(failure.message, "the return value: 1001 bytes of JSON; at most 1000 are allowed");
}

#[tokio::test]
async fn exit_is_no_way_to_return() {
    let report = run(guest("(call $cli_exit (i32.const 1)) unreachable"), request()).await;
    let failure = failure(&report);
    assert_eq!(failure.kind, FailureKind::GuestExit);
    assert_eq!(failure.message, "the step called exit(1) instead of returning");
}

#[tokio::test]
async fn a_promise_that_never_settles_is_explained() {
    let body = "(call $eprint {event loop error - both task and job queues are empty}) unreachable";
    let report = run(guest_with(PRINT, body), request()).await;
    assert!(failure(&report).message.contains("a promise that never settles"));
    assert_eq!(log(&report, LogStream::Stderr).len(), 1);
}

#[tokio::test]
async fn a_panic_of_the_guests_says_what_it_said() {
    let words = "{thread 'main' panicked at src/lib.rs:4:5:\nno such order\n}";
    let report =
        run(guest_with(PRINT, &format!("(call $eprint {words}) unreachable")), request()).await;
    assert_eq!(failure(&report).message, "the step panicked at src/lib.rs:4:5: no such order");
}

#[tokio::test]
async fn a_component_is_loaded_once_when_it_is_not_at_hand() {
    let component = guest("(call $return {1})");
    let digest = Digest::of(&component);
    let source = Arc::new(One(component, AtomicUsize::new(0)));
    let limits = Limits { runs_max: 2, memory_mib_max: 64, ..Limits::default() };
    let sandbox = sandbox_with(OutboundPolicy::default(), limits, source.clone());
    let run = || sandbox.run(RunRequest { component: digest, ..request() });
    let (one, two, three) = tokio::join!(run(), run(), run());
    for report in [one, two, three] {
        assert_eq!(returned(&report).0, Some("1"));
    }
    assert_eq!(source.1.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_component_that_is_gone_is_a_failure() {
    let request = RunRequest { component: Digest::of(b"gone"), ..request() };
    let report = crate::support::SANDBOX.run(request).await;
    assert_eq!(failure(&report).kind, FailureKind::Component);
}
