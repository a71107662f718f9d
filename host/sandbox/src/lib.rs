//! Runs steps: WebAssembly components in, outcomes out.
//!
//! A step is foreign code. It gets a fresh instance for every attempt, sees only what its
//! [`RunRequest`](waystation_core::RunRequest) holds, and is stopped when it takes more
//! memory, processor time or wall time than it may. Its calls out pass a guard that knows
//! where the operator and the step's author let it go.
//!
//! # Layout
//!
//! - [`Sandbox`]: admits components and runs them; the
//!   [`StepRunner`](waystation_core::StepRunner) of the host
//! - [`inspect`]: what a component is, without compiling it
//! - [`SandboxConfig`], [`OutboundPolicy`]: what the operator decides
//! - [`ComponentSource`]: where the bytes of admitted components are kept
//!
//! Invariant: nothing here knows of workflows, stores or HTTP servers. What a run asked for
//! is recorded in its report; others make it happen.

mod attempt;
mod bindings;
mod components;
mod config;
mod cpu;
mod engine;
mod flight;
mod guest;
mod handler_type;
mod host;
mod inspect;
mod interfaces;
mod invalid;
mod logs;
mod manifest;
mod memory;
mod outbound;
mod outcome;
mod sandbox;
mod stdio;
mod ticker;

pub use components::ComponentSource;
pub use config::{OutboundPolicy, SandboxConfig, SandboxError};
pub use inspect::inspect;
pub use invalid::InvalidComponent;
pub use manifest::Manifest;
#[doc(hidden)]
pub use outbound::fuzzing;
pub use sandbox::Sandbox;
