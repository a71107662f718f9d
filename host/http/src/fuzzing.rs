//! What the fuzz targets call: the readers of what strangers send, without the routes around
//! them. No part of the crate's interface.

use std::net::IpAddr;

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Request};
use waystation_core::{BoundedJson, WorkflowName, WorkflowSpec};

use crate::client::ClientIp;
use crate::problem::Problem;
use crate::request_data::{RequestData, Sender};
use crate::workflow_file;

/// What a caller would have been told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status of the answer.
    pub status: u16,
    /// The error's stable name.
    pub code: &'static str,
    /// What is wrong, for people.
    pub detail: String,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Refusal {
        let code = problem.code;
        let detail = problem.detail.into_owned();
        Refusal { status: code.status().as_u16(), code: code.as_str(), detail }
    }
}

/// Reads `body` as a deploy of the workflow `name` does.
///
/// # Errors
///
/// It is no workflow file, or one for another workflow.
pub fn workflow_file(
    content_type: Option<&str>,
    body: &[u8],
    name: &WorkflowName,
) -> Result<WorkflowSpec, Refusal> {
    let mut headers = HeaderMap::new();
    if let Some(value) = content_type.and_then(|value| HeaderValue::from_str(value).ok()) {
        headers.insert(CONTENT_TYPE, value);
    }
    Ok(workflow_file::parse(&headers, body, name)?)
}

/// The event that a request to a trigger becomes. `client_ip` sent it.
///
/// # Errors
///
/// The body is not what its content type says, or is nested too deep.
pub async fn event(
    request: Request<Vec<u8>>,
    public_url: &str,
    client_ip: Option<IpAddr>,
) -> Result<BoundedJson, Refusal> {
    let (parts, body) = request.into_parts();
    let client = ClientIp(client_ip);
    let data = RequestData::new(&parts, body, Sender::Webhook, public_url, client).await?;
    Ok(data.to_json()?)
}
