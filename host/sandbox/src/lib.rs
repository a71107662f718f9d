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
//! - [`Compiler`]: who compiles components; [`compile`] is the work
//! - [`SandboxConfig`], [`OutboundPolicy`], [`OwnServer`]: what the operator decides
//! - [`Resolve`]: who looks up names
//! - [`ComponentSource`]: where the bytes of admitted components are kept
//!
//! Invariant: nothing here knows of workflows, stores or HTTP servers. What a run asked for
//! is recorded in its report; others make it happen.

mod attempt;
mod bindings;
mod capacity;
pub mod compile;
mod compiler;
mod components;
mod config;
mod cpu;
mod engine;
mod flight;
mod guest;
mod handler_type;
mod held;
mod host;
mod inspect;
mod interfaces;
mod invalid;
mod logs;
mod machine_code;
mod manifest;
mod masked;
mod masked_schema;
mod masks;
mod memory;
mod outbound;
mod outcome;
mod sandbox;
mod secrets;
mod shape;
mod stdio;
mod ticker;
mod tidy;

pub use compiler::{AdmitError, Compiler, InProcess};
pub use components::ComponentSource;
pub use config::{OutboundPolicy, SandboxConfig, SandboxError};
pub use inspect::inspect;
pub use invalid::InvalidComponent;
pub use manifest::Manifest;
#[doc(hidden)]
pub use outbound::fuzzing;
pub use outbound::{OwnServer, Resolve, SystemResolver};
pub use sandbox::Sandbox;
