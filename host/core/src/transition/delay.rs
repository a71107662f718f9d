//! `flow.delay`: wait, then the next step.

use super::Change;
use crate::{Limits, Pause, PauseKind, Run};

pub(super) fn delay(change: &mut Change, run: &Run, delay_ms: u64) {
    change.pause(Pause {
        id: run.id,
        kind: PauseKind::Delay,
        since: change.now,
        deadline: change.now.plus_millis(delay_ms.min(Limits::WAIT_MS_MAX)),
        message: None,
    });
}
