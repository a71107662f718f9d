//! The links of a pause: who may act, when, and how often.
#![expect(clippy::unwrap_used, reason = "a helper that finds nothing there has failed")]

use std::thread;

use serde_json::{Value, json};
use waystation_tests::{Answer, Client, Gate, Recorder, Server, ServerOptions, http, toolbox};

/// An execution that is suspended, and its links.
fn suspended(client: &Client, options: &Value) -> (String, Links) {
    toolbox::deploy_and_next(client, "pause", &json!([{"suspend": options}]));
    let id = client.trigger("pause", &Value::Null);
    let links = Links::of(&client.paused(&id)["waiting"]);
    (id, links)
}

struct Links {
    resume: String,
    cancel: String,
    approval: String,
}

impl Links {
    fn of(links: &Value) -> Links {
        let link = |name: &str| links[name].as_str().unwrap().to_owned();
        Links {
            resume: link("resume_url"),
            cancel: link("cancel_url"),
            approval: link("approval_url"),
        }
    }
}

/// A running execution whose step has sent its links and stands before a gate.
fn running(client: &Client, gate: &Gate, then: &Value) -> (String, Links) {
    let recorder = Recorder::start();
    let post = json!({"post_links": recorder.url});
    toolbox::deploy_and_next(client, "early", &json!([{"suspend": {}}, post, gate.action(), then]));
    let id = client.trigger("early", &Value::Null);
    (id, Links::of(&recorder.links(1)))
}

#[test]
fn a_resume_that_comes_before_the_step_has_ended_waits_for_the_pause() {
    let (server, gate) = (Server::start(), Gate::closed());
    let (id, links) = running(server.client(), &gate, &json!({"return": 1}));
    let answer = http::post(&links.resume, &json!({"n": 1})).expect(202).json();
    assert_eq!((&answer["outcome"], &answer["already"]), (&json!("accepted"), &json!(false)));
    let again = http::post(&links.resume, &json!({"n": 2})).expect(200).json();
    assert_eq!((&again["outcome"], &again["already"]), (&json!("accepted"), &json!(true)));
    assert_eq!(http::get(&links.cancel).expect(409).json()["code"], "other_link_called");
    assert_eq!(server.client().execution(&id)["status"], "running");
    gate.open();
    let execution = server.client().completed(&id);
    assert_eq!(execution["steps"]["step"]["exports"]["$resume_data"]["body"], json!({"n": 1}));
    assert_eq!(execution["steps"]["next"]["runs"], 1);
}

#[test]
fn a_cancel_that_comes_before_the_step_has_ended_cancels_when_the_pause_begins() {
    let (server, gate) = (Server::start(), Gate::closed());
    let (id, links) = running(server.client(), &gate, &json!({"return": 1}));
    assert_eq!(http::get(&links.cancel).expect(202).json()["outcome"], "accepted");
    gate.open();
    let execution = server.client().ended(&id);
    assert_eq!(execution["status"], "canceled");
    assert_eq!(execution["steps"]["step"]["exports"]["$return_value"], 1);
    assert_eq!(execution["steps"]["next"]["runs"], 0);
}

#[test]
fn an_early_call_of_a_pause_that_was_withdrawn_has_no_effect() {
    let (server, gate) = (Server::start(), Gate::closed());
    let (id, links) = running(server.client(), &gate, &json!("withdraw"));
    http::get(&links.cancel).expect(202);
    gate.open();
    let execution = server.client().completed(&id);
    assert_eq!(execution["steps"]["next"]["runs"], 1);
    let notes = server.client().history(&id);
    assert!(format!("{notes:?}").contains("dropped_early_call"), "{notes:#?}");
}

