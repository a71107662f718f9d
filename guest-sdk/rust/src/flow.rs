//! Pause the workflow, run the step again, or end the workflow.
//!
//! No call here stops the step: the code after it still runs, and the host acts when the handler
//! returns. If the handler fails, what was asked for is dropped. Of several calls in one run the
//! last one stands.

use serde::Serialize;
use serde_json::Value;

use crate::bindings::waystation::step::flow as host;

/// Where an outside person or service reaches the pause. Valid at once, also before the step has
/// ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Links {
    /// Any HTTP request sent here resumes the workflow, or reruns the step.
    pub resume_url: String,
    /// Any HTTP request sent here cancels the execution.
    pub cancel_url: String,
    /// A page for people: shows what waits, and asks before it acts.
    pub approval_url: String,
    /// False when a rerun asks for more runs than it allows: nothing is scheduled, and the
    /// workflow goes on to the next step.
    pub scheduled: bool,
}

/// What happens when nobody answers in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnTimeout {
    /// The workflow goes on.
    Resume,
    /// The execution is canceled.
    Cancel,
    /// The execution fails.
    Fail,
}

/// How to pause; `SuspendOptions::default()` is what [`suspend`] does.
#[derive(Clone, Debug, Default)]
pub struct SuspendOptions {
    /// Milliseconds, 1 to 365 days. Default: 24 hours.
    pub timeout_ms: Option<u64>,
    /// Default: the host's, which is to resume unless it is set otherwise.
    pub on_timeout: Option<OnTimeout>,
    /// One line of text for the approval page and the list of what waits.
    pub message: Option<String>,
    /// A JSON Schema that the resuming request's body must satisfy.
    pub resume_schema: Option<Value>,
}

/// An argument that the host does not allow: which, what it was, and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidArgument(String);

impl std::fmt::Display for InvalidArgument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidArgument {}

/// Pauses when the step returns, until the resume link is called or the time is over.
///
/// `timeout_ms` is 1 to 365 days; `None` is 24 hours.
///
/// # Errors
///
/// The time is out of range.
pub fn suspend(timeout_ms: Option<u64>) -> Result<Links, InvalidArgument> {
    links(host::suspend(timeout_ms))
}

/// As [`suspend`], with everything there is to choose.
///
/// # Errors
///
/// The time is out of range, or the schema is none.
pub fn suspend_with(options: SuspendOptions) -> Result<Links, InvalidArgument> {
    links(host::suspend_with(&host::SuspendOptions {
        timeout_ms: options.timeout_ms,
        on_timeout: options.on_timeout.map(|choice| match choice {
            OnTimeout::Resume => host::OnTimeout::Resume,
            OnTimeout::Cancel => host::OnTimeout::Cancel,
            OnTimeout::Fail => host::OnTimeout::Fail,
        }),
        message: options.message,
        resume_schema: options.resume_schema.map(|schema| schema.to_string()),
    }))
}

/// Runs this step again after `delay_ms`, or as soon as the resume link is called.
///
/// The next run finds `context` in [`context::run`](crate::context::run). At most `max_retries`
/// reruns (`None`: 10) happen in one execution of this step.
///
/// # Errors
///
/// The delay is out of range (1 to 365 days), or `context` can't be JSON.
pub fn rerun(
    delay_ms: u64,
    context: &(impl Serialize + ?Sized),
    max_retries: Option<u32>,
) -> Result<Links, InvalidArgument> {
    let context = serde_json::to_string(context)
        .map_err(|error| InvalidArgument(format!("context: {error}")))?;
    links(host::rerun(delay_ms, Some(&context).filter(|json| *json != "null").map(String::as_str), max_retries))
}

/// Pauses for `delay_ms` (1 to 365 days), then goes on. The resume link ends the wait early.
///
/// # Errors
///
/// The delay is out of range.
pub fn delay(delay_ms: u64) -> Result<Links, InvalidArgument> {
    links(host::delay(delay_ms))
}

/// Takes back what this run asked for: no pause, no rerun.
pub fn withdraw() {
    host::withdraw();
}

/// Ends the workflow, successfully, when the step returns.
pub fn exit(reason: Option<&str>) {
    host::exit(reason);
}

fn links(answer: Result<host::Links, host::Error>) -> Result<Links, InvalidArgument> {
    let links = answer.map_err(|host::Error::InvalidArgument(words)| InvalidArgument(words))?;
    Ok(Links {
        resume_url: links.resume_url,
        cancel_url: links.cancel_url,
        approval_url: links.approval_url,
        scheduled: links.scheduled,
    })
}
