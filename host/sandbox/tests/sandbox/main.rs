//! Guests in a sandbox: what they can do, and what they can't.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod admission;
mod compilers;
mod held;
mod host;
mod limits;
mod outbound;
mod outcomes;
mod support;
mod ways_in;