#[test]
fn the_link_of_a_withdrawn_pause_says_so_while_the_workflow_goes_on() {
    let (server, recorder) = (Server::start(), Recorder::start());
    let client = server.client();
    client.push("tests/toolbox");
    let first = json!({"do": [{"suspend": {}}, {"post_links": recorder.url}, "withdraw"]});
    client.deploy(&json!({"name": "withdraw", "steps": [
        {"name": "first", "component": "toolbox", "props": first, "allow": {"http": ["http://127.0.0.1:*"]}},
        {"name": "second", "component": "toolbox", "props": {"do": [{"suspend": {}}]}},
    ]}));
    let id = client.trigger("withdraw", &Value::Null);
    let waiting = client.paused(&id)["waiting"].clone();
    assert_eq!(waiting["step"], "second");
    let links = Links::of(&recorder.links(1));
    for link in [&links.resume, &links.cancel] {
        assert_eq!(http::get(link).expect(409).json()["code"], "never_paused");
    }
    assert_eq!(client.execution(&id)["waiting"], waiting);
}

#[test]
fn of_200_requests_at_the_same_time_exactly_one_resumes() {
    let server = Server::start();
    let (id, links) = suspended(server.client(), &json!({}));
    let answers: Vec<Answer> = thread::scope(|scope| {
        let resume = &links.resume;
        let calls: Vec<_> =
            (0..200).map(|n| scope.spawn(move || http::post(resume, &json!({"n": n})))).collect();
        calls.into_iter().map(|call| call.join().unwrap().expect(200)).collect()
    });
    let first: Vec<_> = answers.iter().filter(|answer| answer.json()["already"] == false).collect();
    assert_eq!(first.len(), 1);
    assert!(answers.iter().all(|answer| answer.json()["outcome"] == "resumed"));
    let execution = server.client().completed(&id);
    assert_eq!(execution["steps"]["next"]["runs"], 1);
    let events = server.client().events(&id);
    assert_eq!(events.iter().filter(|&event| event == "resume").count(), 1, "{events:?}");
}

#[test]
fn of_resume_and_cancel_at_the_same_time_exactly_one_wins() {
    let server = Server::start();
    for _ in 0..10 {
        let (id, links) = suspended(server.client(), &json!({}));
        let (resume, cancel) = thread::scope(|scope| {
            let resume = scope.spawn(|| http::get(&links.resume));
            let cancel = scope.spawn(|| http::get(&links.cancel));
            (resume.join().unwrap(), cancel.join().unwrap())
        });
        let execution = server.client().ended(&id);
        let resumed = execution["status"] == "completed";
        assert_eq!((resume.status == 200, cancel.status == 200), (resumed, !resumed));
        let (loser, ending) = if resumed { (cancel, "resumed") } else { (resume, "canceled") };
        let problem = loser.expect(409).json();
        assert_eq!((&problem["code"], &problem["ending"]), (&json!("pause_over"), &json!(ending)));
        assert!(problem["at"].is_string());
    }
}

#[test]
fn the_same_request_again_changes_nothing_and_is_told_so() {
    let server = Server::start();
    let (id, links) = suspended(server.client(), &json!({}));
    let first = http::post(&links.resume, &json!(1)).expect(200).json();
    server.client().completed(&id);
    let again = http::post(&links.resume, &json!(2)).expect(200).json();
    assert_eq!((&again["already"], &again["at"]), (&json!(true), &first["at"]));
    let execution = server.client().execution(&id);
    assert_eq!(execution["steps"]["step"]["exports"]["$resume_data"]["body"], 1);
    let other = http::get(&links.cancel).expect(409).json();
    assert_eq!((&other["ending"], &other["at"]), (&json!("resumed"), &first["at"]));
}

#[test]
fn links_of_an_execution_that_the_operator_ended_answer_410() {
    let (server, gate) = (Server::start(), Gate::closed());
    let (id, links) = running(server.client(), &gate, &json!({"return": 1}));
    let canceled = server.client().post(&format!("/api/v1/executions/{id}/cancel"), &Value::Null);
    assert_eq!(canceled.expect(200).json()["outcome"], "canceled");
    server.client().ended(&id);
    let gone = http::get(&links.resume).expect(410).json();
    assert_eq!(
        (&gone["code"], &gone["execution_status"]),
        (&json!("execution_ended"), &json!("canceled"))
    );
}

