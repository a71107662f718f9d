//! Guests that take more than they may.

use std::time::{Duration, Instant};

use waystation_core::{FailureKind, Limits, LogStream, RunLimits, RunRequest, StepRunner as _};
use waystation_sandbox::OutboundPolicy;

use crate::support::{
    Empty, PRINT, SANDBOX, failure, guest, guest_with, log, request, returned, run, run_in,
    sandbox_with,
};

fn limited(change: impl FnOnce(&mut RunLimits)) -> RunRequest {
    let mut request = request();
    change(&mut request.limits);
    request
}

#[tokio::test]
async fn an_endless_loop_is_stopped_and_others_run_beside_it() {
    let spin = SANDBOX.admit(guest("(loop $on (br $on)) unreachable").into()).await.unwrap();
    let calm = SANDBOX.admit(guest("(call $return {1})").into()).await.unwrap();
    let mut spinning = limited(|limits| limits.cpu_time = Duration::from_secs(1));
    spinning.component = spin.digest;
    // One thread serves both: the loop must give way.
    let spinner = tokio::spawn(SANDBOX.run(spinning));
    tokio::task::yield_now().await;
    let report = SANDBOX.run(RunRequest { component: calm.digest, ..request() }).await;
    assert_eq!(returned(&report).0, Some("1"));
    assert!(!spinner.is_finished(), "the loop did not give way");
    let report = spinner.await.unwrap();
    assert_eq!(failure(&report).kind, FailureKind::CpuLimit);
    assert_eq!(failure(&report).message, "the step used more than 1 s of processor time");
    assert!(report.compute_ms >= 1000, "{}", report.compute_ms);
}

#[tokio::test]
async fn an_endless_start_is_stopped() {
    let spin = "(func $spin (loop $on (br $on))) (start $spin)";
    let request = limited(|limits| limits.cpu_time = Duration::from_millis(50));
    let report = run(guest_with(spin, "(call $return_nothing)"), request).await;
    assert_eq!(failure(&report).kind, FailureKind::CpuLimit);
}

#[tokio::test]
async fn a_sleep_past_the_end_is_cut_and_the_log_is_kept() {
    let body = "(call $print {going to sleep})
        (call $block (call $subscribe_duration (i64.const 60_000_000_000)))
        unreachable";
    let request = limited(|limits| limits.wall_time = Duration::from_millis(200));
    let started = Instant::now();
    let report = run(guest_with(PRINT, body), request).await;
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(failure(&report).kind, FailureKind::TimeLimit);
    assert_eq!(failure(&report).message, "the step was still running after 200 ms");
    assert_eq!(log(&report, LogStream::Stdout), ["going to sleep"]);
}

#[tokio::test]
async fn sleep_is_no_work() {
    let body =
        "(call $block (call $subscribe_duration (i64.const 300_000_000))) (call $return_nothing)";
    let request = limited(|limits| limits.cpu_time = Duration::from_millis(200));
    let report = run(guest(body), request).await;
    returned(&report);
    assert!(report.compute_ms >= 300);
}

#[tokio::test]
async fn memory_has_an_end() {
    let body = "(loop $on
            (br_if $on (i32.ge_s (memory.grow (i32.const 16)) (i32.const 0))))
        unreachable";
    let report = run(guest(body), request()).await;
    assert_eq!(failure(&report).kind, FailureKind::MemoryLimit);
    assert_eq!(failure(&report).message, "the step needs more than its 16 MiB of memory");
    assert!(!failure(&report).retryable);
}

