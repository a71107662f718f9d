//! An answer.

use serde::de::DeserializeOwned;

use super::url::Url;
use crate::Failure;
use crate::host::Answer;

/// An answer.
#[derive(Clone, Debug)]
pub struct Response {
    url: Url,
    answer: Answer,
}

impl Response {
    pub(super) fn new(url: Url, answer: Answer) -> Self {
        Self { url, answer }
    }

    /// Who answered: the URL after redirects.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// The status, such as 200.
    pub fn status(&self) -> u16 {
        self.answer.status
    }

    /// All headers, names in lower case.
    pub fn headers(&self) -> &[(String, String)] {
        &self.answer.headers
    }

    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers().iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body.
    pub fn bytes(&self) -> &[u8] {
        &self.answer.body
    }

    /// The body, without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.answer.body
    }

    /// The body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    /// The body, from JSON.
    ///
    /// # Errors
    ///
    /// `UnexpectedJson`: it is no JSON, or no `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(self.bytes()).map_err(|error| {
            Failure::new("UnexpectedJson", format!("the answer of {}: {error}", self.url()))
        })
    }

    /// An error for an answer of status 400 or more.
    ///
    /// # Errors
    ///
    /// `HttpStatus`: the status is 400 or more. It is retryable from 500 on, and for 408 and 429.
    pub fn error_for_status(self) -> Result<Self, Failure> {
        let status = self.status();
        if status < 400 {
            return Ok(self);
        }
        let failure = Failure::new("HttpStatus", format!("{} answered {status}", self.url()));
        let passes = status >= 500 || matches!(status, 408 | 429);
        Err(if passes { failure } else { failure.not_retryable() })
    }
}
