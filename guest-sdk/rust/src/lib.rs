//! Steps of durable workflows, in Rust.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use waystation_step::{Error, context, flow, http};
//!
//! #[derive(Deserialize)]
//! struct Props {
//!     url: String,
//! }
//!
//! #[derive(Deserialize, Serialize)]
//! struct Job {
//!     status: String,
//! }
//!
//! #[waystation_step::handler]
//! fn handler(props: Props) -> Result<Option<Job>, Error> {
//!     if context::run::<()>()?.runs > 1 {
//!         let job: Job = http::get(&props.url).send()?.error_for_status()?.json()?;
//!         if job.status == "DONE" {
//!             return Ok(Some(job));
//!         }
//!     }
//!     flow::rerun(10_000, &(), Some(3))?;
//!     Ok(None)
//! }
//!
//! // What a test of it looks like.
//! use serde_json::json;
//! use waystation_step::testing::{FakeHost, Reply};
//!
//! let host = FakeHost::new()
//!     .props(json!({"url": "http://jobs.example/7"}))
//!     .http(|_request| Reply::new(200).json(&json!({"status": "DONE"})));
//! assert!(host.clone().call(handler).asked.is_some());
//! assert_eq!(host.runs(2).call(handler).returned(), json!({"status": "DONE"}));
//! ```
//!
//! Build it as a `cdylib` with `waystation build .`, or `cargo build --release --target
//! wasm32-wasip2`: the `.wasm` file is the component. `println!` goes to the run's log. A panic
//! ends the run as a trap, with its place and message in the failure; return an [`Error`] for
//! what can be expected.
//!
//! # Layout
//!
//! - what the step asks for: [`flow`], [`exports`], [`http_response`], [`send`]
//! - what it is told: [`context`]
//! - calling out: [`http`]
//! - how it fails: [`Error`], [`Failure`]
//! - trying it without a host: [`testing`]
//!
//! The library calls the real host in components alone. On any other target, which is where
//! `cargo test` and `cargo doc` run, the host is a [`testing::FakeHost`].

pub mod context;
mod error;
pub mod exports;
mod failure;
pub mod flow;
mod handler;
mod host;
pub mod http;
pub mod http_response;
pub mod send;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

pub use error::Error;
pub use failure::Failure;

/// Makes a function the step's handler.
///
/// The function takes the step's props, as any type that `serde` can read, or nothing. It
/// returns a `Result` whose value `serde` can write and whose error is an [`Error`], any standard
/// error, a `Box<dyn Error>`, or anyhow's. It stays an ordinary function beside that, which tests
/// can call.
///
/// ```
/// use serde::Deserialize;
/// use serde_json::json;
/// use waystation_step::{Error, testing::FakeHost};
///
/// #[derive(Deserialize)]
/// struct Props {
///     name: String,
/// }
///
/// #[waystation_step::handler]
/// fn handler(props: Props) -> Result<String, Error> {
///     Ok(format!("hello {}", props.name))
/// }
///
/// let outcome = FakeHost::new().props(json!({"name": "Ada"})).call(handler);
/// assert_eq!(outcome.returned(), "hello Ada");
/// ```
///
/// It can't be `async`: calls to the host block, and nothing in a step could be waited for.
///
/// ```compile_fail
/// #[waystation_step::handler]
/// async fn handler() -> Result<(), waystation_step::Error> {
///     Ok(())
/// }
/// ```
pub use waystation_step_macros::handler;

/// What `#[handler]` expands to; no part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::handler::Handler;
    #[cfg(target_family = "wasm")]
    pub use crate::host::{__export as call, bindings};
}

/// The README's examples are tried as well.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
