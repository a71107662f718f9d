//! An HTTP request as the JSON object that a step sees:
//! `{method, path, url, query, headers, body, client_ip}`.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::{FromRequest, Multipart};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, PROXY_AUTHORIZATION};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Map, Value, json};
use waystation_core::{BoundedJson, JsonError};

use crate::client::ClientIp;
use crate::params::object;
use crate::problem::{Code, Problem};

/// How often a body's bytes may multiply on their way into the object: base64 takes 4/3, a
/// control character in a text 6.
const GROWTH: usize = 6;

/// Room for everything beside the body, in bytes; the server reads no more headers than that.
const BESIDE_BYTES_MAX: usize = 1024 * 1024;

/// A request, taken apart.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RequestData {
    method: String,
    path: String,
    url: String,
    query: Map<String, Value>,
    headers: BTreeMap<String, String>,
    pub(crate) body: BoundedJson,
    client_ip: Option<String>,
}

/// Whose request it is: what a step sees of it is stored, and shown to whoever may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// Who calls a hook: how it authenticates is meant for the step, which checks it.
    Webhook,
    /// Who calls a link, or the API. The link or the token is what counts; what a browser or a
    /// proxy sends besides is for whatever else lives at this origin.
    Person,
}

impl Sender {
    /// The headers that the step does not get. Cookies are set by others than steps, and
    /// a proxy's credentials end with the proxy.
    fn withholds(self) -> &'static [HeaderName] {
        match self {
            Sender::Webhook => &[COOKIE, PROXY_AUTHORIZATION],
            Sender::Person => &[COOKIE, PROXY_AUTHORIZATION, AUTHORIZATION],
        }
    }
}

impl RequestData {
    /// Takes a request apart, whose body has been read.
    ///
    /// # Errors
    ///
    /// 400 when the body is not what its content type says; 422 when it is nested too deep.
    pub(crate) async fn new(
        parts: &Parts,
        body: Vec<u8>,
        sender: Sender,
        public_url: &str,
        ClientIp(client_ip): ClientIp,
    ) -> Result<RequestData, Problem> {
        let query = parts.uri.query();
        let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let path = parts.uri.path().to_owned();
        let suffix = query.map(|query| format!("?{query}")).unwrap_or_default();
        Ok(RequestData {
            method: parts.method.as_str().to_owned(),
            url: format!("{public_url}{path}{suffix}"),
            path,
            query: object(pairs.map(|(name, value)| (name.into_owned(), Value::from(&*value)))),
            headers: headers(&parts.headers, sender),
            body: body_json(&parts.headers, body).await?,
            client_ip: client_ip.map(|address| address.to_string()),
        })
    }

    /// The object.
    ///
    /// # Errors
    ///
    /// 422 when its body leaves no room for one level more.
    pub(crate) fn to_json(&self) -> Result<BoundedJson, Problem> {
        let text = serde_json::to_string(self).map_err(Problem::internal)?;
        let bytes_max = self.body.len().saturating_mul(2) + BESIDE_BYTES_MAX;
        BoundedJson::parse(text, bytes_max).map_err(json_problem)
    }

    /// Who sent it.
    pub(crate) fn client_ip(&self) -> Option<String> {
        self.client_ip.clone()
    }
}

/// What is wrong with a JSON body.
pub(crate) fn json_problem(error: JsonError) -> Problem {
    match error {
        JsonError::TooLarge { bytes_max, .. } => {
            Problem::new(Code::BodyTooLarge, error.to_string()).with("bytes_max", bytes_max.into())
        }
        JsonError::TooDeep => Problem::new(Code::JsonTooDeep, error.to_string()),
        JsonError::Malformed(why) => {
            Problem::new(Code::MalformedJson, format!("the body is not JSON: {why}"))
        }
    }
}

