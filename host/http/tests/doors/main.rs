//! The routes over a real engine, with a store in memory and steps that are told what to do.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod api;
mod links;
mod strangers;
mod support;
mod tokens;
