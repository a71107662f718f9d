//! What the host knows about this execution.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use serde_json::json;
//! use waystation_step::testing::FakeHost;
//! use waystation_step::{Error, context, flow};
//!
//! /// What a run hands to the next.
//! #[derive(Deserialize, Serialize)]
//! struct Seen {
//!     pages: u32,
//! }
//!
//! fn handler() -> Result<u32, Error> {
//!     let run = context::run::<Seen>()?;
//!     let pages = run.context.map_or(0, |seen| seen.pages) + 1;
//!     if context::event::<u32>()? > pages {
//!         flow::rerun(1000, &Seen { pages }, None)?;
//!     }
//!     Ok(pages)
//! }
//!
//! let outcome = FakeHost::new().runs(2).context(json!({"pages": 1})).event(json!(2)).call(handler);
//! assert_eq!(outcome.returned(), json!(2));
//! assert_eq!(outcome.asked, None);
//! ```

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Failure;
use crate::host::{self, Host};

/// Which run of its step this is, and what caused it.
#[derive(Clone, Debug)]
pub struct Run<C> {
    /// 1 on the first run of the step in this execution, then one more each rerun.
    pub runs: u32,
    /// What the run before handed to [`flow::rerun`](crate::flow::rerun).
    pub context: Option<C>,
    /// The request that called the resume link and so caused this run.
    pub callback_request: Option<Request>,
}

/// An HTTP request, as links and triggers record it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Request {
    /// Upper case.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// Whole.
    pub url: String,
    /// The query's fields.
    #[serde(default)]
    pub query: BTreeMap<String, Value>,
    /// Names in lower case.
    #[serde(default)]
    pub headers: BTreeMap<String, Value>,
    /// Parsed JSON, an object of form fields, text, or `{"base64": …}`; null when empty.
    #[serde(default)]
    pub body: Value,
    /// Where it came from.
    #[serde(default)]
    pub client_ip: Option<String>,
}

/// The execution around the run.
#[derive(Clone, Debug)]
pub struct Execution {
    /// Its identity, a UUID.
    pub id: String,
    /// The workflow's name.
    pub workflow: String,
    /// The workflow's version.
    pub workflow_version: u32,
    /// The step's name.
    pub step: String,
    /// RFC 3339, UTC: when the execution was triggered.
    pub triggered_at: String,
    /// Milliseconds since the Unix epoch at which this run is cut off.
    pub deadline_ms: u64,
    /// 1, then one more each time the host repeats this run after an error or a crash.
    pub attempt: u32,
    /// The same for every attempt of one run: hand it to services that take one.
    pub idempotency_key: String,
    /// A test run, which cannot pause?
    pub test: bool,
}

/// This run. `C` is what the run before handed to `rerun`; `()` or [`Value`] when it does not
/// matter.
///
/// # Errors
///
/// `UnexpectedJson`: the context is no `C`.
pub fn run<C: DeserializeOwned>() -> Result<Run<C>, Failure> {
    let run = host::current().run();
    let context = run.context.map(|json| read("the run's context", &json)).transpose()?;
    let callback_request =
        run.callback_request.map(|json| read("the callback request", &json)).transpose()?;
    Ok(Run { runs: run.runs, context, callback_request })
}

/// This execution.
pub fn execution() -> Execution {
    host::current().execution()
}

/// The event that triggered the workflow.
///
/// # Errors
///
/// `UnexpectedJson`: the event is no `T`.
pub fn event<T: DeserializeOwned>() -> Result<T, Failure> {
    read("the event", &host::current().event())
}

/// What the steps so far exported: an object of step name to an object of exports.
///
/// # Errors
///
/// `UnexpectedJson`: the exports are no `T`.
pub fn steps<T: DeserializeOwned>() -> Result<T, Failure> {
    read("the steps' exports", &host::current().steps())
}

fn read<T: DeserializeOwned>(what: &str, json: &str) -> Result<T, Failure> {
    serde_json::from_str(json)
        .map_err(|error| Failure::new("UnexpectedJson", format!("{what}: {error}")))
}
