//! The host died under the run: its next attempt is due, unless it seems to kill its hosts.

use super::{Change, Rejected, Transition};
use crate::{Failure, FailureKind, Limits, Run};

pub(super) fn crash(mut change: Change, run: &Run) -> Result<Transition, Rejected> {
    let crashes = run.crashes.saturating_add(1);
    if crashes >= Limits::CRASHES_MAX {
        let message = format!("the host died {crashes} times while this run was under way");
        change.fail(run.id.step, Failure::new(FailureKind::HostFault, "HostFault", message));
        change.drop_early_call();
    } else {
        change.queue(Run { attempt: run.attempt.saturating_add(1), crashes, ..run.clone() });
    }
    Ok(change.done())
}
