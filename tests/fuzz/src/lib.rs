//! Fuzz targets: plain functions that take bytes, do with them what the host does with what
//! strangers send, and panic when a promise is broken.
//!
//! # Layout
//!
//! - one file a target; [`TARGETS`] lists them
//! - `corpus/TARGET/`: inputs to start from and inputs that once broke something
//! - [`mutate`]: changes inputs at random, without a fuzzer
//! - `tests/replay.rs`: the whole corpus and some thousand mutations, with `cargo test`
//! - `fuzz_targets/`: the same functions under libFuzzer, for `cargo xtask fuzz` and `cargo fuzz`
#![expect(clippy::expect_used, reason = "a target tells by a panic what is wrong")]

mod backup;
#[cfg(feature = "sandbox")]
mod bounds;
mod http_event;
mod link_token;
pub mod mutate;
mod template;
mod workflow_file;

#[cfg(feature = "sandbox")]
mod host_calls;
#[cfg(feature = "sandbox")]
mod outbound;
#[cfg(feature = "sandbox")]
pub mod upload;

pub use backup::backup;
pub use http_event::http_event;
pub use link_token::link_token;
pub use template::template;
pub use workflow_file::workflow_file;

#[cfg(feature = "sandbox")]
pub use self::{host_calls::host_calls, outbound::outbound, upload::upload};

/// One target.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, which is also that of its corpus and of its program.
    pub name: &'static str,
    /// Takes one input. Panics when something is wrong.
    pub run: fn(&[u8]),
    /// Makes another input of one.
    pub mutate: fn(&mut fastrand::Rng, &[u8]) -> Vec<u8>,
    /// Inputs of its corpus that are made from sources, with the names of their files.
    pub made: fn() -> Vec<(&'static str, Vec<u8>)>,
    /// Mutations in a short pass: what takes about three seconds.
    pub short_pass: usize,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target {
        name: "link_token",
        run: link_token,
        mutate: |rng, input| mutate::bytes(rng, input, &[b"=", b"_", b"-"]),
        made: Vec::new,
        short_pass: 10_000,
    },
    Target {
        name: "workflow_file",
        run: workflow_file,
        mutate: |rng, input| mutate::bytes(rng, input, workflow_file::WORDS),
        made: Vec::new,
        short_pass: 1_500,
    },
    Target {
        name: "template",
        run: template,
        mutate: |rng, input| mutate::bytes(rng, input, template::WORDS),
        made: Vec::new,
        short_pass: 4_000,
    },
    Target {
        name: "http_event",
        run: http_event,
        mutate: |rng, input| mutate::bytes(rng, input, http_event::WORDS),
        made: Vec::new,
        short_pass: 10_000,
    },
    Target {
        name: "backup",
        run: backup,
        mutate: |rng, input| mutate::bytes(rng, input, backup::WORDS),
        made: backup::seeds,
        short_pass: 50,
    },
    #[cfg(feature = "sandbox")]
    Target {
        name: "outbound",
        run: outbound,
        mutate: |rng, input| mutate::bytes(rng, input, outbound::WORDS),
        made: Vec::new,
        short_pass: 10_000,
    },
    #[cfg(feature = "sandbox")]
    Target {
        name: "upload",
        run: upload,
        mutate: upload::mutate,
        made: upload::components,
        short_pass: 2_000,
    },
    #[cfg(feature = "sandbox")]
    Target {
        name: "host_calls",
        run: host_calls,
        mutate: |rng, input| mutate::bytes(rng, input, &[]),
        made: host_calls::programs,
        short_pass: 2_000,
    },
];
