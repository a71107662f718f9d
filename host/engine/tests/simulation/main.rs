//! The engine in a simulated world: the real one, over a store that survives it, with steps,
//! callers, clocks and deaths that a seed decides about. A seed gives the same again.
//!
//! # Layout
//!
//! - `schedule.rs`: everything waits its turn; dice say whose it is
//! - `world.rs`: what outlives an engine, and how one comes to life over it
//! - `steps.rs`: what steps do; `actors.rs`: what people and programs outside do
//! - `interleaving.rs`: one seed's story, from the first trigger to the last end
//! - `records.rs`: what really happened, read from the store after every write
//! - `invariants.rs`: what has to be true of it; `promises.rs`: what callers were told
//! - `kinds.rs`: what the stories are about
//! - `random.rs`: a million stories; `each_call.rs`: a few, in which every call goes wrong once
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]
#![expect(clippy::print_stdout, reason = "the rate and the trace are what one wants to see")]

mod actors;
mod each_call;
mod interleaving;
mod invariants;
mod kinds;
mod promises;
mod random;
mod records;
mod schedule;
mod steps;
mod world;
