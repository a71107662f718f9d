//! What a durable workflow is and how it moves.
//!
//! This crate decides and does nothing else: no clock, no disk, no network, no
//! async runtime. [`transition`] takes an execution, an event and the time, and
//! answers with the next state and everything that has to become durable with
//! it; a store makes that durable, a [`StepRunner`] runs the guest, an engine
//! moves executions between the two.
//!
//! # Layout
//!
//! - the vocabulary: [`Execution`], [`Event`], [`Workflow`], [`Limits`]
//! - the decisions: [`Execution::trigger`] and [`transition`], one file a verb
//! - what crosses to a guest and back: [`StepRunner`], [`RunRequest`], [`RunReport`]
//! - values: [`BoundedJson`], [`Timestamp`], [`ExecutionId`], [`Digest`]
//! - links that need no look-up: [`LinkKeys`]
//! - what a body must look like: [`ResumeSchema`]
//! - where a step may call out to: [`UrlPattern`], [`normal_host`], [`straight_path`]; what it
//!   may not see: [`SecretValue`]

mod credits;
mod event;
mod execution;
mod failure;
mod grant;
mod ids;
mod json;
mod json_keys;
mod limits;
mod links;
mod mail;
mod runner;
mod schema;
mod secret;
mod time;
mod token;
mod transition;
mod url_host;
mod url_path;
mod url_pattern;
mod workflow;

pub use credits::Segment;
pub use event::{
    Caller, EarlyFit, Event, Flow, HistoryEntry, Left, Note, OnTimeout, PauseEnd, PauseEnding,
    Payload,
};
pub use execution::{
    EarlyCall, Execution, NewExecution, Pause, PauseId, PauseKind, PayloadId, PayloadRef, Run,
    State, Status, StepState, StepStatus,
};
pub use failure::{ExecutionError, Failure, FailureKind};
pub use grant::{Grant, Permission};
pub use ids::{
    ComponentName, Digest, ExecutionId, InvalidName, SecretName, StepName, TokenName, WorkflowName,
};
pub use json::{BoundedJson, JsonError};
pub use limits::{Allowance, Limits, RunLimits};
pub use links::{Link, LinkAction, LinkKeys, Links};
pub use mail::{Mail, MailError};
pub use runner::{
    ExecutionContext, HttpResponse, LogLine, LogStream, Responder, RunContext, RunOutcome,
    RunReport, RunRequest, StepRunner,
};
pub use schema::ResumeSchema;
pub use secret::{InvalidSecret, RunSecret, SecretTerms, SecretUse, SecretValue};
pub use time::{Clock, ManualClock, Timestamp};
pub use token::{Scope, Token, TokenId};
pub use transition::{Effect, PayloadChanges, Rejected, Transition, Wake, transition};
pub use url_host::normal_host;
pub use url_path::straight_path;
pub use url_pattern::{CallTarget, InvalidPattern, UrlPattern};
pub use workflow::{
    Allow, HttpTrigger, InvalidWorkflow, Respond, RetryPolicy, StepLimits, StepSpec, Trigger,
    Workflow, WorkflowSpec,
};
