//! The handler returned: its exports stand, and what it asked for happens.

use super::{Change, Rejected, Transition, delay, exit, fail, rerun, suspend};
use crate::{
    EarlyCall, EarlyFit, Failure, FailureKind, Flow, LinkAction, Note, PauseId, Payload, Run,
};

/// What the handler came to.
pub(super) struct Finished {
    pub(super) compute_ms: u64,
    pub(super) result: Option<Payload>,
    pub(super) exports: Vec<(String, Payload)>,
    pub(super) flow: Flow,
    pub(super) early_fit: Option<EarlyFit>,
}

pub(super) fn finish(
    mut change: Change,
    run: &Run,
    finished: Finished,
) -> Result<Transition, Rejected> {
    // What a run before this one exported is replaced, and so makes room.
    change.forget_exports(run.id.step);
    let refused = refuse_early_call(&mut change, run.id, &finished)?;
    let bytes = finished.bytes_left();
    let Finished { compute_ms, result, exports, flow, .. } = finished;
    if let Err(full) = change.room_for(bytes) {
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
    if let Some((EarlyCall { action, at: called_at, .. }, why)) = refused {
        change.note(match change.next.pause() {
            Some(_) => Note::RefusedEarlyCall { action, called_at, why },
            None => Note::DroppedEarlyCall { action, called_at },
        });
    }
    change.drop_early_call();
    Ok(change.done())
}

/// A call that came early is taken away, as one on the open pause would be refused: when the
/// run's own data needs the room that its data takes, and when it does not fit the schema. What
/// strangers send never makes an execution fail.
fn refuse_early_call(
    change: &mut Change,
    pause: PauseId,
    finished: &Finished,
) -> Result<Option<(EarlyCall, String)>, Rejected> {
    let Some(call) = change.next.early_call.as_ref().filter(|call| call.pause == pause) else {
        return Ok(None);
    };
    let held = call.data.map_or(0, |data| data.bytes);
    let bytes = finished.bytes_left();
    let why = match change.room_for(bytes) {
        // Without it there would be too little room, too: it is not to blame.
        Err(_) if change.room_without(held, bytes).is_err() => None,
        Err(full) => Some(full.to_string()),
        Ok(()) if call.action == LinkAction::Cancel || !finished.asks_with_schema() => None,
        Ok(()) => match &finished.early_fit {
            None => return Err(Rejected::EarlyCallUnchecked),
            Some(EarlyFit::Fits) => None,
            Some(EarlyFit::Misfit(why)) => Some(why.clone()),
        },
    };
    Ok(why.and_then(|why| Some((change.forget_early_call()?, why))))
}

impl Finished {
    fn asks_with_schema(&self) -> bool {
        matches!(self.flow, Flow::Suspend { resume_schema: Some(_), .. })
    }

    fn bytes_left(&self) -> u64 {
        let asked = match &self.flow {
            Flow::Suspend { resume_schema: payload, .. } | Flow::Rerun { context: payload, .. } => {
                payload.as_ref()
            }
            Flow::Continue | Flow::Delay { .. } | Flow::Exit { .. } => None,
        };
        let exports = self.exports.iter().map(|(_, payload)| payload);
        self.result.iter().chain(exports).chain(asked).map(|payload| payload.bytes).sum()
    }
}
