//! Somebody asks to end the execution.

use super::{Change, Rejected, Transition};
use crate::{Caller, LinkAction, Pause, PauseEnding, PauseId, PauseKind, State};

/// The execution is paused.
pub(super) fn cancel(
    mut change: Change,
    open: &Pause,
    pause: Option<PauseId>,
    by: Caller,
) -> Result<Transition, Rejected> {
    let own = !matches!(open.kind, PauseKind::Retry { .. });
    match pause {
        Some(pause) if pause != open.id => return Err(Rejected::PauseOver),
        Some(pause) if !own => return change.store_early_call(LinkAction::Cancel, pause, by, None),
        Some(_) | None => {}
    }
    if own {
        change.end_pause(open.id, PauseEnding::Canceled, Some(by));
    }
    change.cancel(open.id.step);
    change.drop_early_call();
    Ok(change.done())
}

/// A run is due or under way. A link's call waits for its pause; an operator's does not.
pub(super) fn before_pause(
    mut change: Change,
    pause: Option<PauseId>,
    by: Caller,
) -> Result<Transition, Rejected> {
    if let Some(pause) = pause {
        return change.store_early_call(LinkAction::Cancel, pause, by, None);
    }
    if matches!(change.next.state, State::Running(_)) {
        change.interrupt();
    }
    let step = change.next.run().map_or(0, |run| run.id.step);
    change.cancel(step);
    change.drop_early_call();
    Ok(change.done())
}
