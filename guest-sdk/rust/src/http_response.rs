//! Answer the HTTP request that triggered the workflow.

use serde::Serialize;

use crate::Error;
use crate::bindings::waystation::step::http_response as host;

/// An answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// 200 to 599.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// An answer with a JSON body.
    ///
    /// # Errors
    ///
    /// The body can't be JSON.
    pub fn json(status: u16, body: &(impl Serialize + ?Sized)) -> Result<Self, Error> {
        let headers = vec![("content-type".into(), "application/json".into())];
        Ok(Self { status, headers, body: serde_json::to_vec(body)? })
    }
}

/// Sends it.
///
/// # Errors
///
/// The workflow was not triggered over HTTP, was answered already, or its caller left
/// (`NobodyWaits`); or the answer is not valid HTTP (`InvalidResponse`).
pub fn respond(response: Response) -> Result<(), Error> {
    let Response { status, headers, body } = response;
    host::respond(&host::Response { status, headers, body }).map_err(|refusal| match refusal {
        host::Error::NobodyWaits(words) => Error::new(words).named("NobodyWaits").permanent(),
        host::Error::InvalidResponse(words) => Error::new(words).named("InvalidResponse").permanent(),
    })
}
