//! Moves one execution as far as it goes: from step to step until it pauses or ends.

use std::sync::atomic::Ordering;
use std::time::Duration;

use waystation_core::{
    Event, Execution, Failure, FailureKind, Left, LogLine, Run, RunOutcome, RunReport, State,
    Workflow,
};
use waystation_store::{ApplyError, Attachments, RunLog, StoreError};

use crate::dispatch::Held;
use crate::early::no_longer_matters;
use crate::engine::Engine;
use crate::prepare::Inputs;

/// How long to wait when the sandbox has no room, although there was a slot.
const BUSY_RETRY: Duration = Duration::from_millis(50);

pub(crate) async fn drive(engine: Engine, held: Held) {
    let id = held.id;
    if let Err(error) = engine.drive(&held).await {
        // Whatever it was, the store has the execution as it was before; it is taken up again
        // in a while, and others have its slot meanwhile.
        tracing::error!(%id, %error, "an execution could not be moved");
        engine.put_aside(id);
    }
}

impl Engine {
    async fn drive(&self, held: &Held) -> Result<(), StoreError> {
        let Some(mut execution) = self.0.store.load(held.id).await? else { return Ok(()) };
        loop {
            let next = match &execution.state {
                State::Queued(_) if !self.is_ready() => return Ok(()),
                State::Queued(run) => self.run_step(held, &execution, run).await?,
                // Nobody holds it but us, and we have not started it.
                State::Running(run) => {
                    let event = Event::Crash { run: run.id, attempt: run.attempt };
                    self.apply(held, event, Attachments::default()).await?
                }
                State::Suspended(_) | State::Completed | State::Failed | State::Canceled => {
                    return Ok(());
                }
            };
            match next {
                // It goes to the end of the line, and the store has it there already.
                Some(next) if is_rerun(&next) => return Ok(()),
                Some(next) => execution = next,
                None => return Ok(()),
            }
        }
    }

    /// Applies what this task found out. `None` when it no longer matters.
    pub(crate) async fn apply(
        &self,
        held: &Held,
        event: Event,
        attachments: Attachments,
    ) -> Result<Option<Execution>, StoreError> {
        no_longer_matters(held.id, self.try_apply(held, event, attachments).await)
    }

    pub(crate) async fn try_apply(
        &self,
        held: &Held,
        event: Event,
        attachments: Attachments,
    ) -> Result<Execution, ApplyError> {
        let mails = !attachments.mails.is_empty();
        let applied = self.0.store.apply(held.id, event, self.0.clock.now(), attachments).await?;
        self.after(&applied);
        if mails {
            self.0.mail.wake();
        }
        Ok(applied.execution)
    }

    async fn run_step(
        &self,
        held: &Held,
        execution: &Execution,
        run: &Run,
    ) -> Result<Option<Execution>, StoreError> {
        let workflow = self.version(&execution.workflow, execution.workflow_version).await?;
        let inputs = self.inputs(execution, run).await?;
        let inputs = self.with_secrets(&workflow, run, inputs).await?;
        let start = Event::Start { run: run.id, attempt: run.attempt };
        if self.may_kill_its_host(execution, run) {
            // Then its attempts are counted on disk before they begin.
            if self.apply(held, start, Attachments::default()).await?.is_none() {
                return Ok(None);
            }
            self.0.suspects.lock().remove(&held.id);
        } else {
            self.0.store.apply_behind(held.id, start, self.0.clock.now());
        }
        self.0.counters.runs.fetch_add(1, Ordering::Relaxed);
        let report = tokio::select! {
            // In this order: a run whose outcome no longer matters does not even begin.
            biased;
            () = held.interrupt.notified() => return Ok(None),
            report = self.attempt(&workflow, execution, run, inputs) => report,
        };
        let (event, attachments) = outcome(run, report);
        self.conclude(held, event, attachments).await
    }

    /// A run that kills its host before its start mark is on disk would do so for ever. The
    /// runs that a new process finds are the ones to suspect, whatever the clock shows.
    fn may_kill_its_host(&self, execution: &Execution, run: &Run) -> bool {
        run.crashes > 0 || self.0.suspects.lock().contains(&execution.id)
    }

    pub(crate) async fn attempt(
        &self,
        workflow: &Workflow,
        execution: &Execution,
        run: &Run,
        inputs: Inputs,
    ) -> RunReport {
        loop {
            let request = match self.request(workflow, execution, run, inputs.clone()) {
                Ok(request) => request,
                Err(failure) => return failed_before(failure),
            };
            let report = self.0.runner.run(request).await;
            match report.outcome {
                RunOutcome::HostBusy => tokio::time::sleep(BUSY_RETRY).await,
                RunOutcome::Returned { .. } | RunOutcome::Failed(_) => return report,
            }
        }
    }
}

/// Is the same step due once more, at once? A step that calls its own link before it returns
/// would otherwise keep its slot for ever.
fn is_rerun(execution: &Execution) -> bool {
    match &execution.state {
        State::Queued(run) => run.id.run > 1 && run.attempt == 1,
        _ => false,
    }
}

fn failed_before(failure: Failure) -> RunReport {
    RunReport {
        outcome: RunOutcome::Failed(failure),
        logs: Vec::new(),
        mails: Vec::new(),
        compute_ms: 0,
    }
}

/// What a report means for the execution, and what is kept beside it.
pub(crate) fn outcome(run: &Run, report: RunReport) -> (Event, Attachments) {
    let RunReport { outcome, logs, mails, compute_ms } = report;
    let (run, attempt) = (run.id, run.attempt);
    let left = Left {
        log_bytes: logs.iter().map(|line| line.stored_bytes() as u64).sum(),
        mails: u32::try_from(mails.len()).unwrap_or(u32::MAX),
    };
    let event = match outcome {
        RunOutcome::Returned { result, exports, flow } => Event::Finish {
            run,
            attempt,
            compute_ms,
            result: result.map(Into::into),
            exports: exports.into_iter().map(|(name, json)| (name, json.into())).collect(),
            flow,
            left,
            early_fit: None,
        },
        RunOutcome::Failed(failure) => {
            Event::Fail { run, attempt, compute_ms, failure: failure.cut(), left }
        }
        RunOutcome::HostBusy => {
            let failure = Failure::new(FailureKind::HostFault, "HostBusy", "the host had no room");
            Event::Fail { run, attempt, compute_ms, failure: failure.retryable(), left }
        }
    };
    let log = log_of(run, attempt, logs);
    (event, Attachments { log, mails })
}

fn log_of(run: waystation_core::PauseId, attempt: u32, lines: Vec<LogLine>) -> Option<RunLog> {
    (!lines.is_empty()).then_some(RunLog { run, attempt, lines })
}
