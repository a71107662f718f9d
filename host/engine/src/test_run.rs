//! A test run: a workflow in the foreground that leaves nothing behind. It goes through the
//! same decisions as any execution; only their outcomes are kept in memory and forgotten.

use std::collections::HashMap;

use waystation_core::{
    BoundedJson, Event, Execution, Flow, NewExecution, PayloadId, Rejected, State, Status,
    Transition, Workflow, WorkflowName, transition,
};
use waystation_store::{RunLog, StoreError};

use crate::drive::outcome;
use crate::engine::Engine;
use crate::prepare::Inputs;
use crate::read;
use crate::{LogView, TestReport};

struct Rehearsal {
    execution: Execution,
    payloads: HashMap<PayloadId, BoundedJson>,
    logs: Vec<RunLog>,
}

impl Engine {
    /// Runs a workflow's live version with `event`. `None`: there is no such workflow. A call
    /// of `suspend`, `rerun` or `delay` ends it as canceled. Mails are not sent.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] when `test_runs_max` others are under way; or the store failed.
    pub async fn test_run(
        &self,
        name: &WorkflowName,
        event: BoundedJson,
    ) -> Result<Option<TestReport>, StoreError> {
        let Some(workflow) = self.0.store.workflow(name).await? else { return Ok(None) };
        let _place = self.0.test_runs.try_acquire().map_err(|_| StoreError::Busy)?;
        // It takes a slot like any other run.
        let slot = self.slot().await.ok_or(StoreError::Closed)?;
        let trigger = Execution::trigger(
            NewExecution {
                id: self.new_id(),
                workflow: &workflow,
                event,
                payload_bytes_max: self.limits().execution_bytes_max as u64,
                memory_mib: self.limits().memory_mib,
                step_runs_max: self.limits().step_runs_max,
            },
            self.0.clock.now(),
        );
        let mut rehearsal = Rehearsal {
            execution: trigger.next.clone(),
            payloads: HashMap::new(),
            logs: Vec::new(),
        };
        rehearsal.accept(trigger);
        let message = self.rehearse(&workflow, &mut rehearsal).await?;
        drop(slot);
        Ok(Some(rehearsal.report(message)))
    }

    /// Moves the rehearsal to its end. Returns why it ended before the workflow did.
    async fn rehearse(
        &self,
        workflow: &Workflow,
        rehearsal: &mut Rehearsal,
    ) -> Result<Option<String>, StoreError> {
        while let State::Queued(run) = rehearsal.execution.state.clone() {
            let start = Event::Start { run: run.id, attempt: run.attempt };
            let inputs = self.with_secrets(workflow, &run, rehearsal.inputs(&run)?).await?;
            if let Err(rejected) = rehearsal.apply(start, self.0.clock.now()) {
                return Ok(Some(rejected.to_string()));
            }
            let report = self.attempt(workflow, &rehearsal.execution, &run, inputs).await;
            let (mut event, attachments) = outcome(&run, report);
            rehearsal.logs.extend(attachments.log);
            let refused = refused(&mut event);
            try_once(&mut event);
            if let Err(rejected) = rehearsal.apply(event, self.0.clock.now()) {
                return Ok(Some(rejected.to_string()));
            }
            if let Some(call) = refused {
                rehearsal.cancel(self.0.clock.now());
                return Ok(Some(format!(
                    "Workflow execution canceled — this may be due to flow.{call}() usage \
                     (not supported in test)"
                )));
            }
        }
        Ok(None)
    }
}

/// The flow call that a test run can't follow. It becomes a plain wait, whatever it asked for,
/// so that the run ends in one place: paused, and then canceled.
fn refused(event: &mut Event) -> Option<&'static str> {
    let Event::Finish { flow, .. } = event else { return None };
    let call = match flow {
        Flow::Suspend { .. } => "suspend",
        Flow::Rerun { .. } => "rerun",
        Flow::Delay { .. } => "delay",
        Flow::Continue | Flow::Exit { .. } => return None,
    };
    *flow = Flow::Delay { delay_ms: 1 };
    Some(call)
}

/// A test run does not wait for a second try, whoever would allow it: what failed has failed.
fn try_once(event: &mut Event) {
    if let Event::Fail { failure, .. } = event {
        failure.retryable = false;
    }
}

impl Rehearsal {
    fn apply(&mut self, event: Event, now: waystation_core::Timestamp) -> Result<(), Rejected> {
        let change = transition(&self.execution, event, now)?;
        self.accept(change);
        Ok(())
    }

    fn accept(&mut self, change: Transition) {
        self.payloads.extend(change.payloads.put);
        for payload in change.payloads.drop {
            self.payloads.remove(&payload);
        }
        self.execution = change.next;
    }

    fn inputs(&self, run: &waystation_core::Run) -> Result<Inputs, StoreError> {
        let values = Inputs::payloads(&self.execution, run);
        let values = values.iter().map(|payload| self.value(payload.id)).collect();
        Ok(Inputs { test: true, ..Inputs::fill(&self.execution, run, values)? })
    }

    fn value(&self, id: PayloadId) -> BoundedJson {
        self.payloads.get(&id).cloned().unwrap_or_else(BoundedJson::null)
    }

    fn cancel(&mut self, now: waystation_core::Timestamp) {
        let by = waystation_core::Caller::Operator;
        // It is paused, and whatever is paused can be canceled.
        let _ = self.apply(Event::Cancel { pause: None, by }, now);
    }

    fn report(self, message: Option<String>) -> TestReport {
        let execution = &self.execution;
        let name = |step: u16| execution.step(step).map(|step| step.name.to_string());
        let logs = self.logs.iter().map(|log| LogView {
            step: name(log.run.step).unwrap_or_default(),
            run: log.run.run,
            attempt: log.attempt,
            lines: log.lines.clone(),
        });
        let message = message
            .or_else(|| {
                execution.error.as_ref().map(|error| format!("{}: {}", error.name, error.message))
            })
            .or_else(|| execution.exit_reason.clone());
        let status = match execution.status() {
            Status::Queued | Status::Running | Status::Suspended => Status::Failed,
            ended => ended,
        };
        TestReport {
            status,
            message,
            steps: read::steps(&execution.steps, |id| self.value(id)),
            error: execution.error.clone(),
            logs: logs.collect(),
        }
    }
}
