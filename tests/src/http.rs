//! HTTP requests of any shape, and their answers whatever the status.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http;

/// No answer takes longer: a server that says nothing fails the test, and does not hang it.
const TIMEOUT: Duration = Duration::from_secs(180);

/// A request in the making.
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct Request {
    builder: http::request::Builder,
    body: Vec<u8>,
    patience: Duration,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names and values.
    pub headers: http::HeaderMap,
    /// The body's bytes.
    pub body: Vec<u8>,
}

/// A request with any method.
pub fn request(method: &str, url: &str) -> Request {
    let builder = http::Request::builder().method(method).uri(url);
    Request { builder, body: Vec::new(), patience: TIMEOUT }
}

/// `GET url`
pub fn get(url: &str) -> Answer {
    request("GET", url).send()
}

/// `POST url` with a JSON body.
pub fn post(url: &str, body: &Value) -> Answer {
    request("POST", url).json(body).send()
}

impl Request {
    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Request {
        self.builder = self.builder.header(name, value);
        self
    }

    /// Sets the body, and says what it is.
    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Request {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    /// Sets a JSON body.
    pub fn json(self, body: &Value) -> Request {
        self.body("application/json", body.to_string())
    }

    /// Waits so long for the answer.
    pub fn patience(mut self, patience: Duration) -> Request {
        self.patience = patience;
        self
    }

    /// Sends it.
    ///
    /// # Panics
    ///
    /// There was no answer.
    pub fn send(self) -> Answer {
        self.try_send().expect("an answer")
    }

    /// Sends it to one who may not answer.
    ///
    /// # Errors
    ///
    /// Why there was no answer.
    pub fn try_send(self) -> Result<Answer, ureq::Error> {
        let agent: Agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .allow_non_standard_methods(true)
            .timeout_global(Some(self.patience))
            .proxy(None)
            .build()
            .into();
        let mut answer = if self.body.is_empty() {
            agent.run(self.builder.body(())?)?
        } else {
            agent.run(self.builder.body(self.body)?)?
        };
        let body = answer.body_mut().with_config().limit(1 << 28).read_to_vec()?;
        Ok(Answer { status: answer.status().as_u16(), headers: answer.headers().clone(), body })
    }
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// It is something else.
    pub fn json(&self) -> Value {
        let text = self.text();
        let parsed = serde_json::from_str(&text);
        parsed.unwrap_or_else(|error| panic!("{error} in the {} answer {text:?}", self.status))
    }

    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Itself, when the status is `status`.
    ///
    /// # Panics
    ///
    /// It is another one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }
}
