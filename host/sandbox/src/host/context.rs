//! `context`: what the guest may know.

use crate::bindings::waystation::step::context::{Execution, Host, Run};
use crate::guest::Guest;

impl Host for Guest {
    fn get_run(&mut self) -> Run {
        let run = &self.seen.run;
        Run {
            runs: run.runs,
            context: run.context.as_ref().map(|json| json.as_str().to_owned()),
            callback_request: run.callback_request.as_ref().map(|json| json.as_str().to_owned()),
        }
    }

    fn get_execution(&mut self) -> Execution {
        let execution = &self.seen.execution;
        Execution {
            id: execution.id.to_string(),
            workflow: execution.workflow.to_string(),
            workflow_version: execution.workflow_version,
            step: execution.step.to_string(),
            triggered_at: execution.triggered_at.to_string(),
            deadline_ms: execution.deadline.as_millis(),
            attempt: execution.attempt,
            idempotency_key: execution.idempotency_key.clone(),
            test: execution.test,
        }
    }

    fn get_event(&mut self) -> String {
        self.seen.event.as_str().to_owned()
    }

    fn get_steps(&mut self) -> String {
        self.seen.steps.as_str().to_owned()
    }
}
