//! Requests that trigger or resume.

use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use waystation_core::BoundedJson;
use waystation_http::fuzzing::{self, Refusal};

/// What the reader knows.
pub(crate) const WORDS: &[&[u8]] = &[
    b"a=1&a=2",
    b"%C3%A9",
    b"%",
    b"+",
    b"{\"a\": [1e5, \"\\u00e9\"]}",
    b"[[[[[[[[",
    b"]]]]]]]]",
    b"\\ud83d",
    b"--B\r\n",
    b"--B--\r\n",
    b"Content-Disposition: form-data; name=\"a\"\r\n\r\n",
    b"; filename=\"x\"",
    b"Content-Type: text/plain\r\n",
    b"\r\n",
    b"\xff\xfe",
    b"/a/../b",
];

const CONTENT_TYPES: [&str; 9] = [
    "application/json",
    "application/vnd.a+json; charset=latin1",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=B",
    "multipart/form-data",
    "multipart/form-data; boundary=\"\"",
    "text/plain",
    "image/png",
    "",
];

const CLIENT: &str = "192.0.2.7";
const PUBLIC_URL: &str = "https://w.example/x";

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().build().expect("a runtime"));

/// The input says method, path, headers and body: the event is the object that is promised, in
/// JSON that is not nested too deep, or the request is refused as the client's mistake.
pub fn http_event(data: &[u8]) {
    if let Ok(Some(request)) = request(&mut Unstructured::new(data)) {
        let expected = request.clone();
        let event = fuzzing::event(request, PUBLIC_URL, CLIENT.parse().ok());
        match RUNTIME.block_on(event) {
            Ok(event) => is_the_request(&event, &expected),
            Err(refusal) => is_a_mistake(&refusal),
        }
    }
}

/// `None` for what is no HTTP.
fn request(bytes: &mut Unstructured<'_>) -> Result<Option<Request<Vec<u8>>>> {
    let method = *bytes.choose(&["GET", "POST", "PUT", "DELETE", "PATCH", "QUERY", "a!b"])?;
    let length = bytes.int_in_range(0..=64)?;
    let mut path = vec![b'/'];
    path.extend(bytes.bytes(length.min(bytes.len()))?);
    let Ok(uri) = Uri::try_from(path) else { return Ok(None) };
    let mut request = Request::new(Vec::new());
    *request.method_mut() = method.parse().unwrap_or(Method::GET);
    *request.uri_mut() = uri;
    let content_type = *bytes.choose(&CONTENT_TYPES)?;
    request.headers_mut().insert("content-type", HeaderValue::from_static(content_type));
    for _ in 0..bytes.int_in_range(0..=4)? {
        let name = *bytes.choose(&["Accept", "x-One", "COOKIE", "content-type", "x", "a~b"])?;
        let length = bytes.int_in_range(0..=16)?;
        let value = HeaderValue::from_bytes(bytes.bytes(length.min(bytes.len()))?);
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), value) {
            request.headers_mut().append(name, value);
        }
    }
    *request.body_mut() = bytes.bytes(bytes.len())?.to_vec();
    Ok(Some(request))
}

fn is_the_request(event: &BoundedJson, request: &Request<Vec<u8>>) {
    let again = BoundedJson::parse(event.as_str(), usize::MAX);
    assert!(again.is_ok(), "{again:?}: {event}");
    let event = event.to_value();
    let keys: Vec<&str> =
        event.as_object().into_iter().flat_map(|event| event.keys().map(String::as_str)).collect();
    assert_eq!(keys, ["method", "path", "url", "query", "headers", "body", "client_ip"]);
    assert_eq!(event["method"], request.method().as_str());
    assert_eq!(event["path"], request.uri().path());
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    assert_eq!(event["url"], format!("{PUBLIC_URL}{path}"));
    assert_eq!(event["client_ip"], CLIENT);
    assert!(event["query"].is_object());
    let headers = event["headers"].as_object().expect("an object of headers");
    // Cookies are not the step's business.
    let kept = request.headers().keys().filter(|name| *name != "cookie").count();
    assert_eq!(headers.len(), kept);
    for (name, value) in headers {
        assert!(!name.bytes().any(|byte| byte.is_ascii_uppercase()), "{name}");
        assert!(value.is_string(), "{value}");
    }
    is_the_body(&event["body"], request);
}

/// Text and bytes come through unchanged.
fn is_the_body(body: &Value, request: &Request<Vec<u8>>) {
    let (sent, content_type) = (request.body(), &request.headers()["content-type"]);
    if sent.is_empty() {
        assert_eq!(*body, Value::Null);
    } else if content_type == "application/json" {
        assert_eq!(serde_json::from_slice::<Value>(sent).ok().as_ref(), Some(body));
    } else if content_type == "text/plain"
        && let Ok(text) = std::str::from_utf8(sent)
    {
        assert_eq!(*body, text);
    } else if content_type != "image/png"
        && !content_type.is_empty()
        && content_type != "text/plain"
    {
        assert!(body.is_object() || content_type == CONTENT_TYPES[1], "{body}");
    } else {
        assert!(body["base64"].is_string(), "{body}");
    }
}

fn is_a_mistake(refusal: &Refusal) {
    let known = [(400, "malformed_json"), (400, "malformed_body"), (422, "json_too_deep")];
    assert!(known.contains(&(refusal.status, refusal.code)), "{refusal:?}");
}
