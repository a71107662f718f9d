//! The library as a step's tests see it.

use serde_json::{Value, json};
use waystation_step::flow::{self, OnTimeout, SuspendOptions};
use waystation_step::http_response::{Response, respond};
use waystation_step::send::{Mail, email};
use waystation_step::testing::{Asked, FakeHost, Reply, Sent};
use waystation_step::{Error, context, exports, http};

fn rerun(max_retries: Option<u32>) -> Result<bool, Error> {
    Ok(flow::rerun(1, &json!({"n": 1}), max_retries)?.scheduled)
}

#[test]
fn the_last_flow_call_stands() {
    let outcome = FakeHost::new().call(|| {
        flow::delay(5)?;
        flow::suspend_with(SuspendOptions {
            on_timeout: Some(OnTimeout::Fail),
            message: Some("well?".into()),
            ..SuspendOptions::default()
        })?;
        Ok::<_, Error>(())
    });
    let Some(Asked::Suspend(options)) = outcome.asked else { panic!("{outcome:?}") };
    assert_eq!((options.on_timeout, options.timeout_ms), (Some(OnTimeout::Fail), None));
}

#[test]
fn exit_beats_a_pause_and_withdraw_takes_all_back() {
    let leave = |withdraw: bool| {
        move || {
            flow::exit(Some("enough"));
            flow::delay(5)?;
            if withdraw {
                flow::withdraw();
            }
            Ok::<_, Error>(())
        }
    };
    let exit = Asked::Exit { reason: Some("enough".into()) };
    assert_eq!(FakeHost::new().call(leave(false)).asked, Some(exit));
    assert_eq!(FakeHost::new().call(leave(true)).asked, None);
}

#[test]
fn a_rerun_past_its_limit_is_not_scheduled() {
    let last = FakeHost::new().runs(3).call(|| rerun(Some(3)));
    assert_eq!(last.returned(), true);
    let context = json!({"n": 1});
    assert_eq!(last.asked, Some(Asked::Rerun { delay_ms: 1, context, max_retries: Some(3) }));
    let past = FakeHost::new().runs(11).call(|| rerun(None));
    assert_eq!((past.returned(), past.asked), (json!(false), None));
}

#[test]
fn the_hosts_rules_hold() {
    let failure = |call: fn() -> Result<(), Error>| {
        let failure = FakeHost::new().call(call).result.unwrap_err();
        (failure.name().to_owned(), failure.to_string())
    };
    let (name, words) = failure(|| Ok(flow::delay(31_536_000_001).map(|_| ())?));
    assert_eq!((name.as_str(), words.contains("delay-ms")), ("InvalidArgument", true), "{words}");
    for bad in ["", "1a", "a-b", "ä", "$return_value"] {
        let outcome = FakeHost::new().call(|| Ok::<_, Error>(exports::set(bad, &1)?));
        assert_eq!(outcome.result.unwrap_err().name(), "InvalidName", "{bad}");
    }
    assert_eq!(failure(|| Ok(exports::set("$summary", &1)?)).0, "InvalidJson");
    assert_eq!(failure(|| Ok(respond(Response::new(100, ""))?)).0, "InvalidResponse");
    let twice = || {
        respond(Response::new(200, "a"))?;
        Ok(respond(Response::new(200, "b"))?)
    };
    assert_eq!(failure(twice).0, "NobodyWaits");
}

#[test]
fn a_step_sees_what_the_test_says() {
    let outcome = FakeHost::new()
        .props(json!({"id": 7}))
        .runs(2)
        .attempt(3)
        .test(true)
        .execution(|execution| execution.workflow = "orders".into())
        .context(json!({"n": 1}))
        .callback_request(json!({"body": {"ok": true}, "query": {"a": "b"}}))
        .event(json!("now"))
        .steps(json!({"ask": {"$return_value": 1}}))
        .call(|props: Value| {
            let run = context::run::<Value>()?;
            let execution = context::execution();
            let request = run.callback_request.expect("it was called");
            email(Mail { subject: "s".into(), ..Mail::default() })?;
            Ok::<_, Error>(json!([
                props["id"],
                run.runs,
                run.context,
                request.body["ok"],
                request.method,
                [execution.workflow, execution.idempotency_key],
                [json!(execution.attempt), json!(execution.test)],
                context::event::<Value>()?,
                context::steps::<Value>()?["ask"]["$return_value"],
            ]))
        });
    let seen =
        json!([7, 2, {"n": 1}, true, "POST", ["orders", "test/step/2"], [3, true], "now", 1]);
    assert_eq!(outcome.returned(), seen);
    assert_eq!(outcome.mails.len(), 1);
}

