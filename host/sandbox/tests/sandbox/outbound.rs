//! Guests that call out.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use waystation_core::{LogStream, RunReport, RunRequest};
use waystation_sandbox::OutboundPolicy;

use crate::support::{guest, json, log, request, returned, run, run_in, sandbox};

/// Calls `http://PROPS/path?secret=1`; returns the status, or 1000 and the error's number in
/// `error-code`.
fn caller(scheme: u8) -> Vec<u8> {
    guest(&format!(
        "(local $request i32) (local $future i32) (local $options i32) (local $number i32)
        (local.set $request (call $request (call $fields)))
        (drop (call $set_scheme (local.get $request) (i32.const 1) (i32.const {scheme}) (i32.const 0) (i32.const 0)))
        (drop (call $set_authority (local.get $request) (i32.const 1)
            (i32.add (local.get $props) (i32.const 1)) (i32.sub (local.get $props_len) (i32.const 2))))
        (drop (call $set_path (local.get $request) (i32.const 1) {{/path?secret=1}}))
        (local.set $options (call $options))
        (drop (call $set_first_byte (local.get $options) (i32.const 1) (i64.const 300_000_000)))
        (call $handle (local.get $request) (i32.const 1) (local.get $options) (i32.const 8256))
        (if (i32.load8_u (i32.const 8256)) (then unreachable))
        (local.set $future (i32.load (i32.const 8264)))
        (call $block (call $subscribe (local.get $future)))
        (call $get (local.get $future) (i32.const 8256))
        (local.set $number (if (result i32) (i32.load8_u (i32.const 8272))
            (then (i32.add (i32.const 1000) (i32.load8_u (i32.const 8280))))
            (else (call $status (i32.load (i32.const 8280))))))
        (i32.store8 (i32.const 8300) (i32.add (i32.const 48) (i32.rem_u (i32.div_u (local.get $number) (i32.const 1000)) (i32.const 10))))
        (i32.store8 (i32.const 8301) (i32.add (i32.const 48) (i32.rem_u (i32.div_u (local.get $number) (i32.const 100)) (i32.const 10))))
        (i32.store8 (i32.const 8302) (i32.add (i32.const 48) (i32.rem_u (i32.div_u (local.get $number) (i32.const 10)) (i32.const 10))))
        (i32.store8 (i32.const 8303) (i32.add (i32.const 48) (i32.rem_u (local.get $number) (i32.const 10))))
        (if (i32.lt_u (local.get $number) (i32.const 1000))
            (then (return (call $return (i32.const 8301) (i32.const 3)))))
        (call $return (i32.const 8300) (i32.const 4))"
    ))
}

fn calling(authority: &str, allow: &[&str]) -> RunRequest {
    let mut request = request();
    request.props = json(&format!("\"{authority}\""));
    request.allow.http = allow.iter().map(|pattern| pattern.parse().unwrap()).collect();
    request
}

/// A server on a loopback port that takes one request, and answers it if it has an answer.
/// What it was sent comes back.
async fn server(answer: Option<&'static str>) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut piece = [0; 1024];
            let count = stream.read(&mut piece).await.unwrap();
            request.extend_from_slice(&piece[..count]);
            // A TLS client waits for an answer to its first record.
            if count == 0 || request.first() == Some(&0x16) {
                break;
            }
        }
        match answer {
            Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
            None => tokio::time::sleep(Duration::from_secs(60)).await,
        }
        String::from_utf8_lossy(&request).into_owned()
    });
    (authority, served)
}

fn host_log(report: &RunReport) -> String {
    let lines = log(report, LogStream::Host);
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines[0].to_owned()
}

#[tokio::test]
async fn where_it_may_go_it_goes() {
    let (authority, served) = server(Some("HTTP/1.1 204 No Content\r\n\r\n")).await;
    let report = run(caller(0), calling(&authority, &[&format!("http://{authority}/path")])).await;
    assert_eq!(returned(&report).0, Some("204"), "{:?}", report.logs);
    assert!(report.logs.is_empty());
    let sent = served.await.unwrap();
    assert!(sent.starts_with("GET /path?secret=1 HTTP/1.1\r\n"), "{sent}");
    assert!(sent.contains(&format!("host: {authority}\r\n")), "{sent}");
}

