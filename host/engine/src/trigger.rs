//! A workflow is triggered.

use std::sync::atomic::Ordering;

use waystation_core::{Execution, ExecutionId, NewExecution};
use waystation_store::{Created, NewRecord, StoreError};

use crate::engine::{Engine, to_the_end};
use crate::{TriggerError, TriggerRequest, Triggered};

impl Engine {
    /// Accepts an execution. It is on disk when this returns. A caller that leaves does not
    /// stop it halfway.
    ///
    /// # Errors
    ///
    /// Nothing was accepted; the error says why.
    pub async fn trigger(&self, request: TriggerRequest) -> Result<Triggered, TriggerError> {
        let engine = self.clone();
        to_the_end(async move { engine.accept(request).await }).await
    }

    async fn accept(&self, request: TriggerRequest) -> Result<Triggered, TriggerError> {
        if !self.is_ready() {
            return Err(TriggerError::ShuttingDown);
        }
        if self.0.backlog.load(Ordering::Relaxed) >= self.limits().queued_max {
            return Err(TriggerError::Busy);
        }
        let workflow = self.0.store.workflow(&request.workflow).await?;
        let workflow = workflow.ok_or(TriggerError::UnknownWorkflow(request.workflow))?;
        let id = self.new_id();
        let transition = Execution::trigger(
            NewExecution {
                id,
                workflow: &workflow,
                event: request.event,
                payload_bytes_max: self.limits().execution_bytes_max as u64,
                memory_mib: self.limits().memory_mib,
                step_runs_max: self.limits().step_runs_max,
            },
            self.0.clock.now(),
        );
        // Before the execution can run: its answer must find somebody.
        let response = request.caller_waits.then(|| self.0.responders.open(id));
        let new = NewRecord { transition, idempotency_key: request.idempotency_key };
        match self.0.store.create(new).await {
            Ok(Created::New) => {
                self.0.counters.triggered.fetch_add(1, Ordering::Relaxed);
                self.take_up_or_wait(id, &workflow.spec.name);
                Ok(Triggered { id, created: true, response })
            }
            Ok(Created::Existing(existing)) => {
                self.0.responders.close(id);
                Ok(Triggered { id: existing, created: false, response: None })
            }
            Err(error) => {
                self.0.responders.close(id);
                Err(match error {
                    StoreError::Busy => TriggerError::Busy,
                    StoreError::Closed => TriggerError::ShuttingDown,
                    other => TriggerError::Store(other),
                })
            }
        }
    }

    /// Ids made in the same millisecond are in order, too.
    pub(crate) fn new_id(&self) -> ExecutionId {
        let now = self.0.clock.now().as_millis();
        let nanos = u32::try_from(now % 1000 * 1_000_000).unwrap_or_default();
        let at = uuid::Timestamp::from_unix(&self.0.ids, now / 1000, nanos);
        ExecutionId::from_bytes(uuid::Uuid::new_v7(at).into_bytes())
    }
}
