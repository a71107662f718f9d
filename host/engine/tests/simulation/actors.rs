//! What people and programs outside do. What they are told is written down at once.

use std::sync::Arc;

use waystation_core::{BoundedJson, ExecutionId, Link, LinkAction, PauseId};
use waystation_engine::{Engine, LinkCall, TriggerRequest};
use waystation_store::StoreError;

use crate::promises::Promise;
use crate::records::{Records, Wish, numbered};
use crate::world::workflow;

/// Those outside. Each wish ends with its answer: an error only when the store has failed, so
/// that one may try again.
#[derive(Clone)]
pub(crate) struct Outside {
    pub(crate) engine: Engine,
    pub(crate) records: Arc<Records>,
}

fn call(wish: u32) -> LinkCall {
    let client_ip = Some(wish.to_string());
    LinkCall { request: numbered(wish), body: BoundedJson::null(), client_ip }
}

impl Outside {
    pub(crate) async fn triggers(self, steps: u16, key: Option<u8>) -> Result<(), StoreError> {
        let wish = self.records.wishes(Wish::Trigger { key });
        let request = TriggerRequest {
            workflow: workflow(steps),
            event: numbered(wish),
            idempotency_key: key.map(|key| key.to_string()),
            caller_waits: false,
        };
        let answer = self.engine.trigger(request).await;
        self.records.told(Promise::triggered(wish, answer))
    }

    pub(crate) async fn calls(
        self,
        execution: ExecutionId,
        pause: PauseId,
        action: LinkAction,
    ) -> Result<(), StoreError> {
        let link = Link { execution, pause, action };
        let wish = self.records.wishes(Wish::Call(link));
        let answer = self.engine.call_link(link, action, call(wish)).await;
        self.records.told(Promise::Called { wish, link, answer })
    }

    pub(crate) async fn operator_resumes(self, id: ExecutionId) -> Result<(), StoreError> {
        let wish = self.records.wishes(Wish::OperatorResumes(id));
        let answer = self.engine.resume(id, call(wish)).await;
        self.records.told(Promise::OperatorResumed { id, answer })
    }

    pub(crate) async fn operator_cancels(self, id: ExecutionId) -> Result<(), StoreError> {
        self.records.wishes(Wish::OperatorCancels(id));
        let answer = self.engine.cancel(id).await;
        self.records.told(Promise::OperatorCanceled { id, answer })
    }
}
