//! A request as it goes to the host.

use std::time::Duration;

use serde::de::DeserializeOwned;

use super::url::Url;
use crate::Error;

/// One request as it went out: what a test's host is asked to answer.
#[derive(Clone, Debug)]
pub struct Sent {
    pub(crate) method: String,
    pub(crate) url: Url,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) timeout: Option<Duration>,
}

impl Sent {
    /// Upper case, such as `GET`.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Whole, without a fragment.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The body, from JSON.
    ///
    /// # Errors
    ///
    /// It is no JSON, or no `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        Ok(serde_json::from_slice(&self.body)?)
    }

    /// What [`Request::timeout`](super::Request::timeout) set.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }
}