#[tokio::test]
async fn many_memories_share_the_one_limit() {
    // Eight memories; the last page that fits is the 255th of all: a small table is there, too.
    let memories: String = (1..8).map(|n| format!("(memory $m{n} 1)")).collect();
    let grow = |last: usize| {
        let grow = (1..8).map(|n| {
            let by = if n == 7 { last } else { 30 };
            format!(
                "(if (i32.lt_s (memory.grow $m{n} (i32.const {by})) (i32.const 0))
                    (then unreachable))"
            )
        });
        grow.collect::<String>() + "(call $return_nothing)"
    };
    // 2 pages of its own, 7 of the others, 6 times 30.
    let left = 255 - 2 - 7 - 180;
    returned(&run(guest_with(&memories, &grow(left)), request()).await);
    let report = run(guest_with(&memories, &grow(left + 1)), request()).await;
    assert_eq!(failure(&report).kind, FailureKind::MemoryLimit);
}

#[tokio::test]
async fn a_refusal_that_the_step_lives_with_is_no_excuse_for_another_fault() {
    let refused = "(drop (memory.grow (i32.const 1000)))";
    for (then, kind) in [
        ("unreachable", FailureKind::MemoryLimit),
        ("(drop (i32.div_u (i32.const 1) (i32.const 0))) unreachable", FailureKind::GuestTrap),
        ("(drop (memory.grow (i32.const 1))) unreachable", FailureKind::GuestTrap),
        (
            "(call $eprint {thread 'main' panicked at a.rs:1:2:\nno\n}) unreachable",
            FailureKind::GuestTrap,
        ),
        ("(call $cli_exit (i32.const 1)) unreachable", FailureKind::MemoryLimit),
        ("(call $cli_exit (i32.const 0)) unreachable", FailureKind::GuestExit),
    ] {
        let report = run(guest_with(PRINT, &format!("{refused} {then}")), request()).await;
        assert_eq!(failure(&report).kind, kind, "{then}: {:?}", failure(&report));
    }
    let fine = format!("{refused} (call $return_nothing)");
    returned(&run(guest_with(PRINT, &fine), request()).await);
}

#[tokio::test]
async fn tables_are_memory_too() {
    let table = "(table $t 1 funcref)";
    let body = "(if (i32.lt_s (table.grow $t (ref.null func) (i32.const 90_000)) (i32.const 0))
            (then unreachable))
        (call $return_nothing)";
    returned(&run(guest_with(table, body), request()).await);
    let request = limited(|limits| limits.memory_bytes_max = 512 << 10);
    assert_eq!(
        failure(&run(guest_with(table, body), request).await).kind,
        FailureKind::MemoryLimit
    );
}

#[tokio::test]
async fn more_memory_than_allowed_from_the_start() {
    let request = limited(|limits| limits.memory_bytes_max = 64 << 10);
    let report = run(guest("(call $return_nothing)"), request).await;
    assert_eq!(failure(&report).kind, FailureKind::MemoryLimit);
}

#[tokio::test]
async fn deep_recursion_ends() {
    let deep = "(func $deep (param i32) (result i32)
        (i32.add (call $deep (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))";
    let report = run(guest_with(deep, "(call $deep (i32.const 0))"), request()).await;
    assert_eq!(failure(&report).kind, FailureKind::StackOverflow);
    let stack = failure(&report).stack.as_deref().unwrap();
    assert!(stack.lines().count() <= 20, "{stack}");
}

/// The message of a run that failed in this way.
async fn failed(body: &str, request: RunRequest, kind: FailureKind) -> String {
    let report = run(guest_with(PRINT, body), request).await;
    assert_eq!(failure(&report).kind, kind, "{:?}", failure(&report));
    assert!(!failure(&report).retryable);
    failure(&report).message.clone()
}

#[tokio::test]
async fn random_numbers_come_in_measure() {
    let random = |bytes: usize| {
        format!("(call $random (i64.const {bytes}) (i32.const 8256)) (call $return_nothing)")
    };
    let limited = || limited(|limits| limits.random_bytes_max = 1000);
    returned(&run(guest(&random(1000)), limited()).await);
    let message = failed(&random(1001), limited(), FailureKind::HostCallLimit).await;
    assert!(message.contains("requested len 1001"), "{message}");
}

#[tokio::test]
async fn resources_have_an_end() {
    let hold = |count: usize| {
        format!(
            "(local $n i32)
            (loop $on
                (drop (call $fields))
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br_if $on (i32.lt_u (local.get $n) (i32.const {count}))))
            (call $return_nothing)"
        )
    };
    let limited = || limited(|limits| limits.resources_max = 20);
    returned(&run(guest(&hold(20)), limited()).await);
    let message = failed(&hold(21), limited(), FailureKind::ResourceLimit).await;
    assert!(message.contains("resource table"), "{message}");
}

