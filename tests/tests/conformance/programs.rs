//! The programs, in the order of the table: what each is given, and what has to come of it.

use std::fs;

use serde_json::{Value, json};
use waystation_tests::{Recorder, Reply, http, wait};

use crate::case::{Case, export, next_step_ran, returned};

type Program = fn(&Case<'_>, &str);

pub(crate) const ALL: [(&str, Program); 20] = [
    ("suspend", suspend),
    ("timeout", timeout),
    ("approval", approval),
    ("rerun", rerun),
    ("callback", callback),
    ("max_retries", max_retries),
    ("withdraw", withdraw),
    ("exit", exit),
    ("delay", delay),
    ("export", exports),
    ("invalid_argument", invalid_argument),
    ("respond", respond),
    ("mail", mail),
    ("error", error),
    ("echo", echo),
    ("log", log),
    ("get", get),
    ("post", post),
    ("denied", denied),
    ("view", view),
];

const DAY_MS: i64 = 24 * 3600 * 1000;

fn suspend(case: &Case<'_>, program: &str) {
    let (id, waiting) = case.paused(program, json!({}));
    assert_eq!((&waiting["kind"], &waiting["on_timeout"]), (&json!("suspend"), &json!("resume")));
    assert_eq!(pause_ms(&waiting), DAY_MS);
    let resume = waiting["resume_url"].as_str().unwrap();
    http::post(resume, &json!({"approved": true})).expect(200);
    let execution = case.client.completed(&id);
    let links = returned(&execution);
    for url in ["resume_url", "cancel_url", "approval_url"] {
        assert_eq!(links[url], waiting[url], "{links}");
    }
    assert_eq!((&links["scheduled"], links.as_object().unwrap().len()), (&json!(true), 4));
    assert_eq!(export(&execution, "$resume_data")["body"], json!({"approved": true}));
    assert!(next_step_ran(&execution));
}

fn timeout(case: &Case<'_>, program: &str) {
    let (_, waiting) = case.paused(program, json!({"ms": 604_800_000}));
    assert_eq!(pause_ms(&waiting), 7 * DAY_MS);
    let execution = case.client.completed(&case.start(program, json!({"ms": 50})));
    assert_eq!(export(&execution, "$resume")["reason"], "timeout");
    assert_eq!(returned(&execution), "suspended");
    assert!(next_step_ran(&execution));
}

fn approval(case: &Case<'_>, program: &str) {
    let schema = json!({"type": "object", "required": ["approved"]});
    let props = json!({"message": "Ship it? ✓", "schema": schema});
    let (id, waiting) = case.paused(program, props);
    assert_eq!(
        (&waiting["message"], &waiting["on_timeout"], pause_ms(&waiting)),
        (&json!("Ship it? ✓"), &json!("cancel"), 60_000)
    );
    let resume = waiting["resume_url"].as_str().unwrap();
    let refused = http::post(resume, &json!({"maybe": 1}));
    assert_eq!(refused.status, 422, "{}", refused.text());
    http::post(resume, &json!({"approved": true})).expect(200);
    assert_eq!(returned(&case.client.completed(&id)), "asked");
}

fn rerun(case: &Case<'_>, program: &str) {
    let returned = case.result(program, json!({"ms": 1}));
    let context = json!({"n": 2, "text": "zwölf Boxkämpfer 🥊"});
    assert_eq!(returned, json!({"runs": 3, "context": context}));
}

fn callback(case: &Case<'_>, program: &str) {
    let (id, waiting) = case.paused(program, json!({}));
    assert_eq!((&waiting["kind"], pause_ms(&waiting)), (&json!("rerun"), DAY_MS));
    let url = format!("{}?job=7", waiting["resume_url"].as_str().unwrap());
    http::post(&url, &json!({"state": "fertig ✓"})).expect(200);
    let returned = returned(&case.client.completed(&id));
    assert_eq!(returned["runs"], 2);
    let request = &returned["callback"];
    assert_eq!((&request["method"], &request["query"]), (&json!("POST"), &json!({"job": "7"})));
    assert_eq!(request["body"], json!({"state": "fertig ✓"}));
    assert_eq!(request["headers"]["content-type"], "application/json");
    // When the delay is over there is no callback: the operator's resume is none either.
    let id = case.start(program, json!({}));
    case.client.paused(&id);
    let answer = case.client.post(&format!("/api/v1/executions/{id}/resume"), &Value::Null);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(case.client.completed(&id)["steps"]["step"]["runs"], 2);
}

fn max_retries(case: &Case<'_>, program: &str) {
    assert_eq!(case.result(program, json!({})), json!({"runs": 3, "scheduled": false}));
}

fn withdraw(case: &Case<'_>, program: &str) {
    assert_eq!(case.result(program, json!({})), "went on");
}

fn exit(case: &Case<'_>, program: &str) {
    let execution = case.client.completed(&case.start(program, json!({"reason": "enough ✓"})));
    assert_eq!(execution["exit_reason"], "enough ✓");
    assert_eq!(returned(&execution), "done");
    assert!(!next_step_ran(&execution));
}

fn delay(case: &Case<'_>, program: &str) {
    let (id, waiting) = case.paused(program, json!({"ms": 3_600_000}));
    assert_eq!((&waiting["kind"], pause_ms(&waiting)), (&json!("delay"), 3_600_000));
    http::get(waiting["resume_url"].as_str().unwrap()).expect(200);
    assert!(next_step_ran(&case.client.completed(&id)));
    assert_eq!(case.result(program, json!({"ms": 1})), "delayed");
}

fn exports(case: &Case<'_>, program: &str) {
    let execution = case.client.completed(&case.start(program, json!({})));
    assert_eq!(export(&execution, "answer"), json!({"n": 42}));
    assert_eq!(export(&execution, "$summary"), "answered");
    assert_eq!(export(&execution, "$resume_data"), Value::Null);
    assert_refused(&returned(&execution), "$resume_data");
}

fn invalid_argument(case: &Case<'_>, program: &str) {
    assert_refused(&case.result(program, json!({})), "delay");
}

fn respond(case: &Case<'_>, program: &str) {
    let name = case.workflow(program);
    case.client.deploy(&json!({
        "name": name,
        "trigger": {"http": {"respond": "step"}},
        "steps": [case.step(program, json!({}))],
    }));
    let body = json!({"n": 7, "text": "schön"});
    let url = format!("{}/hooks/{name}", case.client.url);
    let answer = http::post(&url, &body).expect(201);
    assert_eq!(answer.header("x-answered-by"), "conformance");
    assert!(answer.header("content-type").starts_with("application/json"), "{answer:?}");
    assert_eq!(answer.json(), json!({"got": body}));
}

fn mail(case: &Case<'_>, program: &str) {
    let props = json!({"to": "ada@example.org", "subject": "Good news", "text": "It works.\nBye."});
    assert_eq!(case.result(program, props), "sent");
    let mail = wait::until("the mail in the outbox", || {
        let files = fs::read_dir(case.server.data().join("outbox")).ok()?.flatten();
        let done = files.filter(|file| file.path().extension().is_some_and(|end| end == "eml"));
        done.filter_map(|file| fs::read_to_string(file.path()).ok()).next()
    });
    for part in ["To: ada@example.org", "Subject: Good news", "It works.", "Bye."] {
        assert!(mail.contains(part), "no {part:?} in {mail}");
    }
}

fn error(case: &Case<'_>, program: &str) {
    for (retryable, attempts) in [(true, 2), (false, 1)] {
        let mut step =
            case.step(program, json!({"message": "none left ✗", "retryable": retryable}));
        step["retry"] = json!({"attempts": 2, "backoff_ms": 1});
        let name = case.workflow(program);
        case.client.deploy(&json!({"name": name, "steps": [step]}));
        let id = case.client.trigger(&name, &Value::Null);
        let error = case.client.failed(&id);
        assert_eq!(
            (&error["kind"], &error["name"], &error["message"]),
            (&json!("guest_error"), &json!("OutOfStock"), &json!("none left ✗")),
            "{error:#}"
        );
        assert_eq!(case.client.execution(&id)["steps"]["step"]["attempt"], attempts);
        if let Some(ending) = traced(case.language) {
            let stack = error["stack"].as_str().unwrap_or_default();
            let frame = stack.lines().any(|line| line.contains("reserve") && line.contains(ending));
            assert!(frame, "no frame of reserve in a {ending} file in {stack}");
        }
    }
}

/// The ending of source files in the language's stack traces, where it has any.
fn traced(language: &str) -> Option<&'static str> {
    match language {
        "python" => Some(".py"),
        "javascript" => Some(".mjs:"),
        "typescript" => Some(".ts:"),
        _ => None,
    }
}

