//! Hostile guests and hostile callers against the real server.
//!
//! Each attack is made while an innocent execution runs beside it again and again. An [`Attack`]
//! says how it may end, how long that may take, how much the server may grow, and what is kept;
//! the [`Arena`] looks that all of this is so, that the neighbour was served in time, and that
//! the server runs a step afterwards. One attack is made at a time: what is measured is its doing.
//!
//! # Layout
//!
//! - one module a subject, whose tests are lists of attacks
//! - `guests/`: the guests as text, each of which begins with what it tries
//! - `arena.rs`, `attack.rs`, `guest.rs`: how an attack is made and judged
//! - `services.rs`: services that a guest should better not call
//! - `table.rs`: all attacks of this run as a table, in `target/hostile.md`
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper that finds nothing has failed"
)]

mod arena;
mod attack;
mod guest;
mod services;
mod table;

mod abi;
mod bombs;
mod callers;
mod flow;
mod held;
mod host_calls;
mod memory;
mod outbound;
mod output;
mod processor;
mod uploads;
