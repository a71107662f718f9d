use std::sync::Arc;

use bytes::Bytes;
use http_body::{Body as _, Frame};
use http_body_util::BodyExt as _;
use wasmtime_wasi_http::Error;
use waystation_core::{Limits, ManualClock, RunSecret, SecretValue, StepLimits, Timestamp};

use super::body::KnownBody;
use super::*;
use crate::secrets::PLACEHOLDER;

fn secrets(value: &str) -> (Secrets, String) {
    let given = RunSecret {
        name: "KEY".parse().unwrap(),
        value: SecretValue::new(value.to_owned().into()).unwrap(),
        destinations: vec!["http://h/v1".parse().unwrap()],
        reveal: false,
    };
    let secrets = Secrets::new(vec![given]).unwrap();
    let placeholder = secrets.variables()[0].1.to_owned();
    (secrets, placeholder)
}

fn under_way() -> UnderWay {
    UnderWay::new(2 << 20)
}

fn log() -> RunLog {
    let limits = Limits { log_bytes_max: 1000, log_line_bytes_max: 1000, ..Limits::default() };
    let limits = limits.of_run(&StepLimits::default());
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(7)));
    RunLog::new(clock, &limits, Secrets::default())
}

fn to(uri: &str) -> Destination {
    Destination::of(&http::Method::GET, &uri.parse().unwrap()).unwrap()
}

fn guests_body(pieces: &[&str]) -> WasiBody {
    let frame = |piece: &&str| Ok(Frame::data(Bytes::from((*piece).to_owned())));
    let ready = pieces.iter().map(frame).collect();
    KnownBody::new(ready).boxed_unsync()
}

async fn sent(
    value: &str,
    request: impl FnOnce(&str) -> Request<WasiBody>,
) -> Result<Request<WasiBody>, String> {
    let (secrets, placeholder) = secrets(value);
    let sent =
        substitute(&secrets, &to("http://h/v1/x"), request(&placeholder), &log(), &under_way())
            .await;
    sent.map_err(|fault| fault.to_string())
}

async fn body_sent(value: &str, content_type: &str, body: &str) -> (String, String) {
    let sent = sent(value, |placeholder| {
        let body = body.replace("KEY", placeholder);
        let request = Request::post("/v1/x").header("content-type", content_type);
        let request = request.header("content-length", body.len().to_string());
        // A placeholder may come in pieces.
        request.body(guests_body(&[&body[..9], &body[9..]])).unwrap()
    });
    let (parts, body) = sent.await.unwrap().into_parts();
    let hint = body.size_hint().exact();
    let bytes = body.collect().await.unwrap().to_bytes();
    assert_eq!(hint, Some(bytes.len() as u64));
    let length = parts.headers["content-length"].to_str().unwrap().to_owned();
    (String::from_utf8(bytes.to_vec()).unwrap(), length)
}

#[tokio::test]
async fn each_content_type_writes_a_value_in_its_way() {
    let value = "a\"b c&d=";
    let (body, length) = body_sent(value, "application/problem+json", "{\"k\":\"KEY\"}").await;
    assert_eq!((body.as_str(), length.as_str()), ("{\"k\":\"a\\\"b c&d=\"}", "17"));
    let form = "application/x-www-form-urlencoded; charset=utf-8";
    assert_eq!(
        body_sent(value, form, "k=KEY&l=KEY").await.0,
        "k=a%22b%20c%26d%3D&l=a%22b%20c%26d%3D"
    );
    assert_eq!(body_sent(value, "text/plain", "k=KEY no KE").await.0, "k=a\"b c&d= no KE");
}

#[tokio::test]
async fn urls_have_values_percent_encoded_and_paths_no_slash() {
    let uri = |value: &'static str, uri: &'static str| async move {
        let request = |placeholder: &str| {
            Request::get(uri.replace("KEY", placeholder)).body(guests_body(&[])).unwrap()
        };
        sent(value, request).await.map(|request| request.uri().to_string())
    };
    assert_eq!(uri("bot12:ABc", "/v1/KEY/send?x=1").await.unwrap(), "/v1/bot12%3AABc/send?x=1");
    assert_eq!(uri("a/b&c=d e", "/v1?k=KEY").await.unwrap(), "/v1?k=a%2Fb%26c%3Dd%20e");
    assert_eq!(uri("a/b&c=d e", "/v1?none").await.unwrap(), "/v1?none");
    let error = uri("../../../admin", "/v1/KEY").await.unwrap_err();
    assert_eq!(error, "the value of the secret KEY can't stand in the path: it has a slash");
    assert!(uri("..\\..\\admin", "/v1/KEY").await.is_err());
}

