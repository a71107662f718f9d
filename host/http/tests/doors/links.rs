//! Links and the pages that people see.

use serde_json::json;
use waystation_http::GetLink;

use crate::support::{Door, HTML, link};

#[tokio::test]
async fn a_resume_link_acts_once() {
    let door = Door::open(GetLink::Act).await;
    let execution = door.paused().await;
    let resume = link(&execution, "resume_url");

    for (method, headers, status) in [
        ("HEAD", &[][..], 200),
        ("OPTIONS", &[], 204),
        ("GET", &[("sec-purpose", "prefetch")], 204),
        ("POST", &[("purpose", "preview")], 204),
    ] {
        let answer = door.call(method, &resume, headers, "").await;
        assert_eq!(answer.status, status, "{method}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let json = [("content-type", "application/json")];
    door.call("POST", &resume, &json, "{").await.problem(400, "malformed_json");
    let large = "x".repeat(3_000);
    door.call("POST", &resume, &[], &large).await.problem(413, "body_too_large");
    assert_eq!(door.status(&execution).await, "suspended");

    let answer = door.call("PUT", &resume, &json, "{\"ok\": true}").await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!((&body["outcome"], &body["already"]), (&json!("resumed"), &json!(false)));
    assert_eq!(body["execution"], execution["id"]);
    let again = door.call("GET", &resume, &[], "").await;
    assert_eq!((again.status.as_u16(), &again.json()["already"]), (200, &json!(true)));
    let cancel = link(&execution, "cancel_url");
    let problem = door.call("GET", &cancel, &[], "").await.problem(409, "pause_over");
    assert_eq!(problem["ending"], "resumed");
    let done = door.done(&execution).await;
    assert_eq!(done["status"], "completed");
    assert_eq!(done["steps"]["a"]["exports"]["$resume_data"]["body"], json!({"ok": true}));
    for (name, value) in [
        ("referrer-policy", "no-referrer"),
        ("x-robots-tag", "noindex"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(again.header(name), value);
    }
}

#[tokio::test]
async fn links_that_are_not_genuine_are_all_alike() {
    let door = Door::open(GetLink::Act).await;
    let execution = door.paused().await;
    let resume = link(&execution, "resume_url");
    let token = resume.strip_prefix("/resume/").unwrap();
    let mut texts = Vec::new();
    for path in [
        "/resume/x".to_owned(),
        format!("/resume/{}", &token[1..]),
        format!("/cancel/{token}"),
        format!("/approve/{token}"),
        "/resume/%ff".to_owned(),
    ] {
        let method = if path.starts_with("/approve") { "POST" } else { "GET" };
        let mut body = door.call(method, &path, &[], "").await.problem(404, "not_found");
        body["request_id"].take();
        body["instance"].take();
        texts.push(body.to_string());
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert_eq!(door.status(&execution).await, "suspended");
    let page = door.call("GET", "/approve/x", &[HTML], "").await;
    assert_eq!(page.status, 404);
    assert!(
        page.text.contains("leads nowhere") && page.header("content-type").starts_with("text/html")
    );
}

#[tokio::test]
async fn the_approval_page_asks_and_its_buttons_act() {
    let door = Door::open(GetLink::Act).await;
    let execution = door.paused().await;
    let approve = link(&execution, "approval_url");
    let page = door.call("GET", &approve, &[HTML], "").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("&lt;b&gt;Now?&lt;/b&gt;"), "{}", page.text);
    assert!(!page.text.contains("<script"));
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("form-action 'self'"));
    assert_eq!(door.status(&execution).await, "suspended");

    let form = [("content-type", "application/x-www-form-urlencoded"), HTML];
    assert_eq!(door.call("POST", &approve, &form, "action=maybe").await.status, 400);
    door.call("DELETE", &approve, &[], "").await.problem(405, "method_not_allowed");
    let done = door.call("POST", &approve, &form, "action=resume&comment=fine").await;
    assert_eq!(done.status, 200);
    assert!(done.text.contains("Resumed"));
    let execution = door.done(&execution).await;
    assert_eq!(
        execution["steps"]["a"]["exports"]["$resume_data"]["body"],
        json!({"comment": "fine"})
    );
    let page = door.call("GET", &approve, &[HTML], "").await;
    assert!(page.status == 200 && !page.text.contains("<button"), "{}", page.text);
    let refused = door.call("POST", &approve, &form, "action=cancel").await;
    assert_eq!(refused.status, 409);
    assert!(refused.header("content-type").starts_with("text/html"));
}

#[tokio::test]
async fn with_confirm_each_method_that_means_it_acts_and_without_any_does() {
    for (get_link, methods) in [
        (GetLink::Confirm, &["POST", "PUT", "PATCH", "DELETE"][..]),
        (GetLink::Act, &["GET", "POST", "PUT", "PATCH", "DELETE", "FOO"]),
    ] {
        for method in methods {
            let door = Door::open(get_link).await;
            let execution = door.paused().await;
            let answer = door.call(method, &link(&execution, "resume_url"), &[], "").await;
            assert_eq!(
                (answer.status.as_u16(), &answer.json()["outcome"]),
                (200, &json!("resumed"))
            );
        }
    }
}

/// What a browser that is logged in elsewhere at this origin sends, or a proxy.
const CREDENTIALS: [(&str, &str); 3] = [
    ("cookie", "session=of-a-person"),
    ("authorization", "Basic of-a-person"),
    ("proxy-authorization", "Basic of-a-person"),
];

#[tokio::test]
async fn the_credentials_of_who_calls_a_link_are_not_the_steps_business() {
    let form = ("content-type", "application/x-www-form-urlencoded");
    let kept = ("x-kept", "yes");
    let [cookie, authorization, proxy] = CREDENTIALS;
    let headers = [cookie, authorization, proxy, form, kept];
    for (name, body) in [("resume_url", "a=b"), ("approval_url", "action=resume&a=b")] {
        let door = Door::open(GetLink::Act).await;
        let execution = door.paused().await;
        assert_eq!(door.call("POST", &link(&execution, name), &headers, body).await.status, 200);
        let done = door.done(&execution).await;
        let data = &done["steps"]["a"]["exports"]["$resume_data"];
        assert_eq!(
            (&data["headers"]["x-kept"], &data["body"]),
            (&json!("yes"), &json!({"a": "b"}))
        );
        assert!(!done.to_string().contains("of-a-person"), "{name}: {done}");
    }
}

#[tokio::test]
async fn a_hook_hands_on_how_its_caller_authenticates_and_no_cookies() {
    let door = Door::open(GetLink::Act).await;
    door.deploy(json!({}), json!({"http": {}})).await;
    let answer = door.call("POST", "/hooks/w", &CREDENTIALS, "").await;
    let headers = door.done(&answer.json()).await["event"]["headers"].clone();
    assert_eq!(headers, json!({"authorization": "Basic of-a-person", "host": "w.example"}));
}

#[tokio::test]
async fn a_get_may_have_to_be_confirmed() {
    let door = Door::open(GetLink::Confirm).await;
    let execution = door.paused().await;
    let cancel = link(&execution, "cancel_url");
    let page = door.call("GET", &cancel, &[HTML], "").await;
    assert!(page.text.contains("value=\"cancel\"") && !page.text.contains("value=\"resume\""));
    for method in ["FOO", "PROPFIND", "TRACE", "get"] {
        let refused = door.call(method, &cancel, &[], "").await;
        refused.problem(405, "method_not_allowed");
        assert_eq!(refused.header("allow"), "GET, HEAD, POST, PUT, PATCH, DELETE", "{method}");
        let page = door.call(method, &cancel, &[HTML], "").await;
        assert_eq!(page.status, 405, "{method}");
        assert!(page.header("content-type").starts_with("text/html"), "{method}");
    }
    assert_eq!(door.status(&execution).await, "suspended");
    let answer = door.call("POST", &cancel, &[], "").await;
    assert_eq!(answer.json()["outcome"], "canceled");
    assert_eq!(door.status(&execution).await, "canceled");
    let resume = link(&execution, "resume_url");
    assert!(matches!(door.call("POST", &resume, &[], "").await.status.as_u16(), 409 | 410));
}