#[test]
fn whoever_only_looks_does_not_act() {
    let server = Server::start();
    let (id, links) = suspended(server.client(), &json!({}));
    for link in [&links.resume, &links.cancel, &links.approval] {
        for method in ["HEAD", "OPTIONS"] {
            let answer = http::request(method, link).send();
            assert!(matches!(answer.status, 200 | 204), "{method}: {}", answer.status);
        }
        for (name, value) in [
            ("sec-purpose", "prefetch"),
            ("sec-purpose", "prefetch;prerender"),
            ("purpose", "prefetch"),
            ("purpose", "preview"),
            ("x-moz", "prefetch"),
        ] {
            assert!(http::request("GET", link).header(name, value).send().status < 300);
        }
    }
    http::get(&links.approval).expect(200);
    let execution = server.client().execution(&id);
    assert_eq!(execution["status"], "suspended");
    assert_eq!(server.client().events(&id), ["trigger", "start", "finish"]);
}

#[test]
fn with_get_confirm_a_get_shows_a_page_and_a_post_acts() {
    let server = ServerOptions::new().env("WAYSTATION_LINKS_GET", "confirm").start();
    let (id, links) = suspended(server.client(), &json!({"message": "Ship order 7?"}));
    let page = http::get(&links.resume).expect(200);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(
        page.text().contains("Ship order 7?") && page.text().contains("<form"),
        "{}",
        page.text()
    );
    http::get(&links.cancel).expect(200);
    let unknown = http::request("FOO", &links.resume).send().expect(405);
    assert_eq!(unknown.header("allow"), "GET, HEAD, POST, PUT, PATCH, DELETE");
    assert_eq!(server.client().execution(&id)["status"], "suspended");
    assert_eq!(http::post(&links.resume, &json!(1)).expect(200).json()["outcome"], "resumed");
    server.client().completed(&id);
}

#[test]
fn a_bad_a_cut_and_a_foreign_token_look_the_same() {
    let (server, other) = (Server::start(), Server::start());
    let (_, links) = suspended(server.client(), &json!({}));
    let (_, foreign) = suspended(other.client(), &json!({}));
    let token = |link: &str| link.rsplit('/').next().unwrap().to_owned();
    let good = token(&links.resume);
    let flipped = {
        let (head, last) = good.split_at(good.len() - 2);
        format!("{head}{}", if last.starts_with('A') { "BA" } else { "AA" })
    };
    let tokens = [
        good[..good.len() - 4].to_owned(),
        flipped,
        token(&foreign.resume),
        token(&links.cancel),
        "x".into(),
        "A".repeat(10_000),
    ];
    let bodies = tokens.map(|token| {
        let mut body =
            http::get(&format!("{}/resume/{token}", server.client().url)).expect(404).json();
        for own in ["request_id", "instance"] {
            assert!(body.as_object_mut().unwrap().remove(own).is_some());
        }
        body
    });
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:#?}");
    let on_the_wrong_path = format!("{}/cancel/{good}", server.client().url);
    http::get(&on_the_wrong_path).expect(404);
    http::get(&links.resume).expect(200);
}

#[test]
fn a_body_that_is_too_large_leaves_the_execution_paused() {
    let server = Server::start();
    let (id, links) = suspended(server.client(), &json!({}));
    let answer =
        http::request("POST", &links.resume).body("text/plain", vec![b'x'; 512 * 1024 + 1]).send();
    assert_eq!(answer.expect(413).json()["code"], "body_too_large");
    assert_eq!(server.client().execution(&id)["status"], "suspended");
    http::request("POST", &links.resume)
        .body("text/plain", vec![b'x'; 400 * 1024])
        .send()
        .expect(200);
    server.client().completed(&id);
}

