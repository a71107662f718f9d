//! Moves executions: takes up what is due, runs it, makes the outcome durable, and answers
//! those who call, ask or wait.
//!
//! # Layout
//!
//! - `engine.rs`: the [`Engine`] and what it holds; `settings.rs`: what it is made of
//! - `dispatch.rs`: takes up what is ready; `drive.rs`: moves one execution as far as it goes
//! - `timers.rs`: ends pauses whose time is over; `retention.rs`: removes what ended long ago;
//!   `alarm.rs`: notices what should have happened and has not
//! - `prepare.rs`, `template/`: what a run gets to see; `test_run.rs`: a run that leaves nothing
//! - `trigger.rs`, `calls.rs`, `definitions.rs`, `read.rs`: what callers ask for
//! - `vault.rs`: seals secrets; `secrets.rs`: who sets them and who gets them
//! - `clock.rs`: waiting for the wall clock; `mail/`: deliveries; `waiters.rs`: those who wait for an answer
//! - `fuzzing.rs`: what the fuzz targets call
//!
//! Knows nothing of HTTP, nor of WebAssembly: guests run behind [`waystation_core::StepRunner`].

mod active;
mod alarm;
mod api;
mod calls;
mod clock;
mod definitions;
mod disk;
mod dispatch;
mod drive;
mod early;
mod engine;
#[doc(hidden)]
pub mod fuzzing;
mod mail;
mod prepare;
mod read;
mod retention;
mod secrets;
mod settings;
mod template;
mod test_run;
mod timers;
mod trigger;
mod vault;
mod view;
mod waiters;

pub use api::{
    Acceptance, Admitted, Approval, ApprovalState, CallError, ComponentGate, DeployError, DiskLow,
    GateError, LinkAnswer, LinkCall, LinkOutcome, PutComponentError, RefusedComponent,
    TriggerError, TriggerRequest, Triggered,
};
pub use definitions::UploadPlace;
pub use engine::Engine;
pub use secrets::{PutSecretError, SecretView};
pub use settings::{EngineError, EngineMetrics, EngineParts, EngineSettings, MailSettings};
pub use waystation_store::StoreFigures;

pub use vault::{NoRandomness, OpenError, SecretKeys};
pub use view::{
    ExecutionPage, ExecutionSummary, ExecutionView, HistoryView, Listing, LogView, SegmentView,
    StepView, TestReport, Waiting,
};
