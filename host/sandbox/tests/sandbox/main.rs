//! Guests in a sandbox: what they can do, and what they can't.

mod admission;
mod host;
mod limits;
mod outbound;
mod outcomes;
mod support;