fn echo(case: &Case<'_>, program: &str) {
    let deep = (0..100).fold(json!("deep"), |inner, _| json!([inner]));
    let many: Vec<_> = (0..2_000).map(|n| json!({"id": n, "half": f64::from(n) + 0.5})).collect();
    let value = json!({
        "text": "plain \"quoted\" back\\slash /slash \u{0} \u{1f} \u{7f} \u{2028} ünï 漢字 🥊 é עברית",
        "keys": {"": 1, "ü \" \\ \n": 2, "__proto__": 3, "constructor": 4},
        "numbers": [0, -1, 1.5, -2.25e-7, 1.7e300, 9_007_199_254_740_991_i64, -9_007_199_254_740_991_i64],
        "empty": [[], {}, "", null, true, false],
        "deep": deep,
        "many": many,
        "long": "0123456789abcdef✓".repeat(10_000),
    });
    assert!(value.to_string().len() > 200_000);
    let name = case.workflow(program);
    let step = case.step(program, json!({"value": "{{ event }}"}));
    case.client.deploy(&json!({"name": name, "steps": [step]}));
    let execution = case.client.completed(&case.client.trigger(&name, &value));
    let echoed = &returned(&execution)["value"];
    for (field, value) in value.as_object().unwrap() {
        assert_eq!(&echoed[field], value, "{field}");
    }
}

