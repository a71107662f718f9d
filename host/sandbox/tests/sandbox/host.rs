//! What a guest asks of its host.

use std::sync::Arc;
use std::sync::Mutex;

use waystation_core::{
    Flow, HttpResponse, LogStream, OnTimeout, Responder, RunContext, RunReport, RunRequest,
};

use crate::support::{PRINT, failure, guest, guest_with, log, request, returned, run};

/// Prints what stands at the given address: an error's text, after a call.
const SHOW: &str = "(func $show
    (if (i32.load8_u (i32.const 8256)) (then
        (call $print (i32.load (i32.const 8264)) (i32.load (i32.const 8268)))
        (call $print {\n}))))";

async fn asks(body: &str, request: RunRequest) -> RunReport {
    run(guest(&format!("{body} (call $return_nothing)")), request).await
}

async fn complains(body: &str, request: RunRequest) -> (RunReport, Vec<String>) {
    let component =
        guest_with(&format!("{PRINT} {SHOW}"), &format!("{body} (call $return_nothing)"));
    let report = run(component, request).await;
    returned(&report);
    let said = log(&report, LogStream::Stdout).into_iter().map(str::to_owned).collect();
    (report, said)
}

const SUSPEND: &str = "(call $suspend (i32.const 0) (i64.const 0) (i32.const 8256))";
const DELAY: &str = "(call $delay (i64.const 5) (i32.const 8256))";
const RERUN: &str =
    "(call $rerun (i64.const 7) (i32.const 1) {[1]} (i32.const 1) (i32.const 3) (i32.const 8256))";
const EXIT: &str = "(call $exit (i32.const 1) {done\nhere})";

#[tokio::test]
async fn suspend_has_defaults() {
    let report = asks(SUSPEND, request()).await;
    let suspended = Flow::Suspend {
        timeout_ms: 86_400_000,
        on_timeout: OnTimeout::Cancel,
        message: None,
        resume_schema: None,
    };
    assert_eq!(returned(&report).2, &suspended);
}

#[tokio::test]
async fn suspend_takes_wishes() {
    let body = "(call $suspend_with (i32.const 1) (i64.const 9) (i32.const 1) (i32.const 2)
        (i32.const 1) {Ship it?} (i32.const 1) {true} (i32.const 8256))";
    let report = asks(body, request()).await;
    let Flow::Suspend { timeout_ms, on_timeout, message, resume_schema } = returned(&report).2
    else {
        panic!()
    };
    assert_eq!(
        (*timeout_ms, *on_timeout, message.as_deref()),
        (9, OnTimeout::Fail, Some("Ship it?"))
    );
    assert_eq!(resume_schema.as_ref().unwrap().json().unwrap().as_str(), "true");
}

#[tokio::test]
async fn the_last_pause_stands() {
    let report = asks(&format!("{SUSPEND} {RERUN} {DELAY}"), request()).await;
    assert_eq!(returned(&report).2, &Flow::Delay { delay_ms: 5 });
    let report = asks(&format!("{DELAY} {RERUN}"), request()).await;
    let Flow::Rerun { delay_ms: 7, context: Some(context), max_retries: 3 } = returned(&report).2
    else {
        panic!()
    };
    assert_eq!(context.json().unwrap().as_str(), "[1]");
}

#[tokio::test]
async fn exit_beats_a_pause_whichever_comes_first() {
    for body in [format!("{EXIT} {SUSPEND}"), format!("{SUSPEND} {EXIT}")] {
        let report = asks(&body, request()).await;
        assert_eq!(returned(&report).2, &Flow::Exit { reason: Some("done here".into()) });
    }
}

#[tokio::test]
async fn withdraw_takes_everything_back() {
    let report = asks(&format!("{EXIT} {SUSPEND} (call $withdraw)"), request()).await;
    assert_eq!(returned(&report).2, &Flow::Continue);
    let report = asks(&format!("{EXIT} (call $withdraw) {DELAY}"), request()).await;
    assert_eq!(returned(&report).2, &Flow::Delay { delay_ms: 5 });
}

#[tokio::test]
async fn links_come_back_at_once() {
    let body = format!(
        "{SUSPEND} (call $print (i32.load (i32.const 8260)) (i32.load (i32.const 8264)))
        (call $print {{ }}) (call $print (i32.load (i32.const 8276)) (i32.load (i32.const 8280)))
        (call $return_nothing)"
    );
    // The result stands where `$print` puts its own.
    let body = body
        .replace("(i32.const 8256))", "(i32.const 8300))")
        .replace("8260", "8304")
        .replace("8264", "8308")
        .replace("8276", "8320")
        .replace("8280", "8324");
    let report = run(guest_with(PRINT, &body.replace("{{ }}", "{ }")), request()).await;
    returned(&report);
    assert_eq!(log(&report, LogStream::Stdout), ["http://h/resume/t http://h/approve/t"]);
}

#[tokio::test]
async fn a_rerun_past_its_number_is_not_scheduled() {
    for (runs, max_retries, scheduled) in [(1, 0, false), (1, 1, true), (3, 3, true), (4, 3, false)]
    {
        let body = format!(
            "(call $rerun (i64.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1)
                (i32.const {max_retries}) (i32.const 8256))
            (if (i32.load8_u (i32.const 8284)) (then (return (call $return {{true}}))))
            (call $return {{false}})"
        );
        let run_context = RunContext { runs, context: None, callback_request: None };
        let report = run(guest(&body), RunRequest { run: run_context, ..request() }).await;
        let (result, _, flow) = returned(&report);
        assert_eq!(result, Some(if scheduled { "true" } else { "false" }), "{runs} {max_retries}");
        assert!(matches!(flow, Flow::Rerun { .. }));
    }
}

