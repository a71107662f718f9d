//! Guests that call out.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use waystation_core::{Limits, LogStream, RunReport};
use waystation_sandbox::OutboundPolicy;

use crate::support::calls::{Arrivals, burst, caller, calling};
use crate::support::{Empty, log, returned, run, run_in, sandbox, sandbox_with};

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
            "GET http://{authority}/path refused: the step may not call it: add \
             \"GET http://{authority}/path\" to its allow.http"
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
        ..OutboundPolicy::default()
    });
    let report = run_in(&strict, caller(0), calling(&authority, &["http://*:*"])).await;
    assert_eq!(returned(&report).0, Some("1015"));
    assert_eq!(
        host_log(&report),
        format!(
            "GET http://{authority}/path refused: this host lets no step call it: its operator \
             may add \"GET http://{authority}/path\" to allow under [outbound]"
        )
    );
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
            "GET http://{authority}/path refused: 127.0.0.1 is a loopback address: the operator \
             may add \"127.0.0.1/32\" to private under [outbound]"
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

/// A sandbox that lets calls to loopback through, within these limits.
fn bounded(limits: Limits) -> Arc<waystation_sandbox::Sandbox> {
    let private = vec!["127.0.0.0/8".parse().unwrap()];
    let limits = Limits { memory_mib_max: 256, runs_max: 4, ..limits };
    sandbox_with(OutboundPolicy { private, ..OutboundPolicy::default() }, limits, Arc::new(Empty))
}

#[tokio::test]
async fn a_run_makes_so_many_calls_and_no_more() {
    let arrivals = Arrivals::listen().await;
    let sandbox = bounded(Limits { http_calls_max: 5, ..Limits::default() });
    let authority = format!("127.0.0.1:{}", arrivals.port);
    let report = run_in(&sandbox, burst(5, false), calling(&authority, &["http://*:*"])).await;
    assert_eq!(returned(&report).0, Some("1005"));
    assert!(report.logs.is_empty(), "{:?}", report.logs);
    let report = run_in(&sandbox, burst(6, false), calling(&authority, &["http://*:*"])).await;
    assert_eq!(returned(&report).0, Some("1005"));
    assert_eq!(
        host_log(&report),
        format!(
            "GET http://{authority}/ refused: a run makes at most 5 calls (http_calls_max under \
             [limits])"
        )
    );
    assert_eq!(arrivals.count(), 10);
}

#[tokio::test]
async fn calls_at_once_wait_for_each_other() {
    for (limits, most) in [
        (Limits { http_parallel_max: 4, ..Limits::default() }, 4),
        (Limits { http_connections_max: 3, ..Limits::default() }, 3),
        (Limits { http_connections_per_host_max: 2, ..Limits::default() }, 2),
    ] {
        let arrivals = Arrivals::listen().await;
        let authority = format!("127.0.0.1:{}", arrivals.port);
        let sandbox = bounded(limits);
        let run = run_in(&sandbox, burst(60, true), calling(&authority, &["http://*:*"]));
        let report = run.await;
        assert_eq!(returned(&report).0, Some("1060"), "{:?}", report.logs);
        assert_eq!((arrivals.count(), arrivals.most()), (60, most));
    }
}

#[tokio::test]
async fn headers_are_bounded_in_size_and_number() {
    let many: &'static str = {
        let headers: String = (0..6).map(|n| format!("x-{n}: y\r\n")).collect();
        Box::leak(format!("HTTP/1.1 200 OK\r\n{headers}\r\n").into_boxed_str())
    };
    let large: &'static str = {
        let header = "y".repeat(9000);
        Box::leak(format!("HTTP/1.1 200 OK\r\nx: {header}\r\n\r\n").into_boxed_str())
    };
    let few = Limits { http_headers_max: 5, ..Limits::default() };
    let enough = Limits { http_headers_max: 6, ..Limits::default() };
    let small = Limits { http_headers_bytes_max: 8192, ..Limits::default() };
    for (answer, limits, got) in [
        (many, few, "1026"),
        (many, enough, "200"),
        (large, small, "1026"),
        (large, Limits::default(), "200"),
    ] {
        let (authority, _served) = server(Some(answer)).await;
        let call = calling(&authority, &["http://*:*"]);
        let report = run_in(&bounded(limits), caller(0), call).await;
        assert_eq!(returned(&report).0, Some(got), "{:?}", report.logs);
        if got == "1026" {
            assert!(host_log(&report).contains("headers are too large or too many"));
        }
    }
}

#[tokio::test]
async fn an_answer_that_says_it_is_too_large_is_not_read() {
    let limits = Limits { http_response_bytes_max: 1000, ..Limits::default() };
    let sandbox = bounded(limits);
    for (answer, got) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", "200"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n", "1028"),
    ] {
        let (authority, _served) = server(Some(answer)).await;
        let report = run_in(&sandbox, caller(0), calling(&authority, &["http://*:*"])).await;
        assert_eq!(returned(&report).0, Some(got), "{:?}", report.logs);
    }
}
