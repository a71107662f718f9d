//! Calls out: where they may go, how long they may take, how much they may bring, and what is
//! said of those that come to nothing.
#![expect(clippy::unwrap_used, reason = "a helper that finds nothing there has failed")]

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use waystation_tests::{Arrivals, Client, Server, ServerOptions, read_head, run_id, toolbox, wait};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

/// Runs a step that makes these calls under these rules: what came of each, and the run's log.
fn calls(client: &Client, allow: &[&str], calls: &Value) -> (Vec<Value>, String) {
    let fields = json!({"props": {"do": [{"calls": calls}]}, "allow": {"http": allow}});
    let id = toolbox::trigger_step(client, fields);
    let execution = client.completed(&id);
    let found = &execution["steps"]["step"]["exports"]["$return_value"];
    (found.as_array().unwrap().clone(), client.log(&run_id(&execution)))
}

/// The outcome of one call, and the run's log.
fn call(client: &Client, allow: &str, url: &str) -> (Value, String) {
    let (found, log) = calls(client, &[allow], &json!([{"url": url}]));
    (found[0].clone(), log)
}

#[test]
fn no_url_leads_to_loopback() {
    let closed = Arrivals::answering("127.0.0.1", OK);
    let port = closed.address.port();
    // The one open door: it sends everybody on to the closed one.
    let location = format!("http://127.0.0.1:{port}/from-a-redirect");
    let door = Arrivals::answering(
        "127.0.0.2",
        format!("HTTP/1.1 307 Go on\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"),
    );
    let urls: Vec<String> = [
        "http://127.0.0.1:PORT/",
        "http://2130706433:PORT/",
        "http://0177.0.0.1:PORT/",
        "http://0x7f000001:PORT/",
        "http://0x7f.1:PORT/",
        "http://127.1:PORT/",
        "http://127.0.0.1.:PORT/",
        "http://0:PORT/",
        "http://0.0.0.0:PORT/",
        "http://[::ffff:127.0.0.1]:PORT/",
        "http://[::ffff:7f00:1]:PORT/",
        "http://[::127.0.0.1]:PORT/",
        "http://[64:ff9b::127.0.0.1]:PORT/",
        "http://[2002:7f00:1::]:PORT/",
        "http://[::1%25lo]:PORT/",
        "http://localhost:PORT/",
        "http://LocalHost.:PORT/",
        "http://１２７.0.0.1:PORT/",
        "http://127。0。0。1:PORT/",
        "http://127%2e0.0.1:PORT/",
        "http://127.0.0.2@127.0.0.1:PORT/",
        "http://127.0.0.2:80@127.0.0.1:PORT/",
        "http://127.0.0.1:PORT\\@127.0.0.2/",
        "http://127.0.0.1:PORT#@127.0.0.2/",
        "https://127.0.0.1:PORT/",
        "http://169.254.169.254/latest/meta-data/",
        "http://100.100.100.200/latest/meta-data/",
        "http://10.0.0.1/",
        "http://[fd00:ec2::254]/latest/meta-data/",
    ]
    .iter()
    .map(|url| url.replace("PORT", &port.to_string()))
    .chain([door.url()])
    .collect();
    let proxy = closed.url();
    let server = ServerOptions::new()
        .env("WAYSTATION_OUTBOUND_PRIVATE", "127.0.0.2/32")
        .env("http_proxy", &proxy)
        .env("HTTP_PROXY", &proxy)
        .env("ALL_PROXY", &proxy)
        .start();
    let client = server.client();
    let list: Vec<Value> = urls.iter().map(|url| json!({"url": url})).collect();
    let any = ["http://*:*", "https://*:*"];
    let (found, log) = calls(client, &any, &list.into());
    for (url, found) in urls.iter().zip(&found) {
        println!("{url:<46} {:<90} {} arrived", found.to_string(), closed.count());
        assert!(found["error"].is_string(), "{url}: {found}");
    }
    assert_eq!((found.len(), closed.count(), door.count()), (urls.len(), 0, 1), "{log}");
    let redirected = format!("GET {location} refused: 127.0.0.1 is a loopback address");
    assert!(log.contains(&redirected), "{log}");

    // The counter counts.
    let open = Server::start();
    let (found, _) = call(open.client(), "http://*:*", &urls[0]);
    assert_eq!((&found["status"], closed.count()), (&json!(200), 1));
}