fn log(case: &Case<'_>, program: &str) {
    let id = case.start(program, json!({"text": "zwölf ✓"}));
    assert_eq!(returned(&case.client.completed(&id)), "logged");
    let log = case.client.log(&id);
    for line in ["out: zwölf ✓", "err: zwölf ✓"] {
        assert!(log.lines().any(|logged| logged == line), "no line {line:?} in {log}");
    }
}

fn get(case: &Case<'_>, program: &str) {
    for status in [200, 404] {
        let body = json!({"text": "schön", "list": [1, null]});
        let reply = body.clone();
        let service = Recorder::answering(move |_, _| Reply { status, body: reply.clone() });
        let url = format!("{}/jobs/7?verbose=1", service.url);
        let returned = case.result(program, json!({"url": url}));
        assert_eq!((&returned["status"], &returned["body"]), (&json!(status), &body));
        let kind = returned["type"].as_str().unwrap_or_default();
        assert!(kind.starts_with("application/json"), "{returned}");
        let requests = service.requests();
        assert_eq!(requests.len(), 1);
        let asked = (requests[0].method.as_str(), requests[0].path.as_str());
        assert_eq!(asked, ("GET", "/jobs/7?verbose=1"));
        assert_eq!(requests[0].header("x-conformance"), Some("yes"));
    }
}

fn post(case: &Case<'_>, program: &str) {
    let service = Recorder::answering(|_, request| Reply {
        status: 201,
        body: json!({"received": request.body}),
    });
    let value = json!({"n": 1, "text": "schön ✓", "long": "x".repeat(100_000)});
    let props = json!({"url": format!("{}/orders", service.url), "value": value});
    let returned = case.result(program, props);
    assert_eq!(returned, json!({"status": 201, "body": {"received": value}}));
    let requests = service.requests();
    assert_eq!((requests.len(), requests[0].method.as_str()), (1, "POST"));
    let kind = requests[0].header("content-type").unwrap_or_default();
    assert!(kind.starts_with("application/json"), "{kind}");
}

fn denied(case: &Case<'_>, program: &str) {
    let id = case.start(program, json!({"url": "http://denied.example/secret"}));
    let returned = returned(&case.client.completed(&id));
    assert!(!returned["refused"].as_str().unwrap_or_default().is_empty(), "{returned}");
    let log = case.client.log(&id);
    assert!(log.contains("denied.example"), "the log does not say why: {log}");
}

fn view(case: &Case<'_>, program: &str) {
    case.client.push("tests/toolbox");
    let name = case.workflow(program);
    let first = json!({"do": [{"return": {"n": 1, "text": "früher"}}]});
    let props = json!({"of": "{{ event.who }}", "fixed": [1, {"two": null}]});
    case.client.deploy(&json!({"name": name, "steps": [
        {"name": "first", "component": "toolbox", "props": first},
        case.step(program, props),
    ]}));
    let event = json!({"who": "Ada ✓", "n": 2});
    let id = case.client.trigger(&name, &event);
    let returned = returned(&case.client.completed(&id));
    let props = json!({"program": program, "of": "Ada ✓", "fixed": [1, {"two": null}]});
    assert_eq!(returned["props"], props);
    assert_eq!(returned["event"], event);
    assert_eq!(returned["before"], json!({"n": 1, "text": "früher"}));
    let execution =
        json!({"workflow": name, "step": "step", "attempt": 1, "test": false, "runs": 1});
    assert_eq!(returned["execution"], execution);
    let tested = case.client.post(&format!("/api/v1/workflows/{name}/test"), &event);
    let tested = tested.expect(200).json();
    assert_eq!(returned_in_test(&tested)["execution"]["test"], true, "{tested:#}");
}

fn returned_in_test(answer: &Value) -> &Value {
    &answer["steps"]["step"]["exports"]["$return_value"]
}

/// How long a pause lasts at most.
fn pause_ms(waiting: &Value) -> i64 {
    let at = |field: &str| waiting[field].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    at("deadline").as_millisecond() - at("since").as_millisecond()
}

/// The error that the program caught says what is wrong.
fn assert_refused(returned: &Value, what: &str) {
    let words = returned["refused"].as_str().unwrap_or_default();
    assert!(words.contains(what), "{what:?} is not named in {returned}");
}
