//! Signatures first.
#![allow(clippy::unimplemented, clippy::unused_async, missing_docs, unused_variables, reason = "draft")]
use std::{path::PathBuf, sync::Arc, time::Duration};
use waystation_core::*;
use waystation_store::{ComponentRecord, DeleteError, ExecutionFilter, Store, StoreError};
use crate::*;

pub struct EngineParts {
    pub store: Arc<dyn Store>,
    pub runner: Arc<dyn StepRunner>,
    pub gate: Arc<dyn ComponentGate>,
    pub clock: Arc<dyn Clock>,
    pub keys: LinkKeys,
    pub settings: EngineSettings,
}
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// without a slash at its end
    pub public_url: String,
    pub on_timeout: OnTimeout,
    pub limits: Limits,
    pub mail: MailSettings,
}
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// `smtp://host:port`, `smtps://…`; none: files in `outbox`
    pub smtp_url: Option<String>,
    pub from: String,
    pub owner: Option<String>,
    pub outbox: PathBuf,
}
#[derive(Clone)]
pub struct Engine;
impl Engine {
    pub async fn start(parts: EngineParts) -> Result<Engine, EngineError> { unimplemented!() }
    /// Takes up nothing new, gives runs under way `limits.drain_s`, stops.
    pub async fn shutdown(&self) { unimplemented!() }
    pub fn limits(&self) -> &Limits { unimplemented!() }
    pub fn public_url(&self) -> &str { unimplemented!() }
    /// Takes up work (false while shutting down).
    pub fn is_ready(&self) -> bool { unimplemented!() }
    pub fn metrics(&self) -> EngineMetrics { unimplemented!() }

    pub async fn put_component(&self, name: ComponentName, bytes: Vec<u8>) -> Result<(ComponentRecord, bool), PutComponentError> { unimplemented!() }
    pub async fn components(&self) -> Result<Vec<ComponentRecord>, StoreError> { unimplemented!() }
    pub async fn component(&self, name: &ComponentName) -> Result<Option<ComponentRecord>, StoreError> { unimplemented!() }
    pub async fn delete_component(&self, name: &ComponentName) -> Result<(), DeleteError> { unimplemented!() }

    pub async fn deploy(&self, spec: WorkflowSpec) -> Result<waystation_store::Deployed, DeployError> { unimplemented!() }
    pub async fn workflow(&self, name: &WorkflowName) -> Result<Option<Workflow>, StoreError> { unimplemented!() }
    pub async fn workflows(&self) -> Result<Vec<Workflow>, StoreError> { unimplemented!() }
    pub async fn workflow_versions(&self, name: &WorkflowName) -> Result<Vec<Workflow>, StoreError> { unimplemented!() }
    pub async fn delete_workflow(&self, name: &WorkflowName) -> Result<(), DeleteError> { unimplemented!() }

    pub async fn trigger(&self, request: TriggerRequest) -> Result<Triggered, TriggerError> { unimplemented!() }
    pub async fn execution(&self, id: ExecutionId) -> Result<Option<ExecutionView>, StoreError> { unimplemented!() }
    pub async fn executions(&self, filter: ExecutionFilter, limit: usize) -> Result<ExecutionPage, StoreError> { unimplemented!() }
    pub async fn history(&self, id: ExecutionId) -> Result<Option<Vec<HistoryView>>, StoreError> { unimplemented!() }
    pub async fn logs(&self, id: ExecutionId) -> Result<Option<Vec<LogView>>, StoreError> { unimplemented!() }
    /// Returns when the execution has ended or paused, or after `at_most`.
    pub async fn wait(&self, id: ExecutionId, at_most: Duration) -> Result<Option<ExecutionView>, StoreError> { unimplemented!() }

    /// By the operator; `request` is the API request in the shape of a link's.
    pub async fn resume(&self, id: ExecutionId, call: LinkCall) -> Result<LinkAnswer, CallError> { unimplemented!() }
    pub async fn cancel(&self, id: ExecutionId) -> Result<LinkAnswer, CallError> { unimplemented!() }

    /// None: not a token of ours.
    pub fn verify(&self, token: &str) -> Option<Link> { unimplemented!() }
    /// `action` is Resume or Cancel (an approve link calls with the button's action).
    pub async fn call_link(&self, link: Link, action: LinkAction, call: LinkCall) -> Result<LinkAnswer, CallError> { unimplemented!() }
    /// Error: NotFound or Store.
    pub async fn approval(&self, link: Link) -> Result<Approval, CallError> { unimplemented!() }

    /// None: no such workflow.
    pub async fn test_run(&self, name: &WorkflowName, event: BoundedJson) -> Result<Option<TestReport>, StoreError> { unimplemented!() }
}
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct EngineError(pub String);
/// Figures for `/metrics`.
#[derive(Clone, Debug, Default)]
pub struct EngineMetrics {
    pub executions_triggered: u64,
    pub executions_completed: u64,
    pub executions_failed: u64,
    pub executions_canceled: u64,
    pub runs_started: u64,
    pub runs_active: u64,
    pub runs_max: u64,
    pub mails_sent: u64,
    pub mails_failed: u64,
    /// how long the most overdue entry of the wake index has waited, ms
    pub overdue_ms: u64,
}
