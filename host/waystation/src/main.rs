//! Waystation: a self-hosted host for durable workflows of WebAssembly components.
//!
//! # Layout
//!
//! - `args`: the command line; `verbs`: one file a verb
//! - `serve`: the server: data directory, keys, wiring, signals
//! - `compiling`: components are compiled by a child process
//! - `settings`: flags, environment and file, one precedence, errors that name their source
//! - `client`: how verbs talk to a server
//! - `output`, `failure`: everything that is printed, and how the process ends

mod args;
mod client;
mod compiling;
mod failure;
mod output;
mod progress;
mod serve;
mod settings;
mod table;
mod verbs;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Args::parse();
    match verbs::run(args.verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::error(&failure);
            ExitCode::from(failure.exit)
        }
    }
}
