//! Somebody asks to go on.

use super::{Change, Rejected, Transition};
use crate::{Caller, EarlyCall, LinkAction, Note, Pause, PauseEnding, PauseId, PauseKind, Payload};

/// The pause is open.
pub(super) fn resume(
    mut change: Change,
    open: &Pause,
    pause: PauseId,
    by: Caller,
    data: Option<Payload>,
) -> Result<Transition, Rejected> {
    if open.id != pause {
        return Err(Rejected::PauseOver);
    }
    // A retry's wait belongs to the host. The operator may end it; a link belongs to the pause
    // that the next attempt will ask for.
    let retry = matches!(open.kind, PauseKind::Retry { .. });
    if retry && by != Caller::Operator {
        return early(change, pause, by, data);
    }
    let data = change.store_if_room(data.filter(|_| !retry))?;
    change.resume(open, PauseEnding::Resumed, Some(by), data);
    Ok(change.done())
}

/// The run that may ask for the pause is not over yet.
pub(super) fn early(
    change: Change,
    pause: PauseId,
    by: Caller,
    data: Option<Payload>,
) -> Result<Transition, Rejected> {
    if by == Caller::Operator {
        return Err(Rejected::NotPaused);
    }
    change.store_early_call(LinkAction::Resume, pause, by, data)
}

impl Change {
    /// Keeps a link's call until its pause begins. The first one stands.
    pub(super) fn store_early_call(
        mut self,
        action: LinkAction,
        pause: PauseId,
        by: Caller,
        data: Option<Payload>,
    ) -> Result<Transition, Rejected> {
        if self.next.run().is_none_or(|run| run.id != pause) {
            return Err(Rejected::PauseOver);
        }
        if let Some(call) = &self.next.early_call {
            return Err(Rejected::AlreadyCalled { action: call.action, at: call.at });
        }
        let data = self.store_if_room(data)?;
        self.note(Note::StoredEarlyCall { action });
        self.next.early_call = Some(EarlyCall { pause, action, at: self.now, by, data });
        Ok(self.done())
    }
}
