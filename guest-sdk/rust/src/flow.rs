//! Pause the workflow, run the step again, or end the workflow.
//!
//! No call here stops the step: the code after it still runs, and the host acts when the handler
//! returns. If the handler fails, what was asked for is dropped. Of several calls in one run the
//! last one stands.
//!
//! ```
//! use waystation_step::testing::{Asked, FakeHost};
//! use waystation_step::{Error, flow};
//!
//! fn handler() -> Result<(), Error> {
//!     flow::suspend(Some(60_000))?;
//!     Ok(())
//! }
//!
//! let outcome = FakeHost::new().call(handler);
//! let Some(Asked::Suspend(options)) = outcome.asked else { panic!("it asks to be suspended") };
//! assert_eq!(options.timeout_ms, Some(60_000));
//! ```

use serde::Serialize;
use serde_json::Value;

use crate::Failure;
use crate::host::{self, Host};

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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SuspendOptions {
    /// 1 ms to 365 days. Default: 24 hours.
    pub timeout_ms: Option<u64>,
    /// Default: the host's, which is to resume unless it is set otherwise.
    pub on_timeout: Option<OnTimeout>,
    /// One line of text for the approval page and the list of what waits.
    pub message: Option<String>,
    /// A JSON Schema that the resuming request's body must satisfy.
    pub resume_schema: Option<Value>,
}

/// Pauses when the step returns, until the resume link is called or the time is over.
///
/// `timeout_ms` is 1 ms to 365 days; `None` is 24 hours.
///
/// # Errors
///
/// `InvalidArgument`: the time is out of range.
pub fn suspend(timeout_ms: Option<u64>) -> Result<Links, Failure> {
    suspend_with(SuspendOptions { timeout_ms, ..SuspendOptions::default() })
}

/// As [`suspend`], with everything there is to choose.
///
/// # Errors
///
/// `InvalidArgument`: the time is out of range, or the schema is none.
pub fn suspend_with(options: SuspendOptions) -> Result<Links, Failure> {
    host::current().suspend(options)
}

/// Runs this step again after `delay_ms`, or as soon as the resume link is called.
///
/// The next run finds `context` in [`context::run`](crate::context::run). At most `max_retries`
/// reruns (`None`: 10) happen in one execution of this step.
///
/// # Errors
///
/// `InvalidArgument`: the delay is out of range (1 ms to 365 days), or `context` can't be JSON.
pub fn rerun(
    delay_ms: u64,
    context: &(impl Serialize + ?Sized),
    max_retries: Option<u32>,
) -> Result<Links, Failure> {
    let context = serde_json::to_string(context)
        .map_err(|error| Failure::permanent("InvalidArgument", format!("context: {error}")))?;
    // `()` and `None` are no context.
    let context = (context != "null").then_some(context);
    host::current().rerun(delay_ms, context, max_retries)
}

/// Pauses for `delay_ms` (1 ms to 365 days), then goes on. The resume link ends the wait early.
///
/// # Errors
///
/// `InvalidArgument`: the delay is out of range.
pub fn delay(delay_ms: u64) -> Result<Links, Failure> {
    host::current().delay(delay_ms)
}

/// Takes back what this run asked for: no pause, no rerun.
pub fn withdraw() {
    host::current().withdraw();
}

/// Ends the workflow, successfully, when the step returns.
pub fn exit(reason: Option<&str>) {
    host::current().exit(reason);
}
