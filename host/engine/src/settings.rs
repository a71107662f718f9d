//! What an engine is made of.

use std::path::PathBuf;
use std::sync::Arc;

use waystation_core::{Clock, Limits, LinkKeys, OnTimeout, StepRunner};
use waystation_store::{Store, StoreError, StoreFigures};

use crate::{ComponentGate, SecretKeys};

/// Everything that an engine uses.
pub struct EngineParts {
    /// Makes decisions durable.
    pub store: Arc<dyn Store>,
    /// Runs steps.
    pub runner: Arc<dyn StepRunner>,
    /// Checks components.
    pub gate: Arc<dyn ComponentGate>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Signs links.
    pub keys: LinkKeys,
    /// Seals secrets.
    pub secret_keys: SecretKeys,
    /// The operator's wishes.
    pub settings: EngineSettings,
}

/// The operator's wishes.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// What links begin with, without a slash at its end.
    pub public_url: String,
    /// What `suspend` does at its deadline unless the step says otherwise.
    pub on_timeout: OnTimeout,
    /// All limits.
    pub limits: Limits,
    /// How mail is delivered.
    pub mail: MailSettings,
}

/// How mail is delivered.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// `smtp://[user:password@]host[:port]` or `smtps://…`; without it mails become files.
    pub smtp_url: Option<String>,
    /// The sender, as in a mail's `From`.
    pub from: String,
    /// Who gets mails that name nobody.
    pub owner: Option<String>,
    /// The folder for mails that become files.
    pub outbox: PathBuf,
}

/// Why an engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A mail setting is wrong.
    #[error("[email] {key}: {problem}")]
    Mail {
        /// Which.
        key: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// See there.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Figures since the start, and some of the moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineMetrics {
    /// Executions accepted.
    pub executions_triggered: u64,
    /// Executions ended well.
    pub executions_completed: u64,
    /// Executions ended with an error.
    pub executions_failed: u64,
    /// Executions ended by somebody's wish.
    pub executions_canceled: u64,
    /// Attempts begun.
    pub runs_started: u64,
    /// Attempts under way.
    pub runs_active: u64,
    /// Attempts that may be under way at the same time.
    pub runs_max: u64,
    /// Mails delivered.
    pub mails_sent: u64,
    /// Deliveries that failed.
    pub mails_failed: u64,
    /// Executions removed because they ended long ago.
    pub executions_removed: u64,
    /// Executions that could run and do not, at most 1000 are counted.
    pub ready_waiting: u64,
    /// For how long the first of them has waited, in milliseconds.
    pub ready_waiting_ms: u64,
    /// Pauses whose deadline is over and that have not ended, at most 1000 are counted.
    pub timers_overdue: u64,
    /// For how long the first of them is overdue, in milliseconds.
    pub timers_overdue_ms: u64,
    /// What the store's disk has left, in bytes; 0 where that is not known.
    pub disk_free_bytes: u64,
    /// The store's figures.
    pub store: StoreFigures,
}
