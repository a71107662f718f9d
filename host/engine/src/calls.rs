//! Calls of links, and the operator's.

use waystation_core::{
    Caller, Event, Execution, ExecutionId, Link, LinkAction, Note, Pause, PauseEnding, PauseId,
    PauseKind, Rejected, ResumeSchema, State, Status,
};
use waystation_store::{Applied, ApplyError, Attachments, StoreError};

use crate::engine::{Engine, to_the_end};
use crate::{Approval, ApprovalState, CallError, LinkAnswer, LinkCall, LinkOutcome};

impl Engine {
    /// Does what a link says. `action` is the link's own, or the button's that was pressed on
    /// an approval page. What it changed is on disk when this returns.
    ///
    /// # Errors
    ///
    /// Nothing has changed; the error says why.
    pub async fn call_link(
        &self,
        link: Link,
        action: LinkAction,
        call: LinkCall,
    ) -> Result<LinkAnswer, CallError> {
        let by = Caller::Request { client_ip: call.client_ip.clone() };
        // To approve is to resume: both are the same call made twice.
        let action = match action {
            LinkAction::Resume | LinkAction::Approve => LinkAction::Resume,
            LinkAction::Cancel => LinkAction::Cancel,
        };
        self.call(link.execution, link.pause, action, by, call).await
    }

    /// Resumes what the execution waits for, whatever it is, on the operator's behalf.
    ///
    /// # Errors
    ///
    /// Nothing has changed; the error says why.
    pub async fn resume(&self, id: ExecutionId, call: LinkCall) -> Result<LinkAnswer, CallError> {
        let execution = self.0.store.load(id).await?.ok_or(CallError::NotFound)?;
        match &execution.state {
            State::Suspended(pause) => {
                self.call(id, pause.id, LinkAction::Resume, Caller::Operator, call).await
            }
            State::Queued(_) | State::Running(_) => Err(CallError::NotPaused),
            State::Completed | State::Failed | State::Canceled => Err(ended(&execution)),
        }
    }

    /// Ends the execution on the operator's behalf. A run under way is interrupted.
    ///
    /// # Errors
    ///
    /// Nothing has changed; the error says why.
    pub async fn cancel(&self, id: ExecutionId) -> Result<LinkAnswer, CallError> {
        let event = Event::Cancel { pause: None, by: Caller::Operator };
        match self.commit(id, event, LinkAction::Cancel).await {
            Ok(answer) => Ok(answer),
            Err(ApplyError::NotFound) => Err(CallError::NotFound),
            Err(ApplyError::Store(error)) => Err(error.into()),
            Err(ApplyError::Rejected(_)) => {
                let execution = self.0.store.load(id).await?.ok_or(CallError::NotFound)?;
                match (execution.status(), execution.finished_at) {
                    (Status::Canceled, Some(at)) => Ok(answer(id, LinkOutcome::Canceled, true, at)),
                    _ => Err(ended(&execution)),
                }
            }
        }
    }

    async fn call(
        &self,
        id: ExecutionId,
        pause: PauseId,
        action: LinkAction,
        by: Caller,
        call: LinkCall,
    ) -> Result<LinkAnswer, CallError> {
        let event = match action {
            LinkAction::Cancel => Event::Cancel { pause: Some(pause), by },
            LinkAction::Resume | LinkAction::Approve => {
                self.check_schema(id, pause, &call).await?;
                Event::Resume { pause, by, data: Some(call.request.into()) }
            }
        };
        match self.commit(id, event, action).await {
            Ok(answer) => Ok(answer),
            Err(ApplyError::NotFound) => Err(CallError::NotFound),
            Err(ApplyError::Store(error)) => Err(error.into()),
            Err(ApplyError::Rejected(rejected)) => self.explain(id, pause, action, rejected).await,
        }
    }

    /// Commits a call and does what follows from it, also when the caller has left meanwhile.
    async fn commit(
        &self,
        id: ExecutionId,
        event: Event,
        action: LinkAction,
    ) -> Result<LinkAnswer, ApplyError> {
        let engine = self.clone();
        to_the_end(async move {
            let now = engine.0.clock.now();
            let applied = engine.0.store.apply(id, event, now, Attachments::default()).await?;
            Ok(engine.called(&applied, action))
        })
        .await
    }

    /// What an accepted call led to, and what follows from it.
    fn called(&self, applied: &Applied, action: LinkAction) -> LinkAnswer {
        self.after(applied);
        let execution = &applied.execution;
        if execution.status().is_terminal() {
            self.interrupt(execution.id);
        } else if execution.status() == Status::Queued {
            self.take_up_or_wait(execution.id, &execution.workflow);
        }
        let mut notes = applied.entry.notes.iter();
        let outcome = match action {
            _ if notes.any(|note| matches!(note, Note::StoredEarlyCall { .. })) => {
                LinkOutcome::Accepted
            }
            LinkAction::Cancel => LinkOutcome::Canceled,
            LinkAction::Resume | LinkAction::Approve => LinkOutcome::Resumed,
        };
        answer(execution.id, outcome, false, applied.entry.at)
    }

