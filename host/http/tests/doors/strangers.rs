//! How often, from where and under which name one may call, and what is said to browsers.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;
use waystation_http::{GetLink, HttpSettings};

use crate::support::{Door, HTML, Obedient, link};

#[tokio::test]
async fn one_address_may_call_only_so_often() {
    let door = Door::open(GetLink::Act).await;
    door.deploy(json!({}), json!({"http": {}})).await;
    let (here, there) = ("192.0.2.1", "192.0.2.2");
    for _ in 0..3 {
        assert_eq!(door.call_from(here, "POST", "/hooks/w", &[]).await.status, 202);
    }
    let refused = door.call_from(here, "POST", "/hooks/w/below", &[]).await;
    assert_eq!(refused.problem(429, "rate_limited")["retry_after_s"], 20);
    assert_eq!(refused.header("retry-after"), "20");
    assert_eq!(door.call_from(there, "POST", "/hooks/w", &[]).await.status, 202);

    // Links are counted apart, all kinds of them together, and people are told on a page.
    door.call_from(here, "GET", "/resume/x", &[]).await.problem(404, "not_found");
    door.call_from(here, "GET", "/cancel/x", &[]).await.problem(404, "not_found");
    let page = door.call_from(here, "GET", "/approve/x", &[HTML]).await;
    assert_eq!((page.status.as_u16(), page.header("retry-after")), (429, "30"));
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.header("content-security-policy").contains("style-src"));
    door.clock.advance_millis(30_000);
    door.call_from(here, "GET", "/resume/x", &[]).await.problem(404, "not_found");
    assert_eq!(door.call_from(here, "POST", "/hooks/w", &[]).await.status, 202);
}

#[tokio::test]
async fn a_trusted_proxy_says_who_it_was_and_nobody_else_does() {
    let trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    let settings = HttpSettings { trusted_proxies, ..HttpSettings::default() };
    let door = Door::open_with(settings).await;
    door.deploy(json!({}), json!({"http": {}})).await;
    let forwarded = [("x-forwarded-for", "1.1.1.1, 198.51.100.9")];
    for (peer, client) in [("10.0.0.1", "198.51.100.9"), ("192.0.2.1", "192.0.2.1")] {
        let answer = door.call_from(peer, "POST", "/hooks/w", &forwarded).await;
        assert_eq!(door.done(&answer.json()).await["event"]["client_ip"], client);
    }
    // And it is that address whose triggers are counted.
    for _ in 0..2 {
        assert_eq!(door.call_from("10.0.0.1", "POST", "/hooks/w", &forwarded).await.status, 202);
    }
    let refused = door.call_from("10.0.0.2", "POST", "/hooks/w", &forwarded).await;
    refused.problem(429, "rate_limited");
    assert_eq!(door.call_from("10.0.0.2", "POST", "/hooks/w", &[]).await.status, 202);
}

#[tokio::test]
async fn a_request_names_one_host_and_nothing_is_made_from_it() {
    let door = Door::open(GetLink::Act).await;
    door.deploy(json!({}), json!({"http": {}})).await;
    let evil = [("host", "evil.example"), ("x-forwarded-host", "evil.example")];
    let answer = door.call("POST", "/hooks/w", &evil, "").await;
    assert!(answer.header("location").starts_with("http://w.example/"));
    let event = door.done(&answer.json()).await["event"].clone();
    assert_eq!(event["url"], "http://w.example/hooks/w");
    let twice = [("host", "w.example"), ("host", "w.example")];
    let problem = door.call("GET", "/healthz", &twice, "").await.problem(400, "invalid_header");
    assert_eq!(problem["header"], "Host");
    let none = Request::get("/healthz").body(Body::empty()).unwrap();
    door.send(none).await.problem(400, "invalid_header");
    let exact = format!("/healthz?{}", "x".repeat(1_000 - "/healthz?".len()));
    assert_eq!(door.call("GET", &exact, &[], "").await.status, 200);
    let long = door.call("GET", &format!("{exact}x"), &[], "").await;
    assert_eq!(long.problem(414, "url_too_long")["bytes_max"], 1_000);
}

#[tokio::test]
async fn a_local_server_is_not_called_under_a_foreign_name() {
    let host_names = Some(vec!["w.example".to_owned()]);
    let door = Door::open_with(HttpSettings { host_names, ..HttpSettings::default() }).await;
    let call = async |host: &str, path: &str| {
        let headers = [("host", host), ("authorization", "Bearer secret")];
        door.call("GET", path, &headers, "").await
    };
    let execution = door.paused().await;
    let resume = link(&execution, "resume_url");
    for host in ["w.example", "localhost:8787", "127.0.0.1:8787", "[::1]:8787"] {
        assert_eq!(call(host, "/api/v1/workflows").await.status, 200, "{host}");
        assert_eq!(call(host, "/metrics").await.status, 200, "{host}");
        call(host, "/hooks/w").await.problem(404, "no_http_trigger");
    }
    let resume = resume.as_str();
    for host in ["rebound.example", "rebound.example:8787", "192.0.2.1"] {
        for path in [
            "/api/v1/workflows",
            "/hooks/w",
            "/hooks/w/x",
            resume,
            "/approve/x",
            "/cancel/x",
            "/metrics",
            "/nothing",
        ] {
            call(host, path).await.problem(421, "misdirected_request");
        }
        for path in ["/healthz", "/readyz"] {
            assert_eq!(call(host, path).await.status, 200, "{host}");
        }
    }
    assert_eq!(door.status(&execution).await, "suspended");
    assert_eq!(call("w.example", resume).await.status, 200);
}

#[tokio::test]
async fn answers_say_what_browsers_may_do_with_them() {
    let door = Door::open(GetLink::Act).await;
    let execution = door.paused().await;
    let approve = link(&execution, "approval_url");
    let nothing = "default-src 'none'; frame-ancestors 'none'";
    for path in ["/healthz", "/metrics", "/nothing", "/api/v1/workflows", "/hooks/x"] {
        let answer = door.call("GET", path, &[], "").await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("content-security-policy"), nothing, "{path}");
    }
    for (path, accept) in [(approve.as_str(), HTML), ("/approve/x", HTML), ("/resume/x", HTML)] {
        let page = door.call("GET", path, &[accept], "").await;
        let policy = page.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "style-src 'sha256-",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(page.header(name), value, "{path}");
        }
        assert!(page.header("permissions-policy").contains("camera=()"));
        let foreign = page.headers.keys().find(|name| name.as_str().starts_with("access-control"));
        assert_eq!(foreign, None);
    }
    // What a step answers is no page of ours.
    door.deploy(json!({"do": "respond"}), json!({"http": {"respond": "step"}})).await;
    let answer = door.call("GET", "/hooks/w", &[], "").await;
    assert_eq!(answer.header("content-type"), "text/html");
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("sandbox ") && !policy.contains("same-origin"), "{policy}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("set-cookie"), "");
}

#[tokio::test]
async fn a_handler_that_panics_tells_the_caller_nothing() {
    let door = Door::open_over(Obedient { breaks_down: true }, HttpSettings::default()).await;
    let answer = door.api("GET", "/check", "").await;
    answer.problem(500, "internal");
    assert!(!answer.text.contains("nobody's business"), "{}", answer.text);
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(door.api("GET", "/workflows", "").await.status, 200);
}
