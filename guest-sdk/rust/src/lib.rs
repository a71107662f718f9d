//! Steps of durable workflows, in Rust.
//!
//! ```text
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
//! ```
//!
//! Build it as a `cdylib` with `cargo build --release --target wasm32-wasip2`: the `.wasm` file
//! is the component. `println!` goes to the run's log. A panic ends the run as a trap, with its
//! message in the log; return an [`Error`] for what can be expected.
//!
//! # Layout
//!
//! - what the step asks for: [`flow`], [`exports`], [`http_response`], [`send`]
//! - what it is told: [`context`]
//! - calling out: [`http`]
//! - how it fails: [`Error`]

pub mod context;
mod error;
pub mod exports;
pub mod flow;
pub mod http;
pub mod http_response;
mod run;
pub mod send;

pub use error::Error;
pub use waystation_step_macros::handler;

/// Generated; the WIT files have the words.
#[doc(hidden)]
#[allow(missing_docs, reason = "generated")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "step-http",
        generate_all,
        pub_export_macro: true,
        default_bindings_module: "waystation_step::__private::bindings",
    });
}

/// What `#[handler]` expands to; no part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::bindings;
    pub use crate::bindings::{Failure, Guest, export};
    pub use crate::run::{run, run_without_props};
}
