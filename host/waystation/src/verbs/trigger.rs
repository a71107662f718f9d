//! `waystation trigger`.

use crate::client::{Server, until_at_rest};
use crate::failure::{Done, Failure};
use crate::verbs::{event, segment, show};
use crate::{output, progress};

/// What to start.
pub(super) struct Request {
    pub(super) workflow: String,
    pub(super) data: Option<String>,
    pub(super) wait: bool,
    pub(super) idempotency_key: Option<String>,
}

pub(super) fn run(server: &Server, request: &Request, json: bool) -> Done {
    let event = event::read(request.data.as_deref())?;
    let path = format!("/api/v1/workflows/{}/executions", segment(&request.workflow)?);
    let key = request.idempotency_key.as_deref();
    let headers: Vec<(&str, &str)> = key.map(|key| ("idempotency-key", key)).into_iter().collect();
    let mut execution = server.post(&path, &headers, &event)?.body;
    let id = show::word(&execution, "id");
    if request.wait {
        let spinner = progress::spinner(&format!("{id} is under way"));
        let rested = until_at_rest(server, segment(&id)?);
        spinner.finish_and_clear();
        execution = rested?;
    }
    if json {
        output::json(&execution);
    } else if request.wait {
        output::line(show::execution(&execution));
    } else {
        output::line(id);
    }
    if request.wait && execution["status"] == "failed" {
        return Err(Failure::new("the execution failed"));
    }
    Ok(())
}