#[test]
fn a_body_that_the_steps_schema_refuses_leaves_the_execution_paused() {
    let server = Server::start();
    let schema = json!({"type": "object", "required": ["approved"]});
    let (id, links) = suspended(server.client(), &json!({"resume_schema": schema}));
    assert_eq!(http::post(&links.resume, &json!({})).expect(422).json()["code"], "schema_mismatch");
    assert_eq!(server.client().execution(&id)["status"], "suspended");
    http::post(&links.resume, &json!({"approved": false})).expect(200);
    server.client().completed(&id);
}

#[test]
fn answers_on_links_are_kept_by_nobody() {
    let server = Server::start();
    let (_, links) = suspended(server.client(), &json!({}));
    let bad = format!("{}/resume/x", server.client().url);
    for answer in [
        http::get(&bad),
        http::get(&links.approval),
        http::get(&links.resume),
        http::get(&links.cancel),
    ] {
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("x-robots-tag"), "noindex");
        assert!(answer.header("content-security-policy").contains("default-src 'none'"));
    }
}

#[test]
fn the_button_of_the_approval_page_acts_and_its_fields_are_the_data() {
    let server = Server::start();
    let (id, links) = suspended(server.client(), &json!({"message": "Ship <it>?"}));
    let page = http::get(&links.approval).expect(200);
    assert!(page.text().contains("Ship &lt;it&gt;?"), "{}", page.text());
    let nothing = http::request("POST", &links.approval)
        .body("application/x-www-form-urlencoded", "a=b")
        .send();
    nothing.expect(400);
    assert_eq!(server.client().execution(&id)["status"], "suspended");
    let pressed = http::request("POST", &links.approval)
        .body("application/x-www-form-urlencoded", "action=resume&comment=fine")
        .send();
    pressed.expect(200);
    let execution = server.client().completed(&id);
    let data = &execution["steps"]["step"]["exports"]["$resume_data"];
    assert_eq!(data["body"], json!({"comment": "fine"}));
}

#[test]
fn what_a_person_is_logged_in_with_reaches_neither_step_nor_store() {
    let server = Server::start();
    let (id, links) = suspended(server.client(), &json!({}));
    let pressed = http::request("POST", &links.approval)
        .header("cookie", "session=of-a-person")
        .header("authorization", "Basic of-a-person")
        .header("proxy-authorization", "Basic of-a-person")
        .header("x-kept", "yes")
        .body("application/x-www-form-urlencoded", "action=resume");
    pressed.send().expect(200);
    let execution = server.client().completed(&id);
    let data = &execution["steps"]["step"]["exports"]["$resume_data"];
    assert_eq!(data["headers"]["x-kept"], "yes");
    let history = server.client().get(&format!("/api/v1/executions/{id}/history")).text();
    for kept in [execution.to_string(), history, server.log()] {
        assert!(!kept.contains("of-a-person"), "{kept}");
    }
}

#[test]
fn the_page_shows_what_a_message_hides() {
    let server = Server::start();
    let message = "Pay \u{202e}001\u{2069} to A\u{200b}lice";
    let (_, links) = suspended(server.client(), &json!({"message": message}));
    let page = http::get(&links.approval).expect(200).text();
    assert!(page.contains("<bdi>Pay \u{fffd}001\u{fffd} to A\u{fffd}lice</bdi>"), "{page}");
}

#[test]
fn the_link_of_an_old_run_does_not_touch_the_pause_of_a_later_one() {
    let server = Server::start();
    let client = server.client();
    client.push("tests/toolbox");
    let props =
        json!({"do": [{"rerun": {"delay_ms": 86_400_000}}], "later": [{"suspend": {}}, "context"]});
    client.deploy_step_and_next("old", "toolbox", &props);
    let id = client.trigger("old", &Value::Null);
    let old = Links::of(&client.paused(&id)["waiting"]);
    http::post(&old.resume, &json!("first")).expect(200);
    let waiting = client.when(&id, "suspended in its second run", |execution| {
        execution["waiting"]["kind"] == "suspend"
    });
    assert_eq!(http::post(&old.resume, &json!("second")).expect(200).json()["already"], true);
    http::get(&old.cancel).expect(409);
    assert_eq!(client.execution(&id)["waiting"], waiting["waiting"]);
    http::get(waiting["waiting"]["resume_url"].as_str().unwrap()).expect(200);
    let returned = client.completed(&id)["steps"]["step"]["exports"]["$return_value"].clone();
    assert_eq!(returned["callback_request"]["body"], "first");
}