#[tokio::test]
async fn a_value_begins_no_other_header() {
    let header = |value: &'static str, text: &'static str| async move {
        let request = |placeholder: &str| {
            let text = text.replace("KEY", placeholder);
            Request::get("/v1").header("x", text).body(guests_body(&[])).unwrap()
        };
        sent(value, request).await.map(|request| request.headers()["x"].as_bytes().to_vec())
    };
    assert_eq!(header("12345678", "a KEY b").await.unwrap(), b"a 12345678 b");
    for bad in ["12345678\r\nevil: 1", "12345678\n", "12345\u{7f}678"] {
        let error = header(bad, "KEY").await.unwrap_err();
        assert!(error.contains("it has characters that no header has"), "{error}");
    }
    let basic = header("p\nq:rstuv", "Basic KEY").await;
    assert!(basic.is_err(), "it is not in base64 there");
}

#[tokio::test]
async fn basic_credentials_are_looked_into() {
    for scheme in ["Basic", "basic"] {
        let request = |placeholder: &str| {
            let text = format!("{scheme} {}", STANDARD.encode(format!("me:{placeholder}")));
            Request::get("/v1").header("authorization", text).body(guests_body(&[])).unwrap()
        };
        let sent = sent("pass\nword", request).await.unwrap();
        let whole = sent.headers()["authorization"].to_str().unwrap().to_owned();
        assert_eq!(whole, format!("Basic {}", STANDARD.encode("me:pass\nword")));
    }
}

#[tokio::test]
async fn a_value_is_for_its_destinations_and_its_attempt() {
    let (secrets, placeholder) = secrets("12345678");
    let call = |text: String| Request::get("/").header("x", text).body(guests_body(&[])).unwrap();
    for elsewhere in
        ["https://h/v1", "http://h/v2", "http://i/v1", "http://h:81/v1", "http://h/v1/../x"]
    {
        let request = call(placeholder.clone());
        let fault =
            substitute(&secrets, &to(elsewhere), request, &log(), &under_way()).await.unwrap_err();
        assert!(matches!(fault, SecretFault::NotForThere { .. }), "{elsewhere}");
    }
    let stranger = call(format!("{PLACEHOLDER}{}", "0".repeat(32)));
    let fault =
        substitute(&secrets, &to("http://h/v1"), stranger, &log(), &under_way()).await.unwrap_err();
    assert!(matches!(fault, SecretFault::Stranger));
    // What only looks like one is none.
    for text in [PLACEHOLDER.to_owned(), placeholder[..41].to_owned(), placeholder.to_uppercase()] {
        let sent =
            substitute(&secrets, &to("http://i/"), call(text.clone()), &log(), &under_way()).await;
        assert_eq!(sent.unwrap().headers()["x"], text.as_str());
    }
}

#[tokio::test]
async fn a_large_body_passes_unless_a_placeholder_comes_late() {
    let (secrets, placeholder) = secrets("12345678");
    let large = "x".repeat(BODY_BYTES_MAX + 1);
    let send = async |pieces: &[&str]| {
        let request = Request::post("/v1").body(guests_body(pieces)).unwrap();
        let sent = substitute(&secrets, &to("http://h/v1"), request, &log(), &under_way()).await;
        sent.map(Request::into_body)
    };
    let body = send(&[&large, "y", "z"]).await.unwrap();
    let bytes = body.collect().await.unwrap().to_bytes();
    assert_eq!(bytes.len(), BODY_BYTES_MAX + 3);
    let (start, end) = placeholder.split_at(20);
    let with_start = format!("{large}{start}");
    for pieces in [[large.as_str(), placeholder.as_str()], [with_start.as_str(), end]] {
        let body = send(&pieces).await.unwrap();
        assert!(matches!(body.collect().await, Err(Error::HttpRequestDenied)));
    }
    let fault = send(&[&placeholder, &large]).await.map(drop).unwrap_err();
    assert!(matches!(fault, SecretFault::LargeBody));
    // At the edge all of it is known.
    let rest = "x".repeat(BODY_BYTES_MAX - placeholder.len());
    let body = send(&[&placeholder, &rest]).await.unwrap();
    assert_eq!(body.collect().await.unwrap().to_bytes().len(), rest.len() + 8);
}

#[tokio::test]
async fn values_do_not_make_a_request_grow_without_end() {
    let value = "v".repeat(16 << 10);
    let (secrets, placeholder) = secrets(&value);
    let many = placeholder.repeat(65);
    let body = Request::post("/v1").body(guests_body(&[&many])).unwrap();
    let fault =
        substitute(&secrets, &to("http://h/v1"), body, &log(), &under_way()).await.unwrap_err();
    assert!(matches!(fault, SecretFault::TooLarge { place: "the body", .. }));
    let four = placeholder.repeat(4);
    let head = Request::get("/v1").header("x", &four).body(guests_body(&[])).unwrap();
    let fault =
        substitute(&secrets, &to("http://h/v1"), head, &log(), &under_way()).await.unwrap_err();
    assert!(matches!(fault, SecretFault::TooLarge { place: "a header", .. }));
    let query = Request::get(format!("/v1?{four}")).body(guests_body(&[])).unwrap();
    let fault =
        substitute(&secrets, &to("http://h/v1"), query, &log(), &under_way()).await.unwrap_err();
    assert!(matches!(fault, SecretFault::TooLarge { place: "the query", .. }));
}
