//! Run a step in plain Rust, without a host.
//!
//! There is none in `cargo test`, which builds for the machine it runs on. A [`FakeHost`] takes
//! its place for one call of a handler, and tells what the step asked for. Not part of
//! components.
//!
//! ```
//! use serde::Deserialize;
//! use serde_json::json;
//! use waystation_step::testing::{Asked, FakeHost, Reply};
//! use waystation_step::{Error, context, flow, http};
//!
//! #[derive(Deserialize)]
//! struct Props {
//!     url: String,
//! }
//!
//! #[waystation_step::handler]
//! fn handler(props: Props) -> Result<Option<String>, Error> {
//!     if context::run::<()>()?.runs > 1 {
//!         return Ok(Some(http::get(&props.url).send()?.error_for_status()?.text()));
//!     }
//!     flow::rerun(10_000, &(), Some(3))?;
//!     Ok(None)
//! }
//!
//! let host = FakeHost::new()
//!     .props(json!({"url": "http://jobs.example/7"}))
//!     .http(|request| match request.url() {
//!         "http://jobs.example/7" => Reply::new(200).text("DONE"),
//!         _ => Reply::new(404),
//!     });
//! let first = host.clone().call(handler);
//! assert_eq!(first.returned(), json!(null));
//! let again = Asked::Rerun { delay_ms: 10_000, context: json!(null), max_retries: Some(3) };
//! assert_eq!(first.asked, Some(again));
//! assert_eq!(host.runs(2).call(handler).returned(), json!("DONE"));
//! ```

mod fake_host;
mod outcome;
mod record;
mod reply;
mod rules;

pub use crate::http::Sent;
pub use fake_host::FakeHost;
pub use outcome::{Asked, Outcome};
pub use reply::Reply;

pub(crate) use record::current;