#[test]
fn nobody_answers_in_time_and_on_timeout_says_what_happens() {
    let server = Server::start();
    for (on_timeout, status) in
        [("resume", "completed"), ("cancel", "canceled"), ("fail", "failed")]
    {
        let options = json!({"timeout_ms": 300, "on_timeout": on_timeout});
        let (id, links) = suspended(server.client(), &options);
        let execution = server.client().ended(&id);
        assert_eq!(execution["status"], status);
        if status == "failed" {
            assert_eq!(execution["error"]["kind"], "pause_timeout");
        }
        let late = http::get(&links.resume).expect(409).json();
        assert_eq!(late["ending"], "timed_out");
    }
}

#[test]
fn the_operator_resumes_and_cancels_without_a_link() {
    let server = Server::start();
    let client = server.client();
    let (id, links) = suspended(client, &json!({}));
    let answer = client.post(&format!("/api/v1/executions/{id}/resume"), &json!({"by": "me"}));
    assert_eq!(answer.expect(200).json()["outcome"], "resumed");
    let execution = client.completed(&id);
    let exports = &execution["steps"]["step"]["exports"];
    assert_eq!(
        (&exports["$resume"]["reason"], &exports["$resume_data"]["body"]["by"]),
        (&json!("operator"), &json!("me"))
    );
    assert_eq!(http::get(&links.resume).expect(200).json()["already"], true);

    let (id, _) = suspended(client, &json!({}));
    client.post(&format!("/api/v1/executions/{id}/cancel"), &Value::Null).expect(200);
    assert_eq!(client.execution(&id)["status"], "canceled");
}

#[test]
fn a_link_that_a_step_logs_or_exports_is_shown_to_who_may_act_and_to_nobody_else() {
    let server = Server::start();
    let client = server.client();
    let (_, links) = suspended(client, &json!({}));
    let all = format!("{} {}\n{}", links.resume, links.cancel, links.approval);
    let actions = json!([
        {"log": &all}, {"export": ["shown", &all]},
        {"fail": {"message": &all, "permanent": true}},
    ]);
    let id = toolbox::trigger(client, &actions);
    client.failed(&id);
    let tokens: Vec<&str> =
        all.split_whitespace().filter_map(|link| link.rsplit('/').next()).collect();
    assert_eq!(tokens.len(), 3);

    let made = |scope: &str| {
        let wish = json!({"name": "a", "scopes": [scope]});
        let made = client.post("/api/v1/tokens", &wish).expect(201).json();
        made["token"].as_str().unwrap().to_owned()
    };
    let (read, deploy, operate) = (made("read"), made("deploy"), made("operate"));
    for part in ["", "/logs"] {
        let url = format!("{}/api/v1/executions/{id}{part}", client.url);
        let with = |token: &str| {
            let bearer = format!("Bearer {token}");
            http::request("GET", &url).header("authorization", &bearer).send().expect(200).json()
        };
        let shown = with(&operate).to_string();
        assert!(tokens.iter().all(|token| shown.contains(token)), "{shown}");
        for token in [&read, &deploy] {
            let shown = with(token).to_string();
            assert!(!tokens.iter().any(|token| shown.contains(token)), "{shown}");
            assert!(shown.contains("/approve/hidden"), "{shown}");
        }
    }

    let hook = http::post(&format!("{}/hooks/toolbox?wait=30", client.url), &Value::Null);
    let execution = hook.expect(200).text();
    assert!(execution.contains("/resume/hidden"), "{execution}");
    assert!(!tokens.iter().any(|token| execution.contains(token)), "{execution}");
}
