//! A pause's time is over.

use super::{Change, Rejected, Transition};
use crate::{Failure, FailureKind, OnTimeout, Pause, PauseEnding, PauseId, PauseKind};

pub(super) fn time_out(
    mut change: Change,
    open: &Pause,
    pause: PauseId,
) -> Result<Transition, Rejected> {
    if open.id != pause {
        return Err(Rejected::PauseOver);
    }
    if change.now < open.deadline {
        return Err(Rejected::NotDue { deadline: open.deadline });
    }
    match &open.kind {
        PauseKind::Suspend { on_timeout: OnTimeout::Cancel, .. } => {
            change.end_pause(open.id, PauseEnding::TimedOut, None);
            change.cancel(open.id.step);
        }
        PauseKind::Suspend { on_timeout: OnTimeout::Fail, .. } => {
            change.end_pause(open.id, PauseEnding::TimedOut, None);
            let message = format!("nobody resumed the workflow before {}", open.deadline);
            let failure = Failure::new(FailureKind::PauseTimeout, "PauseTimeout", message);
            change.fail(open.id.step, failure);
        }
        PauseKind::Suspend { on_timeout: OnTimeout::Resume, .. }
        | PauseKind::Rerun { .. }
        | PauseKind::Delay
        | PauseKind::Retry { .. } => change.resume(open, PauseEnding::TimedOut, None, None),
    }
    Ok(change.done())
}
