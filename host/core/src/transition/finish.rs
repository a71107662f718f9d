//! The handler returned: its exports stand, and what it asked for happens.

use super::{Change, Rejected, Transition, delay, exit, fail, rerun, suspend};
use crate::{Failure, FailureKind, Flow, Note, Payload, Run};

pub(super) fn finish(
    mut change: Change,
    run: &Run,
    compute_ms: u64,
    result: Option<Payload>,
    exports: Vec<(String, Payload)>,
    flow: Flow,
) -> Result<Transition, Rejected> {
    // What a run before this one exported is replaced, and so makes room.
    change.forget_exports(run.id.step);
    if let Err(full) = change.room_for(bytes_left(result.as_ref(), &exports, &flow)) {
        change.note(Note::DataLimit);
        let failure = Failure::new(FailureKind::DataLimit, "DataLimit", full.to_string());
        return fail::fail(change, run, compute_ms, failure);
    }
    change.add_compute(compute_ms);
    if let Some(result) = result {
        let result = change.store(result);
        change.export(run.id.step, "$return_value", result);
    }
    for (name, payload) in exports {
        let payload = change.store(payload);
        change.export(run.id.step, &name, payload);
    }
    match flow {
        Flow::Continue => change.advance(run.id.step),
        Flow::Suspend { timeout_ms, on_timeout, message, resume_schema } => {
            suspend::suspend(&mut change, run, timeout_ms, on_timeout, message, resume_schema);
        }
        Flow::Rerun { delay_ms, context, max_retries } => {
            rerun::rerun(&mut change, run, delay_ms, context, max_retries);
        }
        Flow::Delay { delay_ms } => delay::delay(&mut change, run, delay_ms),
        Flow::Exit { reason } => exit::exit(&mut change, run, reason),
    }
    change.drop_early_call();
    Ok(change.done())
}

fn bytes_left(result: Option<&Payload>, exports: &[(String, Payload)], flow: &Flow) -> u64 {
    let asked = match flow {
        Flow::Suspend { resume_schema: payload, .. } | Flow::Rerun { context: payload, .. } => {
            payload.as_ref()
        }
        Flow::Continue | Flow::Delay { .. } | Flow::Exit { .. } => None,
    };
    let exports = exports.iter().map(|(_, payload)| payload);
    result.into_iter().chain(exports).chain(asked).map(|payload| payload.bytes).sum()
}
