//! What a test answers to the step's requests.

use serde::Serialize;

use crate::host::Answer;

/// An answer to one of the step's HTTP requests, or why there is none.
///
/// ```
/// use waystation_step::testing::{FakeHost, Reply};
/// use waystation_step::{Error, http};
///
/// fn handler() -> Result<String, Error> {
///     Ok(http::get("http://old.example/").send()?.text())
/// }
///
/// let outcome = FakeHost::new()
///     .http(|request| match request.url() {
///         "http://old.example/" => Reply::new(302).header("location", "http://new.example/"),
///         _ => Reply::failure("connection refused"),
///     })
///     .call(handler);
/// let failure = outcome.result.unwrap_err();
/// assert_eq!(failure.to_string(), "GET http://old.example/: connection refused");
/// ```
#[derive(Clone, Debug)]
pub struct Reply(Result<Answer, String>);

impl Reply {
    /// An answer without headers and body.
    pub fn new(status: u16) -> Self {
        Self(Ok(Answer { status, ..Answer::default() }))
    }

    /// No answer, for this reason.
    pub fn failure(reason: impl Into<String>) -> Self {
        Self(Err(reason.into()))
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Ok(answer) = &mut self.0 {
            answer.headers.push((name.to_ascii_lowercase(), value.into()));
        }
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        if let Ok(answer) = &mut self.0 {
            answer.body = body.into();
        }
        self
    }

    /// Sets a text as the body, and `content-type`.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.header("content-type", "text/plain; charset=utf-8").body(text)
    }

    /// Sets a JSON body, and `content-type`.
    ///
    /// # Panics
    ///
    /// The value can't be JSON.
    #[must_use]
    pub fn json(self, body: &(impl Serialize + ?Sized)) -> Self {
        let body = serde_json::to_vec(body).unwrap_or_else(|error| panic!("the reply: {error}"));
        self.header("content-type", "application/json").body(body)
    }

    pub(super) fn into_answer(self) -> Result<Answer, String> {
        self.0
    }
}
