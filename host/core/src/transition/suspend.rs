//! `flow.suspend`: wait for the link, then the next step.

use super::Change;
use crate::{Limits, OnTimeout, Pause, PauseKind, Payload, Run};

pub(super) fn suspend(
    change: &mut Change,
    run: &Run,
    timeout_ms: u64,
    on_timeout: OnTimeout,
    message: Option<String>,
    resume_schema: Option<Payload>,
) {
    let resume_schema = resume_schema.map(|schema| change.store(schema));
    change.pause(Pause {
        id: run.id,
        kind: PauseKind::Suspend { on_timeout, resume_schema },
        since: change.now,
        deadline: change.now.plus_millis(timeout_ms.min(Limits::WAIT_MS_MAX)),
        message,
    });
}