    /// Why a call changed nothing: because it did its work before, or because of what happened
    /// instead.
    async fn explain(
        &self,
        id: ExecutionId,
        pause: PauseId,
        action: LinkAction,
        rejected: Rejected,
    ) -> Result<LinkAnswer, CallError> {
        match rejected {
            Rejected::AlreadyCalled { action: called, at } if called == action => {
                Ok(answer(id, LinkOutcome::Accepted, true, at))
            }
            Rejected::AlreadyCalled { action, at } => Err(CallError::OtherCalled { action, at }),
            Rejected::DataLimit { bytes, bytes_max } => {
                Err(CallError::TooLarge { bytes, bytes_max })
            }
            Rejected::Ended(_)
            | Rejected::PauseOver
            | Rejected::NotPaused
            | Rejected::NotThisRun
            | Rejected::EarlyCallUnchecked
            | Rejected::NotDue { .. } => match self.0.store.pause_end(id, pause).await? {
                Some(end) => match (end.ending, action) {
                    (PauseEnding::Resumed, LinkAction::Resume | LinkAction::Approve) => {
                        Ok(answer(id, LinkOutcome::Resumed, true, end.at))
                    }
                    (PauseEnding::Canceled, LinkAction::Cancel) => {
                        Ok(answer(id, LinkOutcome::Canceled, true, end.at))
                    }
                    (ending, _) => Err(CallError::PauseOver { ending, at: end.at }),
                },
                None => {
                    let execution = self.0.store.load(id).await?.ok_or(CallError::NotFound)?;
                    let over = execution.status().is_terminal();
                    Err(if over { ended(&execution) } else { CallError::NeverPaused })
                }
            },
        }
    }

    /// A body that the step's schema does not allow leaves the execution paused.
    async fn check_schema(
        &self,
        id: ExecutionId,
        pause: PauseId,
        call: &LinkCall,
    ) -> Result<(), CallError> {
        let Some(execution) = self.0.store.load(id).await? else { return Ok(()) };
        let schema = match execution.pause() {
            Some(Pause {
                id,
                kind: PauseKind::Suspend { resume_schema: Some(schema), .. },
                ..
            }) if *id == pause => schema.id,
            Some(_) | None => return Ok(()),
        };
        let schema = match self.0.store.payloads(id, &[schema]).await {
            Ok(schema) => schema.into_iter().next(),
            // Gone as the pause ended a moment ago: then the body does not matter.
            Err(_) if !self.waits_at(id, pause).await? => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        // The sandbox takes no schema that can't be used: what can't be is not what was stored.
        let damaged = |why: &str| StoreError::Damaged(format!("{id}: its resume_schema: {why}"));
        let schema = schema.ok_or_else(|| damaged("it is gone"))?;
        let schema = ResumeSchema::new(&schema.to_value()).map_err(|why| damaged(&why))?;
        schema.check(&call.body).map_err(CallError::Schema)
    }

    async fn waits_at(&self, id: ExecutionId, pause: PauseId) -> Result<bool, StoreError> {
        let execution = self.0.store.load(id).await?;
        Ok(execution.is_some_and(|one| one.pause().is_some_and(|waits| waits.id == pause)))
    }

    /// What an approval page shows. Changes nothing.
    ///
    /// # Errors
    ///
    /// No such execution, or the store failed.
    pub async fn approval(&self, link: Link) -> Result<Approval, CallError> {
        let id = link.execution;
        let execution = self.0.store.load(id).await?.ok_or(CallError::NotFound)?;
        let state = match execution.pause().filter(|pause| pause.id == link.pause) {
            Some(pause) if !matches!(pause.kind, PauseKind::Retry { .. }) => ApprovalState::Open {
                message: pause.message.clone(),
                since: pause.since,
                deadline: pause.deadline,
                kind: pause.kind.as_str(),
                on_timeout: match pause.kind {
                    PauseKind::Suspend { on_timeout, .. } => Some(on_timeout),
                    PauseKind::Rerun { .. } | PauseKind::Delay | PauseKind::Retry { .. } => None,
                },
            },
            Some(_) | None => self.approval_without_pause(&execution, link.pause).await?,
        };
        let step = execution.step(link.pause.step);
        Ok(Approval {
            workflow: execution.workflow.clone(),
            execution: id,
            triggered_at: execution.triggered_at,
            step: step.map(|step| step.name.to_string()).unwrap_or_default(),
            state,
        })
    }

    async fn approval_without_pause(
        &self,
        execution: &Execution,
        pause: PauseId,
    ) -> Result<ApprovalState, StoreError> {
        if let Some(call) = execution.early_call.as_ref().filter(|call| call.pause == pause) {
            return Ok(ApprovalState::Called { action: call.action, at: call.at });
        }
        if execution.run().is_some_and(|run| run.id == pause) {
            return Ok(ApprovalState::NotYet);
        }
        Ok(match self.0.store.pause_end(execution.id, pause).await? {
            Some(end) => {
                let how = match end.ending {
                    PauseEnding::Resumed => "It was resumed.",
                    PauseEnding::Canceled => "It was canceled.",
                    PauseEnding::TimedOut => "Nobody answered in time.",
                };
                ApprovalState::Over { how: how.to_owned(), at: Some(end.at) }
            }
            None if execution.status().is_terminal() => {
                let how = format!("The execution has ended as {}.", execution.status().as_str());
                ApprovalState::Over { how, at: execution.finished_at }
            }
            None => {
                let how = "The step went on without waiting for an answer.".to_owned();
                ApprovalState::Over { how, at: None }
            }
        })
    }
}

fn answer(
    execution: ExecutionId,
    outcome: LinkOutcome,
    already: bool,
    at: waystation_core::Timestamp,
) -> LinkAnswer {
    LinkAnswer { outcome, already, execution, at }
}

fn ended(execution: &Execution) -> CallError {
    CallError::Ended { status: execution.status(), at: execution.finished_at }
}
