//! A request in the making.

use std::time::Duration;

use serde::Serialize;

use super::Response;
use super::redirect::{REDIRECTS_MAX, redirected};
use super::sent::Sent;
use super::url::Url;
use crate::Failure;
use crate::host::{self, Host};

/// A request in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct Request {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    timeout: Option<Duration>,
    follow: bool,
}

impl Request {
    pub(super) fn new(method: &str, url: &str) -> Self {
        Self {
            method: method.to_ascii_uppercase(),
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout: None,
            follow: true,
        }
    }

    /// Adds a header. `host` and those of the connection are the host's.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets a JSON body, and `content-type`.
    ///
    /// # Errors
    ///
    /// The value can't be JSON.
    pub fn json(self, body: &(impl Serialize + ?Sized)) -> Result<Self, serde_json::Error> {
        let body = serde_json::to_vec(body)?;
        Ok(self.header("content-type", "application/json").body(body))
    }

    /// How long connecting, the answer's head, and each pause in its body may take, on every
    /// redirect anew. Default: the host's, which also bounds it.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Are redirects followed? Default: yes.
    pub fn follow_redirects(mut self, follow: bool) -> Self {
        self.follow = follow;
        self
    }

    /// Sends it and reads the whole answer. An answer of any status is no error.
    ///
    /// # Errors
    ///
    /// `HttpError`: no answer came, or not all of it, or one redirect too many.
    pub fn send(self) -> Result<Response, Failure> {
        let place = format!("{} {}", self.method, self.url);
        self.exchange().map_err(|reason| Failure::new("HttpError", format!("{place}: {reason}")))
    }

    fn exchange(self) -> Result<Response, String> {
        let follow = self.follow;
        let mut sent = self.checked()?;
        for _ in 0..=REDIRECTS_MAX {
            let answer = host::current().http(&sent)?;
            match redirected(&sent, &answer)? {
                Some(next) if follow => sent = next,
                _ => return Ok(Response::new(sent.url, answer)),
            }
        }
        Err(format!("redirected more than {REDIRECTS_MAX} times, at last to {}", sent.url()))
    }

    fn checked(self) -> Result<Sent, String> {
        Ok(Sent {
            method: self.method,
            url: Url::parse(&self.url)?,
            headers: self.headers,
            body: self.body,
            timeout: self.timeout,
        })
    }
}
