//! What is known of executions.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};
use waystation_core::{
    BoundedJson, Execution, ExecutionId, HistoryEntry, Pause, PauseKind, PayloadId, Status,
    StepState,
};
use waystation_store::{ExecutionFilter, Page, Part, StoreError};

use crate::engine::Engine;
use crate::{
    ExecutionPage, ExecutionSummary, ExecutionView, HistoryView, Listing, LogView, SegmentView,
    StepView, Waiting,
};

/// A page ends when its items have so many bytes: nobody's memory has to hold all that the runs of
/// an execution left.
const PAGE_BYTES_MAX: usize = 1024 * 1024;

/// How often a view is tried to be put together while the execution moves on.
const TRIES: usize = 5;

impl Engine {
    /// All that is known of an execution.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn execution(&self, id: ExecutionId) -> Result<Option<ExecutionView>, StoreError> {
        let mut last = None;
        for _ in 0..TRIES {
            let Some(execution) = self.0.store.load(id).await? else { return Ok(None) };
            let segments = self.segments(id).await?;
            let ids = payloads(&execution);
            match self.0.store.payloads(id, &ids).await {
                Ok(values) => {
                    let values = ids.into_iter().zip(values).collect();
                    return Ok(Some(self.view(&execution, segments, &values)));
                }
                // It may have moved on in between, and its payloads with it.
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or(StoreError::Closed))
    }

    /// Executions, newest first, at most `limit`.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn executions(
        &self,
        filter: ExecutionFilter,
        limit: usize,
    ) -> Result<ExecutionPage, StoreError> {
        // One more tells whether there is a next page.
        let mut executions = self.0.store.list(&filter, limit.saturating_add(1)).await?;
        let more = executions.len() > limit;
        executions.truncate(limit);
        let next_cursor = executions.last().filter(|_| more).map(|last| last.id.to_string());
        let items = executions.iter().map(|execution| self.summary(execution)).collect();
        Ok(ExecutionPage { items, next_cursor })
    }

    /// What happened to an execution after the entry `after` (0: from the start), oldest first:
    /// at most `limit` entries, and fewer where they are large. `None`: there is none.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn history(
        &self,
        id: ExecutionId,
        after: u64,
        limit: usize,
    ) -> Result<Option<Listing<HistoryView>>, StoreError> {
        let Some(execution) = self.0.store.load(id).await? else { return Ok(None) };
        let part = self.0.store.history(id, after, page(limit)).await?;
        let next_cursor = cursor(&part, |entry| entry.seq);
        let items = part.items.iter().map(|entry| line(&execution, entry)).collect();
        Ok(Some(Listing { items, next_cursor }))
    }

    /// What an execution's runs logged that ended after the entry `after` of its history (0:
    /// from the start), oldest first: at most `limit` runs, and fewer where they logged much.
    /// `None`: there is none.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn logs(
        &self,
        id: ExecutionId,
        after: u64,
        limit: usize,
    ) -> Result<Option<Listing<LogView>>, StoreError> {
        let Some(execution) = self.0.store.load(id).await? else { return Ok(None) };
        let part = self.0.store.logs(id, after, page(limit)).await?;
        let next_cursor = cursor(&part, |stored| stored.seq);
        let logs = part.items.into_iter().map(|stored| LogView {
            step: step_name(&execution, stored.log.run.step),
            run: stored.log.run.run,
            attempt: stored.log.attempt,
            lines: stored.log.lines,
        });
        Ok(Some(Listing { items: logs.collect(), next_cursor }))
    }

    /// The stretches of work that are over. They are in the history, which may be long.
    async fn segments(&self, id: ExecutionId) -> Result<Vec<SegmentView>, StoreError> {
        let (mut segments, mut after) = (Vec::new(), 0);
        loop {
            let part = self.0.store.history(id, after, page(usize::MAX)).await?;
            segments.extend(part.items.iter().filter_map(|entry| {
                let segment = entry.segment.as_ref()?;
                let (compute_ms, credits) = (segment.compute_ms, segment.credits());
                Some(SegmentView { until: entry.at, compute_ms, credits })
            }));
            match part.items.last().filter(|_| part.more) {
                Some(last) => after = last.seq,
                None => return Ok(segments),
            }
        }
    }

    /// All that is known of an execution once it has paused or ended, or after `at_most`.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn wait(
        &self,
        id: ExecutionId,
        at_most: Duration,
    ) -> Result<Option<ExecutionView>, StoreError> {
        let waiter = self.0.waiters.register(id);
        let settled = async {
            loop {
                // Listening begins before looking, so that nothing falls in between.
                let notified = waiter.notified();
                tokio::pin!(notified);
                notified.as_mut().enable();
                let Some(execution) = self.0.store.load(id).await? else { return Ok(()) };
                let status = execution.status();
                if status.is_terminal() || status == Status::Suspended {
                    return Ok::<(), StoreError>(());
                }
                notified.await;
            }
        };
        if let Ok(settled) = tokio::time::timeout(at_most, settled).await {
            settled?;
        }
        self.execution(id).await
    }

    fn view(
        &self,
        execution: &Execution,
        segments: Vec<SegmentView>,
        values: &BTreeMap<PayloadId, BoundedJson>,
    ) -> ExecutionView {
        let value = |id| values.get(&id).cloned().unwrap_or_else(BoundedJson::null);
        ExecutionView {
            id: execution.id,
            workflow: execution.workflow.clone(),
            workflow_version: execution.workflow_version,
            status: execution.status(),
            triggered_at: execution.triggered_at,
            finished_at: execution.finished_at,
            event: value(execution.event.id),
            steps: steps(&execution.steps, value),
            waiting: self.waiting(execution),
            error: execution.error.clone(),
            exit_reason: execution.exit_reason.clone(),
            compute_ms: execution.compute_ms,
            credits: execution.credits,
            segments,
        }
    }

    fn summary(&self, execution: &Execution) -> ExecutionSummary {
        ExecutionSummary {
            id: execution.id,
            workflow: execution.workflow.clone(),
            workflow_version: execution.workflow_version,
            status: execution.status(),
            triggered_at: execution.triggered_at,
            finished_at: execution.finished_at,
            waiting: self.waiting(execution),
            error: execution.error.clone(),
            compute_ms: execution.compute_ms,
            credits: execution.credits,
        }
    }

    fn waiting(&self, execution: &Execution) -> Option<Waiting> {
        let pause: &Pause = execution.pause()?;
        let on_timeout = match &pause.kind {
            PauseKind::Suspend { on_timeout, .. } => Some(*on_timeout),
            PauseKind::Rerun { .. } | PauseKind::Delay | PauseKind::Retry { .. } => None,
        };
        // A retry's wait is the host's: its links are not those of the wait.
        let own = !matches!(pause.kind, PauseKind::Retry { .. });
        let links = own.then(|| self.0.keys.links(self.public_url(), execution.id, pause.id));
        let (resume_url, cancel_url, approval_url) = match links {
            Some(links) => {
                (Some(links.resume_url), Some(links.cancel_url), Some(links.approval_url))
            }
            None => (None, None, None),
        };
        Some(Waiting {
            step: step_name(execution, pause.id.step),
            kind: pause.kind.as_str(),
            since: pause.since,
            deadline: pause.deadline,
            on_timeout,
            message: pause.message.clone(),
            resume_url,
            cancel_url,
            approval_url,
        })
    }
}

