//! Polls a job until it is done.

use serde::Deserialize;
use serde_json::Value;
use waystation_step::{Error, context, flow, http};

/// Reruns, after the first run.
const MAX_RETRIES: u32 = 3;

/// Between two runs, in milliseconds, unless the workflow says otherwise.
const DELAY_MS: u64 = 10_000;

/// The step's settings, from the workflow file.
#[derive(Deserialize)]
struct Props {
    service: String,
    delay: Option<u64>,
}

#[waystation_step::handler]
fn handler(props: Props) -> Result<Option<Value>, Error> {
    let runs = context::run::<Value>()?.runs;
    if runs == MAX_RETRIES + 1 {
        return Err(Error::new("Max retries exceeded").named("JobError").permanent());
    }
    // The job has just been started: give it time before the first look.
    if runs > 1 {
        let url = format!("{}/status", props.service);
        let job: Value = http::get(&url).send()?.error_for_status()?.json()?;
        println!("run {runs}: {job}");
        if job["status"] == "DONE" {
            return Ok(Some(job));
        }
    }
    flow::rerun(props.delay.unwrap_or(DELAY_MS), &(), Some(MAX_RETRIES))?;
    Ok(None)
}