#[tokio::test]
async fn a_bad_argument_is_told_and_asks_for_nothing() {
    let body = "(call $delay (i64.const 0) (i32.const 8256)) (call $show)
        (call $suspend (i32.const 1) (i64.const 31_536_000_001) (i32.const 8256)) (call $show)
        (call $rerun (i64.const 1) (i32.const 1) {nope} (i32.const 0) (i32.const 0) (i32.const 8256))
        (call $show)
        (call $suspend_with (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0)
            (i32.const 1) {a\tb} (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 8256))
        (call $show)
        (call $suspend_with (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1) {[]} (i32.const 8256))
        (call $show)";
    let body = body.replace("a\\tb", "a\tb");
    let (report, said) = complains(&body, request()).await;
    assert_eq!(returned(&report).2, &Flow::Continue);
    assert_eq!(said[0], "delay-ms: 0 ms; 1 to 31536000000 (365 days) are allowed");
    let starts = [
        "delay-ms: 0",
        "timeout-ms: 31536000001 ms;",
        "context: not JSON",
        "message: more",
        "resume-schema: not",
    ];
    for start in starts {
        assert!(said.iter().any(|line| line.starts_with(start)), "{start}: {said:?}");
    }
}

#[tokio::test]
async fn exports_have_names_and_a_number() {
    let set = |name: &str, value: &str| {
        format!("(call $export {{{name}}} {{{value}}} (i32.const 8256)) (call $show)")
    };
    let body = [
        set("a", "1"),
        set("a", "2"),
        set("b", "[3]"),
        set("c", "4"),
        set("$summary", "\"done\""),
        set("$return_value", "1"),
        set("b", "nope"),
        set("$summary", "5"),
        set("", "1"),
    ];
    let (report, said) = complains(&body.concat(), request()).await;
    assert_eq!(returned(&report).1, [("$summary", "\"done\""), ("a", "2"), ("b", "[3]")]);
    let starts =
        ["c: one export too many", "\"$return_value\": names", "b: not JSON", "$summary:", "\"\":"];
    assert_eq!(said.len(), starts.len(), "{said:?}");
    for (line, start) in said.iter().zip(starts) {
        assert!(line.starts_with(start), "{line}");
    }
}

#[tokio::test]
async fn a_guest_sees_its_event() {
    let body = "(call $get_event (i32.const 8256))
        (call $return (i32.load (i32.const 8256)) (i32.load (i32.const 8260)))";
    let report = run(guest(body), request()).await;
    assert_eq!(returned(&report).0, Some("{\"order\":7}"));
}

const MAIL: &str = "(call $email (i32.const 0) (i32.const 0) {Hi} (i32.const 1) {text}
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 8256)) (call $show)";

#[tokio::test]
async fn mail_needs_leave_and_an_address() {
    let (_, said) = complains(MAIL, request()).await;
    assert!(said[0].contains("add `email: true` to its `allow`"), "{said:?}");
    let mut allowed = request();
    allowed.allow.email = true;
    let (_, said) = complains(MAIL, allowed).await;
    assert!(said[0].contains("`owner` under `[email]`"), "{said:?}");
}

#[tokio::test]
async fn mails_are_kept_up_to_a_number_also_when_the_run_fails() {
    let mut request = request();
    request.allow.email = true;
    request.mail_owner = true;
    let component = guest_with(
        &format!("{PRINT} {SHOW}"),
        &format!("{MAIL} {MAIL} {MAIL} (call $fail {{no}})"),
    );
    let report = run(component, request).await;
    failure(&report);
    assert_eq!(report.mails.len(), 2);
    assert_eq!(report.mails[0].subject, "Hi");
    assert_eq!(log(&report, LogStream::Stdout), ["one mail too many; at most 2 a run are allowed"]);
}

#[derive(Clone, Default)]
struct Caller(Arc<Mutex<Vec<HttpResponse>>>);

impl Responder for Caller {
    fn respond(&self, response: HttpResponse) -> bool {
        let mut answers = self.0.lock().unwrap();
        answers.push(response);
        answers.len() == 1
    }
}

#[tokio::test]
async fn the_caller_is_answered_once() {
    let answer = |status: u16| {
        format!(
            "(call $respond (i32.const {status}) (i32.const 0) (i32.const 0) {{body}} (i32.const 8256)) (call $show)"
        )
    };
    let (_, said) = complains(&answer(201), request()).await;
    assert!(said[0].starts_with("no HTTP caller waits"), "{said:?}");

    let caller = Caller::default();
    let request = RunRequest { responder: Some(Box::new(caller.clone())), ..request() };
    let (_, said) = complains(&[answer(100), answer(201), answer(202)].concat(), request).await;
    assert_eq!(said[0], "status: 100; 200 to 599 are allowed");
    assert_eq!(said[1], "the HTTP caller was answered already, or has left");
    let answers = caller.0.lock().unwrap();
    assert_eq!((answers[0].status, answers[0].body.as_slice()), (201, &b"body"[..]));
}

#[tokio::test]
async fn a_failed_run_asks_for_nothing() {
    let report = run(guest(&format!("{SUSPEND} (call $fail {{no}})")), request()).await;
    failure(&report);
}