#[test]
fn what_does_not_fit_its_type_is_named() {
    let failure = |host: FakeHost| {
        let handler = || Ok::<_, Error>((context::run::<u8>()?.runs, context::event::<u8>()?));
        host.call(handler).result.unwrap_err().to_string()
    };
    assert!(failure(FakeHost::new().context(json!("x"))).starts_with("the run's context: "));
    assert!(failure(FakeHost::new().event(json!("x"))).starts_with("the event: "));
}

fn server(request: &Sent) -> Reply {
    match request.url() {
        "http://a.example/start" => Reply::new(303).header("Location", "/next"),
        "http://a.example/next" => Reply::new(302).header("location", "https://b.example/end"),
        "http://a.example/circle" => Reply::new(302).header("location", "circle"),
        "https://b.example/end" => Reply::new(200).json(&json!({"end": true})),
        _ => Reply::new(404),
    }
}

#[test]
fn redirects_are_followed_without_credentials_for_others() {
    let outcome = FakeHost::new().http(server).call(|| {
        let request = http::post("http://a.example/start").header("Authorization", "secret");
        let response = request.json(&json!({}))?.send()?;
        Ok::<_, Error>(json!([response.url(), response.json::<Value>()?]))
    });
    assert_eq!(outcome.returned(), json!(["https://b.example/end", {"end": true}]));
    let sent: Vec<_> = outcome
        .requests
        .iter()
        .map(|sent| (sent.method(), sent.bytes().len(), sent.header("authorization")))
        .collect();
    assert_eq!(sent, [("POST", 2, Some("secret")), ("GET", 0, Some("secret")), ("GET", 0, None)]);
}

#[test]
fn a_circle_of_redirects_ends_and_redirects_can_be_seen() {
    let outcome = FakeHost::new().http(server).call(|| {
        let request = http::get("http://a.example/circle").follow_redirects(false);
        let status = request.send()?.status();
        http::get("http://a.example/circle").send()?;
        Ok::<_, Error>(status)
    });
    let failure = outcome.result.unwrap_err();
    assert_eq!(failure.name(), "HttpError");
    assert!(failure.message().contains("redirected more than 10 times"), "{failure}");
    assert_eq!(outcome.requests.len(), 1 + 1 + http::REDIRECTS_MAX);
}

#[test]
fn a_status_that_passes_may_be_tried_again() {
    for (status, retryable) in [(404, false), (408, true), (429, true), (500, true), (503, true)] {
        let outcome = FakeHost::new().http(move |_| Reply::new(status)).call(|| {
            Ok::<_, Error>(http::get("http://a.example/").send()?.error_for_status()?.text())
        });
        let failure = outcome.result.unwrap_err();
        assert_eq!((failure.name(), failure.is_retryable()), ("HttpStatus", retryable), "{status}");
        assert!(failure.stack().unwrap().contains("tests/fake_host.rs:"));
    }
}

#[test]
fn a_call_within_a_call_has_its_own_host() {
    let outcome = FakeHost::new().event(json!(1)).call(|| {
        let inner = FakeHost::new().event(json!(2)).call(context::event::<u32>);
        Ok::<_, Error>((inner.returned(), context::event::<u32>()?))
    });
    assert_eq!(outcome.returned(), json!([2, 1]));
}

#[test]
#[should_panic(expected = "FakeHost::new().call(handler)")]
fn a_step_without_a_host_says_how_it_gets_one() {
    flow::withdraw();
}

#[test]
#[should_panic(expected = "the handler failed with Error: no")]
fn the_value_of_a_failed_handler_is_asked_for_in_vain() {
    FakeHost::new().call(|| Err::<(), _>(Error::new("no"))).returned();
}