/// A page of at most `limit` items.
pub(crate) fn page(limit: usize) -> Page {
    Page { items_max: limit, bytes_max: PAGE_BYTES_MAX }
}

/// Where the page after `part` begins: after its last item.
pub(crate) fn cursor<T>(part: &Part<T>, number: impl Fn(&T) -> u64) -> Option<String> {
    part.items.last().filter(|_| part.more).map(|last| number(last).to_string())
}

/// The payloads that a view shows.
fn payloads(execution: &Execution) -> Vec<PayloadId> {
    let exports = execution.steps.iter().flat_map(|step| step.exports.values());
    [&execution.event].into_iter().chain(exports).map(|payload| payload.id).collect()
}

/// Steps as they are shown.
pub(crate) fn steps(
    steps: &[StepState],
    value: impl Fn(PayloadId) -> BoundedJson,
) -> Vec<(String, StepView)> {
    let view = |step: &StepState| {
        let exports = step.exports.iter().map(|(name, payload)| (name.clone(), value(payload.id)));
        let view = StepView {
            status: step.status,
            runs: step.runs,
            attempt: step.attempt,
            exports: exports.collect(),
            started_at: step.started_at,
            finished_at: step.finished_at,
        };
        (step.name.to_string(), view)
    };
    steps.iter().map(view).collect()
}

fn step_name(execution: &Execution, index: u16) -> String {
    execution.step(index).map(|step| step.name.to_string()).unwrap_or_default()
}

/// A history entry in one object, the step by its name.
fn line(execution: &Execution, entry: &HistoryEntry) -> HistoryView {
    let Ok(Value::Object(mut line)) = serde_json::to_value(entry) else { return Map::new() };
    match line.remove("event") {
        Some(Value::Object(mut event)) => {
            let step =
                event.get("step").and_then(Value::as_u64).and_then(|n| u16::try_from(n).ok());
            if let Some(step) = step {
                event.insert("step".into(), step_name(execution, step).into());
            }
            line.append(&mut event);
        }
        Some(_) | None => {
            line.insert("type".into(), "trigger".into());
        }
    }
    line
}