fn headers(headers: &HeaderMap, sender: Sender) -> BTreeMap<String, String> {
    let mut all = BTreeMap::<String, String>::new();
    for (name, value) in headers {
        if sender.withholds().contains(name) {
            continue;
        }
        let value = String::from_utf8_lossy(value.as_bytes());
        all.entry(name.as_str().to_owned())
            .and_modify(|values| {
                values.push_str(", ");
                values.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    all
}

/// What a content type says about a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Json,
    Form,
    Multipart,
    Text,
    Other,
}

impl Kind {
    /// What the headers say.
    pub(crate) fn of(headers: &HeaderMap) -> Kind {
        let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = value.unwrap_or_default().split(';').next().unwrap_or_default();
        let essence = essence.trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/json" | "text/json" => Kind::Json,
            "application/x-www-form-urlencoded" => Kind::Form,
            "multipart/form-data" => Kind::Multipart,
            other if other.ends_with("+json") => Kind::Json,
            other if other.starts_with("text/") => Kind::Text,
            _ => Kind::Other,
        }
    }
}

async fn body_json(headers: &HeaderMap, body: Vec<u8>) -> Result<BoundedJson, Problem> {
    if body.is_empty() {
        return Ok(BoundedJson::null());
    }
    let bytes_max = body.len().saturating_mul(GROWTH) + 1024;
    let value = match Kind::of(headers) {
        Kind::Json => {
            let text = String::from_utf8(body).map_err(|_| {
                Problem::new(Code::MalformedJson, "the body is not JSON: it is not UTF-8")
            })?;
            return BoundedJson::parse(text, bytes_max).map_err(json_problem);
        }
        Kind::Form => {
            let pairs = url::form_urlencoded::parse(&body);
            Value::Object(object(pairs.map(|(name, value)| (name.into(), Value::from(&*value)))))
        }
        Kind::Multipart => multipart(headers, body).await?,
        // Text in an encoding of the last century is bytes to us.
        Kind::Text => match String::from_utf8(body) {
            Ok(text) => Value::String(text),
            Err(error) => json!({"base64": STANDARD.encode(error.as_bytes())}),
        },
        Kind::Other => json!({"base64": STANDARD.encode(&body)}),
    };
    BoundedJson::from_value(&value, usize::MAX).map_err(json_problem)
}

async fn multipart(headers: &HeaderMap, body: Vec<u8>) -> Result<Value, Problem> {
    let malformed = |why: String| Problem::new(Code::MalformedBody, format!("the form: {why}"));
    let mut request = Request::new(Body::from(body));
    *request.headers_mut() = headers.clone();
    let form = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|error| malformed(error.body_text()))?;
    let mut fields = Vec::new();
    while let Some(field) = form.next_field().await.map_err(|error| malformed(error.body_text()))? {
        let name = field.name().unwrap_or_default().to_owned();
        let file = field.file_name().map(str::to_owned);
        let content_type = field.content_type().map(str::to_owned);
        let bytes = field.bytes().await.map_err(|error| malformed(error.body_text()))?;
        let value = match (file, std::str::from_utf8(&bytes)) {
            (None, Ok(text)) => Value::from(text),
            (filename, _) => json!({
                "filename": filename,
                "content_type": content_type,
                "base64": STANDARD.encode(&bytes),
            }),
        };
        fields.push((name, value));
    }
    Ok(Value::Object(object(fields)))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn data(request: axum::http::request::Builder, body: &[u8]) -> Result<Value, Problem> {
        data_of(request, body, Sender::Webhook).await
    }

    async fn data_of(
        request: axum::http::request::Builder,
        body: &[u8],
        sender: Sender,
    ) -> Result<Value, Problem> {
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let client = ClientIp(Some([192, 0, 2, 7].into()));
        RequestData::new(&parts, body.to_vec(), sender, "https://w.example/x", client)
            .await?
            .to_json()
            .map(|json| json.to_value())
    }

    async fn body(content_type: &str, body: &[u8]) -> Result<Value, Problem> {
        let request = Request::post("/").header("content-type", content_type);
        data(request, body).await.map(|data| data["body"].clone())
    }

    #[tokio::test]
    async fn a_request_becomes_an_object() {
        let request = Request::put("/hooks/a/b?x=1&y=2&x=%20")
            .header("X-One", "1")
            .header("Accept", "a")
            .header("accept", "b");
        assert_eq!(
            data(request, b"").await.unwrap(),
            json!({
                "method": "PUT",
                "path": "/hooks/a/b",
                "url": "https://w.example/x/hooks/a/b?x=1&y=2&x=%20",
                "query": {"x": ["1", " "], "y": "2"},
                "headers": {"accept": "a, b", "x-one": "1"},
                "body": null,
                "client_ip": "192.0.2.7",
            })
        );
    }

    #[tokio::test]
    async fn a_json_body_stays_as_it_is() {
        let big = body("application/vnd.x+json; charset=utf-8", b"{\"n\": [1, \"\\u00e9\"]}").await;
        assert_eq!(big.unwrap(), json!({"n": [1, "é"]}));
        assert_eq!(body("application/json", b"").await.unwrap(), Value::Null);
        assert_eq!(body("application/json", b"{").await.unwrap_err().code, Code::MalformedJson);
        assert_eq!(body("application/json", b"\xff").await.unwrap_err().code, Code::MalformedJson);
        let deep = "[".repeat(200) + &"]".repeat(200);
        let deep = body("application/json", deep.as_bytes()).await;
        assert_eq!(deep.unwrap_err().code, Code::JsonTooDeep);
        let edge = "[".repeat(128) + &"]".repeat(128);
        let edge = body("application/json", edge.as_bytes()).await;
        assert_eq!(edge.unwrap_err().code, Code::JsonTooDeep, "the object is one level more");
    }

    #[tokio::test]
    async fn forms_become_objects() {
        let form = body("application/x-www-form-urlencoded", b"a=1&b=%C3%A9+x&a=2").await;
        assert_eq!(form.unwrap(), json!({"a": ["1", "2"], "b": "é x"}));
        let form = b"--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nhello\r\n\
            --B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.bin\"\r\n\
            Content-Type: application/octet-stream\r\n\r\n\x00\x01\r\n--B--\r\n";
        assert_eq!(
            body("multipart/form-data; boundary=B", form).await.unwrap(),
            json!({
                "a": "hello",
                "f": {"filename": "x.bin", "content_type": "application/octet-stream",
                      "base64": "AAE="},
            })
        );
        let cut = body("multipart/form-data; boundary=B", &form[..40]).await;
        assert_eq!(cut.unwrap_err().code, Code::MalformedBody);
    }

    #[tokio::test]
    async fn text_is_a_string_and_the_rest_is_base64() {
        assert_eq!(body("text/plain", "é\u{1}".as_bytes()).await.unwrap(), json!("é\u{1}"));
        assert_eq!(body("text/plain", b"\xe9").await.unwrap(), json!({"base64": "6Q=="}));
        assert_eq!(body("image/png", b"\x89P").await.unwrap(), json!({"base64": "iVA="}));
        let none = data(Request::post("/"), b"x").await.unwrap();
        assert_eq!(none["body"], json!({"base64": "eA=="}));
    }

    #[tokio::test]
    async fn credentials_that_are_not_for_the_step_stay_out() {
        let request = || {
            Request::post("/")
                .header("Authorization", "Bearer s")
                .header("Cookie", "c")
                .header("cookie", "d")
                .header("Proxy-Authorization", "Basic p")
                .header("a", "b")
        };
        let person = data_of(request(), b"", Sender::Person).await.unwrap();
        assert_eq!(person["headers"], json!({"a": "b"}));
        let webhook = data_of(request(), b"", Sender::Webhook).await.unwrap();
        assert_eq!(webhook["headers"], json!({"a": "b", "authorization": "Bearer s"}));
    }
}