#[tokio::test]
async fn handles_have_an_end() {
    let hold = "(loop $on (drop (call $fields)) (br $on)) unreachable";
    let request = limited(|limits| (limits.resources_max, limits.handles_max) = (10_000, 20));
    let message = failed(hold, request, FailureKind::ResourceLimit).await;
    assert!(message.contains("handle limit exceeded"), "{message}");
}

#[tokio::test]
async fn data_in_one_call_has_an_end() {
    let print = |bytes: usize| {
        format!("(call $print (i32.const 16384) (i32.const {bytes})) (call $return_nothing)")
    };
    // Two payloads of 1000 bytes, and 1000 more.
    let limited = || limited(|limits| limits.host_call_bytes_max = 1000);
    returned(&run(guest_with(PRINT, &print(3000)), limited()).await);
    let message = failed(&print(3001), limited(), FailureKind::HostCallLimit).await;
    assert!(message.contains("fuel allocated for hostcalls"), "{message}");
}

#[tokio::test]
async fn header_fields_have_an_end() {
    let append = "(local $fields i32)
        (local.set $fields (call $fields))
        (loop $on
            (call $append (local.get $fields) {x-name} {a value} (i32.const 8256))
            (br $on))
        unreachable";
    let message = failed(append, request(), FailureKind::HostCallLimit).await;
    assert!(message.contains("size of fields exceeds"), "{message}");
}

#[tokio::test]
async fn a_flood_of_output_is_cut_and_the_step_goes_on() {
    let body = "(local $n i32)
        (loop $on
            (call $print {0123456789\n})
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $on (i32.lt_u (local.get $n) (i32.const 500))))
        (call $print (i32.const 16384) (i32.const 4096))
        (call $return_nothing)";
    let report = run(guest_with(PRINT, body), request()).await;
    returned(&report);
    assert_eq!(log(&report, LogStream::Stdout).len(), 90);
    assert_eq!(log(&report, LogStream::Host), ["the log is cut here: at most 1000 bytes are kept"]);
}

#[tokio::test]
async fn the_stack_is_as_deep_as_it_is_set() {
    let deep = "(func $deep (param i32) (result i32)
        (if (result i32) (local.get 0)
            (then (i32.add (call $deep (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
            (else (i32.const 0))))";
    // A level takes at least 16 bytes, so 64 KiB hold fewer than 4096 of them, and 16 MiB more.
    let body = "(drop (call $deep (i32.const 5000))) (call $return_nothing)";
    for (stack_kib, deep_enough) in [(64, false), (16 << 10, true)] {
        let limits = Limits { stack_kib, runs_max: 1, memory_mib_max: 16, ..Limits::default() };
        let source = std::sync::Arc::new(Empty);
        let sandbox = sandbox_with(OutboundPolicy::default(), limits, source);
        let report = run_in(&sandbox, guest_with(deep, body), request()).await;
        if deep_enough {
            returned(&report);
        } else {
            assert_eq!(failure(&report).kind, FailureKind::StackOverflow);
        }
    }
}

#[tokio::test]
async fn a_dropped_run_is_gone() {
    let spin = SANDBOX.admit(guest("(loop $on (br $on)) unreachable").into()).await.unwrap();
    let request = RunRequest { component: spin.digest, ..request() };
    let cut = tokio::time::timeout(Duration::from_millis(50), SANDBOX.run(request)).await;
    assert!(cut.is_err());
    returned(&run(guest("(call $return_nothing)"), crate::support::request()).await);
}