#[tokio::test]
async fn where_it_may_not_go_it_does_not() {
    let (authority, served) = server(Some("HTTP/1.1 200 OK\r\n\r\n")).await;
    let report = run(caller(0), calling(&authority, &["http://example.com"])).await;
    assert_eq!(returned(&report).0, Some("1015"));
    assert_eq!(
        host_log(&report),
        format!(
            "GET http://{authority}/path refused: the step may not call http://{authority}: add \
             \"http://{authority}\" to its allow.http"
        )
    );
    assert!(!served.is_finished());
}

#[tokio::test]
async fn the_operator_has_a_say() {
    let (authority, _served) = server(None).await;
    let strict = sandbox(OutboundPolicy {
        allow: Some(vec!["https://example.com".parse().unwrap()]),
        private: vec!["127.0.0.0/8".parse().unwrap()],
    });
    let report = run_in(&strict, caller(0), calling(&authority, &["http://*:*"])).await;
    assert_eq!(returned(&report).0, Some("1015"));
    assert!(host_log(&report).contains("this host lets no step call"));
}

#[tokio::test]
async fn private_addresses_are_closed_until_the_operator_opens_them() {
    let (authority, served) = server(Some("HTTP/1.1 200 OK\r\n\r\n")).await;
    let closed = sandbox(OutboundPolicy::default());
    let report = run_in(&closed, caller(0), calling(&authority, &["http://*:*"])).await;
    assert_eq!(returned(&report).0, Some("1004"));
    assert_eq!(
        host_log(&report),
        format!(
            "GET http://{authority}/path refused: 127.0.0.1 is a loopback address: its operator \
             may set [outbound] private = [\"127.0.0.1/32\"]"
        )
    );
    let port = authority.split_once(':').unwrap().1;
    let report =
        run_in(&closed, caller(0), calling(&format!("localhost:{port}"), &["http://*:*"])).await;
    assert_eq!(returned(&report).0, Some("1004"), "a name does not hide an address");
    assert!(!served.is_finished());
}

#[tokio::test]
async fn nobody_there_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    drop(listener);
    let report = run(caller(0), calling(&authority, &["http://*:*"])).await;
    assert_eq!(returned(&report).0, Some("1006"));
    assert!(host_log(&report).contains("refused"), "{:?}", report.logs);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_left() {
    let (authority, _served) = server(None).await;
    let report = run(caller(0), calling(&authority, &["http://*:*"])).await;
    assert_eq!(returned(&report).0, Some("1009"));
    assert_eq!(host_log(&report), format!("GET http://{authority}/path failed: no answer in time"));
}

#[tokio::test]
async fn a_server_that_speaks_no_http_is_told() {
    let (authority, _served) = server(Some("220 mail.example.com ESMTP\r\n")).await;
    let report = run(caller(0), calling(&authority, &["http://*:*"])).await;
    assert_eq!(returned(&report).0, Some("1035"));
    host_log(&report);
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_told() {
    let (authority, _served) = server(Some("HTTP/1.1 200 OK\r\n\r\n")).await;
    let report = run(caller(1), calling(&authority, &["https://*:*"])).await;
    let code = returned(&report).0.unwrap().to_owned();
    // A machine without root certificates says so.
    assert!(["1012", "1038"].contains(&code.as_str()), "{code} {:?}", report.logs);
    host_log(&report);
}

#[tokio::test]
async fn user_names_in_urls_are_refused() {
    let report = run(caller(0), calling("ann:secret@127.0.0.1:1", &["http://*:*"])).await;
    assert_eq!(returned(&report).0, Some("1019"));
    assert!(!host_log(&report).contains("secret"), "{:?}", report.logs);
}
