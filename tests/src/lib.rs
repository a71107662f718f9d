//! Black-box tests of the `waystation` binary: what it does over HTTP and on the command line.
//!
//! The tests are in `tests/`, one file a subject; this is their vocabulary. A test starts a
//! [`Server`] on a data directory of its own, uploads guests that `cargo xtask test` has built
//! from `guests/` and `../examples/`, and looks at what happens through a [`Client`].
//!
//! # Layout
//!
//! - the process: [`Server`], its [`Memory`], [`Cli`]
//! - talking to it: [`Client`], [`http`], [`Raw`]
//! - what it runs: [`guests`], [`toolbox`]; what it should not take: [`bombs`]
//! - the world around it: [`Recorder`], [`Gate`], [`Arrivals`], [`Script`], [`MailServer`], [`Clock`], [`Browser`]
//! - patience: [`wait`]
//! - runs beside an upload: [`neighbours`]
//! - all of it under torture: [`torture`]
//!
//! Whatever goes wrong here ends the test: the harness panics and says what it was doing.
#![expect(clippy::expect_used, reason = "a harness that can't do its work fails the test")]

mod arrivals;
pub mod bombs;
mod browser;
mod cli;
mod client;
mod clock;
pub mod crowd;
pub mod formats;
mod gate;
pub mod guests;
pub mod http;
mod memory;
pub mod neighbours;
mod processes;
mod raw;
mod recorder;
mod script;
mod server;
mod smtp;
pub mod toolbox;
pub mod torture;
pub mod wait;

pub use arrivals::{Arrivals, read_head};
pub use browser::Browser;
pub use cli::{Cli, Said};
pub use client::{Client, TOKEN, Upload, run_id};
pub use clock::Clock;
pub use gate::Gate;
pub use http::Answer;
pub use memory::Memory;
pub use raw::Raw;
pub use recorder::{Recorded, Recorder, Reply};
pub use script::Script;
pub use server::{Process, Server, ServerOptions, Stopped};
pub use smtp::MailServer;