#[test]
fn a_redirect_is_a_call_like_any_other() {
    let end = Arrivals::answering("127.0.0.1", OK);
    let to = |path: &str| {
        let location = format!("{}{path}", end.url());
        let answer = format!("HTTP/1.1 302 Go on\r\nlocation: {location}\r\n\r\n");
        Arrivals::answering("127.0.0.1", answer)
    };
    let (good, bad) = (to("/v1/x"), to("/v2/x"));
    let server = Server::start();
    let rule = format!("GET {}/v1", end.url());
    let rules = [rule.as_str(), &good.url(), &bad.url()];
    let list = json!([{"url": good.url()}, {"url": bad.url()}]);
    let (found, log) = calls(server.client(), &rules, &list);
    assert_eq!(found[0]["status"], 200, "{found:?} {log}");
    assert!(found[1]["error"].is_string(), "{found:?}");
    assert_eq!((good.count(), bad.count(), end.count()), (1, 1, 1));
    let line = format!(
        "GET {0}/v2/x refused: the step may not call it: add \"GET {0}/v2/x\" to its allow.http",
        end.url()
    );
    assert_eq!(log, line);
}

#[test]
fn what_a_refusal_asks_for_is_what_lets_the_call_through() {
    let service = Arrivals::answering("127.0.0.1", OK);
    let url = format!("{}/v1/x?secret=1", service.url());
    let quoted = |log: &str| log.split('"').nth(1).map(str::to_owned).unwrap_or_default();
    let attempt = |allow: &str, operator: &str, private: &str| {
        let server = ServerOptions::new()
            .env("WAYSTATION_OUTBOUND_ALLOW", operator)
            .env("WAYSTATION_OUTBOUND_PRIVATE", private)
            .start();
        call(server.client(), allow, &url)
    };
    let elsewhere = "POST http://127.0.0.1:*";
    let (_, log) = attempt(elsewhere, elsewhere, "");
    assert!(log.contains("its allow.http") && !log.contains("secret"), "{log}");
    let step = quoted(&log);
    let (_, log) = attempt(&step, elsewhere, "");
    assert!(log.contains("to allow under [outbound]"), "{log}");
    let operator = quoted(&log);
    let (_, log) = attempt(&step, &operator, "");
    assert!(log.contains("to private under [outbound]"), "{log}");
    assert_eq!(service.count(), 0);
    let (found, log) = attempt(&step, &operator, &quoted(&log));
    assert_eq!((&found["status"], log.as_str()), (&json!(200), ""));
}

#[test]
fn a_step_calls_nothing_of_its_server_that_is_for_operators() {
    let server = Server::start();
    let client = server.client();
    let refused = |path: &str| json!({"url": format!("{}{path}", client.url)});
    let list: Vec<Value> = [
        "/api/v1/executions",
        "/metrics",
        "/healthz",
        "/readyz",
        "/",
        "/resume/../api/v1/executions",
        "/hooks/%2e%2e/metrics",
    ]
    .map(refused)
    .into();
    let (found, log) = calls(client, &["http://127.0.0.1:*"], &list.into());
    for found in found {
        assert!(found["error"].is_string(), "{found}");
    }
    assert_eq!(log.matches("this host itself listens there").count(), 7, "{log}");
    assert_eq!(client.get("/metrics").status, 200, "others may look");
}

#[test]
fn a_step_may_call_its_own_link() {
    let server = Server::start();
    let client = server.client();
    let id = toolbox::trigger(client, &json!([{"suspend": {}}, "call_back"]));
    let execution = client.completed(&id);
    let step = &execution["steps"]["step"];
    assert_eq!(step["exports"]["$return_value"], 202, "{execution:#}");
    assert_eq!(step["exports"]["$resume"]["reason"], "request", "{execution:#}");
}

#[test]
fn a_step_that_calls_its_own_server_speaks_for_no_proxy() {
    let server = ServerOptions::new().env("WAYSTATION_TRUSTED_PROXIES", "127.0.0.1/32").start();
    let client = server.client();
    toolbox::deploy(client, "called", &json!([{"return": 1}]));
    let url = format!("{}/hooks/called", client.url);
    let headers = json!({
        "Forwarded": "for=203.0.113.9",
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Host": "evil.example",
        "X-Real-IP": "203.0.113.9",
        "X-Else": "kept",
    });
    let send = json!({"send": {"method": "POST", "url": url, "headers": headers}});
    let found = toolbox::result(client, &json!([send]));
    let triggered: Value = serde_json::from_str(found.as_str().unwrap()).unwrap();
    let event = client.completed(&run_id(&triggered))["event"].clone();
    assert_eq!(
        (&event["client_ip"], &event["headers"]["x-else"]),
        (&json!("127.0.0.1"), &json!("kept"))
    );
    assert!(!event.to_string().contains("203.0.113.9"), "{event}");
    assert!(!event.to_string().contains("evil.example"), "{event}");
}

