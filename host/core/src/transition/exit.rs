//! `flow.exit`: the end, and a good one.

use super::Change;
use crate::{Run, State, StepStatus};

pub(super) fn exit(change: &mut Change, run: &Run, reason: Option<String>) {
    change.step_is(run.id.step, StepStatus::Completed);
    change.next.exit_reason = reason;
    change.end(State::Completed);
}
