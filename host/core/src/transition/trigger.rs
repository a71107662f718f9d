//! A workflow is triggered: an execution begins.

use std::collections::BTreeMap;

use super::{Change, Transition};
use crate::{
    Execution, NewExecution, Payload, PayloadId, PayloadRef, Run, State, StepState, StepStatus,
    Timestamp,
};

impl Execution {
    /// A new execution, its first run due.
    pub fn trigger(new: NewExecution<'_>, now: Timestamp) -> Transition {
        let event = Payload::from(new.event);
        let spec = &new.workflow.spec;
        let steps = spec.steps.iter().map(|step| StepState {
            name: step.name.clone(),
            status: StepStatus::Pending,
            runs: 0,
            attempt: 0,
            exports: BTreeMap::new(),
            started_at: None,
            finished_at: None,
            memory_mib: step.limits.memory_mib.unwrap_or(new.memory_mib),
            retry: step.retry.clone(),
        });
        let execution = Execution {
            id: new.id,
            workflow: spec.name.clone(),
            workflow_version: new.workflow.version,
            version: 1,
            triggered_at: now,
            finished_at: None,
            state: State::Queued(Run::first(0)),
            steps: steps.collect(),
            event: PayloadRef { id: PayloadId(0), bytes: event.bytes },
            early_call: None,
            segment: None,
            compute_ms: 0,
            credits: 0,
            payload_bytes: 0,
            payload_bytes_max: new.payload_bytes_max,
            step_runs_max: new.step_runs_max,
            log_bytes: 0,
            mails: 0,
            next_payload: 0,
            error: None,
            exit_reason: None,
        };
        let mut change = Change::from(execution, now);
        change.next.event = change.store(event);
        change.queue(Run::first(0));
        change.done()
    }
}
