//! Moves executions: takes up what is due, runs it, makes the outcome durable, and answers
//! those who call, ask or wait.

mod api;
mod engine;
mod view;

pub use api::{
    Admitted, Approval, ApprovalState, CallError, ComponentGate, DeployError, LinkAnswer, LinkCall,
    LinkOutcome, PutComponentError, RefusedComponent, TriggerError, TriggerRequest, Triggered,
};
pub use engine::{Engine, EngineError, EngineMetrics, EngineParts, EngineSettings, MailSettings};
pub use view::{
    ExecutionPage, ExecutionSummary, ExecutionView, HistoryView, LogView, SegmentView, StepView,
    TestReport, Waiting,
};
