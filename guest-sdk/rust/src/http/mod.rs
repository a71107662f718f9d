//! HTTP requests, which the host carries out.
//!
//! A request goes only where both the step's `allow.http` and the host's `outbound.allow` let it.
//! Calls block; the host runs other steps meanwhile.
//!
//! ```
//! use std::time::Duration;
//!
//! use serde::{Deserialize, Serialize};
//! use serde_json::json;
//! use waystation_step::testing::{FakeHost, Reply};
//! use waystation_step::{Error, http};
//!
//! #[derive(Serialize)]
//! struct Order {
//!     item: String,
//! }
//!
//! #[derive(Deserialize)]
//! struct Job {
//!     id: u32,
//! }
//!
//! fn handler() -> Result<u32, Error> {
//!     let job: Job = http::post("https://api.example.com/jobs")
//!         .header("authorization", "Bearer secret")
//!         .json(&Order { item: "lamp".into() })?
//!         .timeout(Duration::from_secs(5))
//!         .send()?
//!         .error_for_status()?
//!         .json()?;
//!     Ok(job.id)
//! }
//!
//! let outcome = FakeHost::new()
//!     .http(|request| {
//!         assert_eq!(request.json::<serde_json::Value>().unwrap(), json!({"item": "lamp"}));
//!         Reply::new(201).json(&json!({"id": 7}))
//!     })
//!     .call(handler);
//! assert_eq!(outcome.returned(), json!(7));
//! ```
//!
//! # Redirects
//!
//! They are followed, up to [`REDIRECTS_MAX`], unless [`Request::follow_redirects`] says
//! otherwise; the host checks every one of them as if the step had asked for it. As browsers do,
//! a 303, and a 301 or 302 after a POST, go on as GET without the body. Headers with credentials
//! (`authorization`, `cookie`) are not sent on to another origin.
//!
//! # Sizes
//!
//! An answer is read whole into the step's memory, which the host bounds (256 MiB unless it is
//! set otherwise): a larger one ends the run with `MemoryLimit`. It is not decompressed, and
//! nothing asks for compression unless a header does.

mod redirect;
mod request;
mod response;
mod sent;
mod url;

pub use redirect::REDIRECTS_MAX;
pub use request::Request;
pub use response::Response;
pub use sent::Sent;

/// A GET request.
pub fn get(url: &str) -> Request {
    request("GET", url)
}

/// A HEAD request.
pub fn head(url: &str) -> Request {
    request("HEAD", url)
}

/// A POST request.
pub fn post(url: &str) -> Request {
    request("POST", url)
}

/// A PUT request.
pub fn put(url: &str) -> Request {
    request("PUT", url)
}

/// A PATCH request.
pub fn patch(url: &str) -> Request {
    request("PATCH", url)
}

/// A DELETE request.
pub fn delete(url: &str) -> Request {
    request("DELETE", url)
}

/// A request with any method.
pub fn request(method: &str, url: &str) -> Request {
    Request::new(method, url)
}