/// A server whose patience is short.
fn impatient() -> Server<'static> {
    ServerOptions::new()
        .env("WAYSTATION_LIMITS_HTTP_CONNECT_S", "1")
        .env("WAYSTATION_LIMITS_HTTP_FIRST_BYTE_S", "1")
        .env("WAYSTATION_LIMITS_HTTP_BETWEEN_BYTES_S", "1")
        .env("WAYSTATION_LIMITS_HTTP_RESPONSE_BYTES_MAX", "100000")
        .env("WAYSTATION_LIMITS_HTTP_REQUEST_BYTES_MAX", "100000")
        .start()
}

/// Says nothing until the caller hangs up.
fn listen_on(stream: &mut std::net::TcpStream) {
    let mut piece = [0; 1024];
    while stream.read(&mut piece).is_ok_and(|count| count > 0) {}
}

#[test]
fn every_way_to_keep_a_step_waiting_ends() {
    let server = impatient();
    let client = server.client();
    let silent = Arrivals::at("127.0.0.1", |mut stream| listen_on(&mut stream));
    let stalled = Arrivals::at("127.0.0.1", |mut stream| {
        read_head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
        listen_on(&mut stream);
    });
    let endless_head = Arrivals::at("127.0.0.1", |mut stream| {
        read_head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream.write_all(b"x: y\r\n").is_ok() {}
    });
    let many_heads = Arrivals::at("127.0.0.1", |mut stream| {
        read_head(&mut stream);
        while stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").is_ok() {}
    });
    let endless = Arrivals::at("127.0.0.1", |mut stream| {
        read_head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    for (service, scheme, says) in [
        (&silent, "http", "no answer in time"),
        (&silent, "https", "no connection in time"),
        (&stalled, "http", "the answer stopped coming"),
        (&endless_head, "http", "headers are too large or too many"),
        (&many_heads, "http", "no answer in time"),
        (&endless, "http", "the answer's body has more than 100000 bytes"),
    ] {
        let url = format!("{scheme}://{}/", service.address);
        let began = Instant::now();
        let (found, log) = call(client, &format!("{scheme}://127.0.0.1:*"), &url);
        println!("{says:<46} {found}");
        assert!(found["error"].is_string(), "{says}: {found}");
        assert!(log.starts_with(&format!("GET {url} ")) && log.contains(says), "{says}: {log}");
        assert!(began.elapsed() < Duration::from_secs(20), "{says}: {:?}", began.elapsed());
        let hung_up = || (service.ended() == service.count()).then_some(());
        wait::until(&format!("the connection is closed: {says}"), hung_up);
    }
}

#[test]
fn a_trickle_ends_with_its_run() {
    let trickle = Arrivals::at("127.0.0.1", |mut stream| {
        read_head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(b"x").is_ok() {
            wait::pause(Duration::from_millis(100));
        }
    });
    let server = impatient();
    let client = server.client();
    let id = toolbox::trigger_step(
        client,
        json!({"props": {"do": [{"get": trickle.url()}]}, "limits": {"timeout_s": 3}}),
    );
    assert_eq!(client.failed(&id)["kind"], "time_limit");
    wait::until("the connection is closed", || (trickle.ended() == 1).then_some(()));
}

#[test]
fn what_is_sent_is_bounded() {
    let server = impatient();
    // Answers when it has almost all that may be sent, and more than comes of a body that is cut
    // off: an answer that comes before would be one.
    let service = Arrivals::at("127.0.0.1", |mut stream| {
        if stream.read_exact(&mut [0; 100_000]).is_ok() {
            let _ = stream.write_all(OK.as_bytes());
        }
        listen_on(&mut stream);
    });
    let post = |bytes: usize| json!({"method": "POST", "url": service.url(), "bytes": bytes});
    let list = json!([post(100_000), post(100_001)]);
    let (found, log) = calls(server.client(), &["POST http://127.0.0.1:*"], &list);
    assert_eq!(found[0]["status"], 200, "{found:?} {log}");
    assert!(found[1]["error"].is_string(), "{found:?}");
    assert!(log.contains("the request's body has more than 100000 bytes"), "{log}");
}
