//! A workflow is triggered.

use std::sync::atomic::Ordering;

use waystation_core::{Execution, ExecutionId, NewExecution, WorkflowName};
use waystation_store::{Created, NewRecord, NoRoom, Room, StoreError};

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
        let name = &workflow.spec.name;
        let disk = self.disk_has_room();
        let room = disk.map_or(Room::NONE, |()| self.room_for_one_more(name));
        let new = NewRecord { transition, idempotency_key: request.idempotency_key, room };
        let created = self.0.store.create(new).await;
        if created != Ok(Created::New) {
            self.0.responders.close(id);
        }
        match created {
            Ok(Created::New) => {
                self.0.counters.triggered.fetch_add(1, Ordering::Relaxed);
                self.take_up_or_wait(id, name);
                Ok(Triggered { id, created: true, response })
            }
            Ok(Created::Existing(existing)) => {
                Ok(Triggered { id: existing, created: false, response: None })
            }
            Ok(Created::Refused(no_room)) => {
                disk?;
                Err(self.refused(name, no_room))
            }
            Err(StoreError::Busy) => Err(TriggerError::Busy),
            Err(StoreError::Closed) => Err(TriggerError::ShuttingDown),
            Err(other) => Err(TriggerError::Store(other)),
        }
    }

    /// The store counts all that are ready, and those that a task moves do not wait. Who comes
    /// back from a pause is never asked for room: what a workflow has beyond its share by that
    /// keeps no other from its own.
    fn room_for_one_more(&self, workflow: &WorkflowName) -> Room {
        let limits = self.limits();
        let share = limits.queued_per_workflow_max;
        let active = self.0.active.lock();
        Room {
            of_workflow: share.saturating_add(active.of(workflow)),
            of_all: limits.queued_max.saturating_add(active.len()),
            of_each: share.saturating_add(limits.runs_per_workflow_max.min(limits.runs_max)),
        }
    }

    fn refused(&self, workflow: &WorkflowName, no_room: NoRoom) -> TriggerError {
        match no_room {
            NoRoom::OfAll => TriggerError::Busy,
            NoRoom::OfWorkflow => TriggerError::WorkflowBusy {
                workflow: workflow.clone(),
                waiting_max: self.limits().queued_per_workflow_max,
            },
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
