//! Guests that take more than they may.

use std::time::{Duration, Instant};

use waystation_core::{FailureKind, LogStream, RunLimits, RunRequest, StepRunner as _};

use crate::support::{PRINT, SANDBOX, failure, guest, guest_with, log, request, returned, run};

fn limited(change: impl FnOnce(&mut RunLimits)) -> RunRequest {
    let mut request = request();
    change(&mut request.limits);
    request
}

#[tokio::test]
async fn an_endless_loop_is_stopped_and_others_run_beside_it() {
    let spin = SANDBOX.admit(guest("(loop $on (br $on)) unreachable").into()).await.unwrap();
    let calm = SANDBOX.admit(guest("(call $return {1})").into()).await.unwrap();
    let mut spinning = limited(|limits| limits.cpu_time = Duration::from_millis(300));
    spinning.component = spin.digest;
    // One thread serves both: the loop must give way.
    let spinner = tokio::spawn(SANDBOX.run(spinning));
    tokio::task::yield_now().await;
    let started = Instant::now();
    let report = SANDBOX.run(RunRequest { component: calm.digest, ..request() }).await;
    assert_eq!(returned(&report).0, Some("1"));
    assert!(started.elapsed() < Duration::from_millis(250), "{:?}", started.elapsed());
    let report = spinner.await.unwrap();
    assert_eq!(failure(&report).kind, FailureKind::CpuLimit);
    assert_eq!(failure(&report).message, "the step used more than 300 ms of processor time");
    assert!(report.compute_ms >= 300, "{}", report.compute_ms);
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

#[tokio::test]
async fn random_numbers_come_in_measure() {
    let few = "(call $random (i64.const 65536) (i32.const 8256)) (call $return_nothing)";
    returned(&run(guest(few), request()).await);
    let many = "(call $random (i64.const 1_000_000_000) (i32.const 8256)) (call $return_nothing)";
    assert_eq!(failure(&run(guest(many), request()).await).kind, FailureKind::HostCallLimit);
}

#[tokio::test]
async fn resources_have_an_end() {
    let body = "(loop $on (drop (call $subscribe_duration (i64.const 1))) (br $on)) unreachable";
    let report = run(guest(body), request()).await;
    assert_eq!(failure(&report).kind, FailureKind::HostCallLimit, "{:?}", failure(&report));
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
async fn a_dropped_run_is_gone() {
    let spin = SANDBOX.admit(guest("(loop $on (br $on)) unreachable").into()).await.unwrap();
    let request = RunRequest { component: spin.digest, ..request() };
    let cut = tokio::time::timeout(Duration::from_millis(50), SANDBOX.run(request)).await;
    assert!(cut.is_err());
    returned(&run(guest("(call $return_nothing)"), crate::support::request()).await);
}
