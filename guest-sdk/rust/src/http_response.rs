//! Answer the HTTP request that triggered the workflow.
//!
//! ```
//! use serde_json::json;
//! use waystation_step::http_response::{Response, respond};
//! use waystation_step::testing::FakeHost;
//! use waystation_step::{Error, context};
//!
//! fn handler() -> Result<(), Error> {
//!     let event: serde_json::Value = context::event()?;
//!     respond(Response::json(201, &json!({"got": event}))?.header("x-answered-by", "step"))?;
//!     Ok(())
//! }
//!
//! let outcome = FakeHost::new().event(json!("hello")).call(handler);
//! let response = outcome.response.unwrap();
//! assert_eq!(response.status, 201);
//! assert_eq!(response.body, br#"{"got":"hello"}"#);
//! ```

use serde::Serialize;

use crate::Failure;
use crate::host::{self, Host};

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// 200 to 599.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// An answer with these bytes as its body, and no headers.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    /// An answer with a JSON body.
    ///
    /// # Errors
    ///
    /// The body can't be JSON.
    pub fn json(status: u16, body: &(impl Serialize + ?Sized)) -> Result<Self, serde_json::Error> {
        let body = serde_json::to_vec(body)?;
        Ok(Self::new(status, body).header("content-type", "application/json"))
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// Sends it.
///
/// # Errors
///
/// `NobodyWaits`: the workflow was not triggered over HTTP, was answered already, or its caller
/// left. `InvalidResponse`: the answer is not valid HTTP.
pub fn respond(response: Response) -> Result<(), Failure> {
    host::current().respond(response)
}
