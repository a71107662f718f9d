//! Waits for an execution without keeping a connection for hours.

use serde_json::Value;

use super::Server;
use crate::failure::Done;

/// How long one request waits, in seconds.
const SECONDS: u32 = 30;

/// The execution when it has ended or paused.
pub(crate) fn until_at_rest(server: &Server, id: &str) -> Done<Value> {
    loop {
        let execution = server.get(&format!("/api/v1/executions/{id}?wait={SECONDS}"))?.body;
        if !matches!(execution["status"].as_str(), Some("queued" | "running")) {
            return Ok(execution);
        }
    }
}
