//! What people and programs outside do. Each wish is a task of the engine's own runtime, so
//! that it dies with the engine; what it is told is written down at once.

use std::sync::Arc;

use serde_json::Value;
use tokio::task::AbortHandle;
use waystation_core::{ExecutionId, Link, LinkAction, PauseId};
use waystation_engine::{Engine, LinkCall, TriggerRequest};

use crate::promises::Promise;
use crate::records::{Records, Wish, numbered};
use crate::world::workflow;

#[derive(Clone)]
pub(crate) struct Outside {
    pub(crate) engine: Engine,
    pub(crate) records: Arc<Records>,
}

fn call(wish: u32) -> LinkCall {
    let client_ip = Some(wish.to_string());
    LinkCall { request: numbered(wish), body: Value::Null, client_ip }
}

impl Outside {
    pub(crate) fn triggers(&self, steps: u16, key: Option<u8>) -> AbortHandle {
        let Outside { engine, records } = self.clone();
        let wish = records.wishes(Wish::Trigger { key });
        let request = TriggerRequest {
            workflow: workflow(steps),
            event: numbered(wish),
            idempotency_key: key.map(|key| key.to_string()),
            caller_waits: false,
        };
        let asking = async move {
            let answer = engine.trigger(request).await;
            records.told(Promise::triggered(wish, answer));
        };
        tokio::spawn(asking).abort_handle()
    }

    pub(crate) fn calls(&self, id: ExecutionId, pause: PauseId, action: LinkAction) -> AbortHandle {
        let Outside { engine, records } = self.clone();
        let link = Link { execution: id, pause, action };
        let wish = records.wishes(Wish::Call(link));
        let asking = async move {
            let answer = engine.call_link(link, action, call(wish)).await;
            records.told(Promise::Called { wish, link, answer });
        };
        tokio::spawn(asking).abort_handle()
    }

    pub(crate) fn operator_resumes(&self, id: ExecutionId) -> AbortHandle {
        let Outside { engine, records } = self.clone();
        let wish = records.wishes(Wish::OperatorResumes(id));
        let asking = async move {
            let answer = engine.resume(id, call(wish)).await;
            records.told(Promise::OperatorResumed { id, answer });
        };
        tokio::spawn(asking).abort_handle()
    }

    pub(crate) fn operator_cancels(&self, id: ExecutionId) -> AbortHandle {
        let Outside { engine, records } = self.clone();
        records.wishes(Wish::OperatorCancels(id));
        let asking = async move {
            let answer = engine.cancel(id).await;
            records.told(Promise::OperatorCanceled { id, answer });
        };
        tokio::spawn(asking).abort_handle()
    }
}
