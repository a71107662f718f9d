//! `flow.rerun`: the same step again, after a while or when the link is called.

use super::Change;
use crate::{Failure, FailureKind, Limits, Note, Pause, PauseKind, Payload, Run};

pub(super) fn rerun(
    change: &mut Change,
    run: &Run,
    delay_ms: u64,
    context: Option<Payload>,
    max_retries: u32,
) {
    // Run n is the (n-1)-th rerun; the next one would be the n-th.
    if run.id.run > max_retries {
        change.note(Note::RerunsUsedUp { max_retries });
        change.advance(run.id.step);
        return;
    }
    let runs_max = change.next.step_runs_max;
    if run.id.run >= runs_max {
        let message = format!("the step asked for more than the {runs_max} runs that it may have");
        change.fail(run.id.step, Failure::new(FailureKind::RunLimit, "RunLimit", message));
        return;
    }
    let context = context.map(|context| change.store(context));
    change.pause(Pause {
        id: run.id,
        kind: PauseKind::Rerun { context },
        since: change.now,
        deadline: change.now.plus_millis(delay_ms.min(Limits::WAIT_MS_MAX)),
        message: None,
    });
}
