//! A host takes up the run that is due.

use super::{Change, Rejected, Transition};
use crate::{PauseId, Run, State, StepStatus};

pub(super) fn start(
    mut change: Change,
    due: &Run,
    run: PauseId,
    attempt: u32,
) -> Result<Transition, Rejected> {
    change.same_run(due, run, attempt)?;
    let now = change.now;
    let mut memory_mib = 0;
    if let Some(step) = change.next.steps.get_mut(usize::from(run.step)) {
        step.runs = run.run;
        step.attempt = attempt;
        step.started_at.get_or_insert(now);
        memory_mib = step.memory_mib;
    }
    change.step_is(run.step, StepStatus::Running);
    change.open_segment(memory_mib);
    change.next.state = State::Running(due.clone());
    Ok(change.done())
}
