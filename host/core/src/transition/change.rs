//! A transition in the making: the moves that several verbs share.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Effect, PayloadChanges, Rejected, Transition};
use crate::{
    BoundedJson, Caller, EarlyCall, Event, Execution, ExecutionError, Failure, HistoryEntry, Left,
    LinkAction, Note, Pause, PauseEnd, PauseEnding, PauseId, PauseKind, Payload, PayloadId,
    PayloadRef, Run, Segment, State, StepStatus, Timestamp,
};

pub(super) struct Change {
    pub(super) next: Execution,
    pub(super) now: Timestamp,
    event: Option<Event>,
    notes: Vec<Note>,
    closed: Option<Segment>,
    payloads: PayloadChanges,
    /// All payloads that are stored: those from before, and those that came.
    stored: Vec<PayloadRef>,
    pause_end: Option<(PauseId, PauseEnd)>,
    effects: Vec<Effect>,
}

impl Change {
    pub(super) fn begin(execution: &Execution, event: Event, now: Timestamp) -> Change {
        let mut next = execution.clone();
        next.version = next.version.saturating_add(1);
        let stored = execution.payload_refs();
        Change { event: Some(event), stored, ..Change::from(next, now) }
    }

    /// The first transition of `next`, which has no event.
    pub(super) fn from(next: Execution, now: Timestamp) -> Change {
        Change {
            next,
            now,
            event: None,
            notes: Vec::new(),
            closed: None,
            payloads: PayloadChanges::default(),
            stored: Vec::new(),
            pause_end: None,
            effects: Vec::new(),
        }
    }

    pub(super) fn done(mut self) -> Transition {
        self.forget_the_rest();
        let entry = HistoryEntry {
            seq: self.next.version,
            at: self.now,
            event: self.event,
            notes: self.notes,
            segment: self.closed,
        };
        Transition {
            next: self.next,
            entry,
            payloads: self.payloads,
            pause_end: self.pause_end,
            effects: self.effects,
        }
    }

    pub(super) fn same_run(&self, run: &Run, id: PauseId, attempt: u32) -> Result<(), Rejected> {
        if run.id == id && run.attempt == attempt { Ok(()) } else { Err(Rejected::NotThisRun) }
    }

    pub(super) fn note(&mut self, note: Note) {
        self.notes.push(note);
    }

    pub(super) fn interrupt(&mut self) {
        self.effects.push(Effect::Interrupt);
    }

    // Payloads.

    /// Is there room for `bytes` more?
    pub(super) fn room_for(&self, bytes: u64) -> Result<(), Rejected> {
        self.room_without(0, bytes)
    }

    /// The same if `gone` bytes of what is stored were not.
    pub(super) fn room_without(&self, gone: u64, bytes: u64) -> Result<(), Rejected> {
        let held = self.next.payload_bytes.saturating_sub(gone);
        let bytes_max = self.next.payload_bytes_max;
        let bytes = held.saturating_add(bytes);
        if bytes <= bytes_max { Ok(()) } else { Err(Rejected::DataLimit { bytes, bytes_max }) }
    }

    pub(super) fn store(&mut self, payload: Payload) -> PayloadRef {
        let id = PayloadId(self.next.next_payload);
        self.next.next_payload = self.next.next_payload.saturating_add(1);
        let bytes = payload.bytes;
        self.next.payload_bytes = self.next.payload_bytes.saturating_add(bytes);
        if let Some(json) = payload.into_json() {
            self.payloads.put.push((id, json));
        }
        let payload = PayloadRef { id, bytes };
        self.stored.push(payload);
        payload
    }

    pub(super) fn store_if_room(
        &mut self,
        payload: Option<Payload>,
    ) -> Result<Option<PayloadRef>, Rejected> {
        self.room_for(payload.as_ref().map_or(0, |payload| payload.bytes))?;
        Ok(payload.map(|payload| self.store(payload)))
    }

    fn forget(&mut self, PayloadRef { id, bytes }: PayloadRef) {
        self.next.payload_bytes = self.next.payload_bytes.saturating_sub(bytes);
        self.payloads.drop.push(id);
    }

    /// What nothing refers to any more goes: the inputs of a run that will not be repeated, the
    /// context of one that will not come, the data of a call that had no effect.
    fn forget_the_rest(&mut self) {
        let kept = self.next.payload_refs().into_iter().map(|payload| payload.id);
        let settled: BTreeSet<_> = kept.chain(self.payloads.drop.iter().copied()).collect();
        for payload in std::mem::take(&mut self.stored) {
            if !settled.contains(&payload.id) {
                self.forget(payload);
            }
        }
    }

    /// The step's exports make room before others are looked at.
    pub(super) fn forget_exports(&mut self, step: u16) {
        if let Some(step) = self.next.steps.get_mut(usize::from(step)) {
            for (_, payload) in std::mem::take(&mut step.exports) {
                self.forget(payload);
            }
        }
    }

    pub(super) fn export(&mut self, step: u16, name: &str, payload: PayloadRef) {
        if let Some(state) = self.next.steps.get_mut(usize::from(step)) {
            state.exports.insert(name.to_owned(), payload);
        }
    }

    // Segments.

    pub(super) fn open_segment(&mut self, memory_mib: u32) {
        let segment = self.next.segment.get_or_insert_default();
        segment.memory_mib = segment.memory_mib.max(memory_mib);
    }

    pub(super) fn add_compute(&mut self, compute_ms: u64) {
        let segment = self.next.segment.get_or_insert_default();
        segment.compute_ms = segment.compute_ms.saturating_add(compute_ms);
    }

    fn close_segment(&mut self) {
        if let Some(segment) = self.next.segment.take() {
            self.next.compute_ms = self.next.compute_ms.saturating_add(segment.compute_ms);
            self.next.credits = self.next.credits.saturating_add(segment.credits());
            self.closed = Some(segment);
        }
    }

    /// What the run left beside its outcome.
    pub(super) fn add_left(&mut self, left: Left) {
        self.next.log_bytes = self.next.log_bytes.saturating_add(left.log_bytes);
        self.next.mails = self.next.mails.saturating_add(left.mails);
    }

    // Where the execution goes.

    pub(super) fn step_is(&mut self, step: u16, status: StepStatus) {
        let now = self.now;
        if let Some(step) = self.next.steps.get_mut(usize::from(step)) {
            step.status = status;
            if matches!(status, StepStatus::Completed | StepStatus::Failed | StepStatus::Canceled) {
                step.finished_at = Some(now);
            }
        }
    }

    pub(super) fn queue(&mut self, run: Run) {
        self.step_is(run.id.step, StepStatus::Queued);
        self.next.state = State::Queued(run);
    }

    /// The step is over: the next one, or the end.
    pub(super) fn advance(&mut self, step: u16) {
        self.step_is(step, StepStatus::Completed);
        match step.checked_add(1).filter(|next| self.next.step(*next).is_some()) {
            Some(next) => self.queue(Run::first(next)),
            None => self.end(State::Completed),
        }
    }

    pub(super) fn end(&mut self, state: State) {
        self.close_segment();
        self.next.state = state;
        self.next.finished_at = Some(self.now);
    }

    pub(super) fn fail(&mut self, step: u16, failure: Failure) {
        let failure = failure.cut();
        self.step_is(step, StepStatus::Failed);
        if let Some(state) = self.next.step(step) {
            self.next.error = Some(ExecutionError {
                step: state.name.clone(),
                kind: failure.kind,
                name: failure.name,
                message: failure.message,
                stack: failure.stack,
            });
        }
        self.end(State::Failed);
    }

    pub(super) fn cancel(&mut self, step: u16) {
        self.step_is(step, StepStatus::Canceled);
        self.end(State::Canceled);
    }

    // Pauses.

    pub(super) fn pause(&mut self, pause: Pause) {
        let id = pause.id;
        let own = !matches!(pause.kind, PauseKind::Retry { .. });
        self.close_segment();
        self.step_is(id.step, StepStatus::Suspended);
        // A retry's wait is not the run's pause: the call waits on.
        let call = if own { self.take_early_call(id) } else { None };
        match call {
            Some(call) => self.apply_early_call(&pause, call),
            None => self.next.state = State::Suspended(pause),
        }
    }

    /// The pause is over as it begins: its link was called before.
    fn apply_early_call(&mut self, pause: &Pause, call: EarlyCall) {
        self.note(Note::AppliedEarlyCall { action: call.action, called_at: call.at });
        match call.action {
            LinkAction::Cancel => {
                self.end_pause(pause.id, PauseEnding::Canceled, Some(call.by));
                self.cancel(pause.id.step);
            }
            LinkAction::Resume | LinkAction::Approve => {
                self.resume(pause, PauseEnding::Resumed, Some(call.by), call.data);
            }
        }
    }

    /// The wait is over and the workflow goes on: `by` nobody when its time ran out.
    pub(super) fn resume(
        &mut self,
        pause: &Pause,
        ending: PauseEnding,
        by: Option<Caller>,
        data: Option<PayloadRef>,
    ) {
        let step = pause.id.step;
        match &pause.kind {
            // The host's own wait: the pause that the run may ask for is still to come.
            PauseKind::Retry { next } => self.queue(next.clone()),
            PauseKind::Rerun { context } => {
                self.end_pause(pause.id, ending, by);
                let id = PauseId { step, run: pause.id.run.saturating_add(1) };
                let (context, callback_request) = (*context, data);
                self.queue(Run { context, callback_request, ..Run::first(step) }.named(id));
            }
            PauseKind::Suspend { .. } | PauseKind::Delay => {
                self.end_pause(pause.id, ending, by.clone());
                let how = self.store(how_resumed(by.as_ref(), self.now).into());
                self.export(step, "$resume", how);
                if let Some(data) = data {
                    self.export(step, "$resume_data", data);
                }
                self.advance(step);
            }
        }
    }

    pub(super) fn end_pause(&mut self, id: PauseId, ending: PauseEnding, by: Option<Caller>) {
        self.pause_end = Some((id, PauseEnd { ending, at: self.now, by }));
    }

    fn take_early_call(&mut self, pause: PauseId) -> Option<EarlyCall> {
        self.next.early_call.take_if(|call| call.pause == pause)
    }

    /// Takes a call away that came early, and makes room where its data was.
    pub(super) fn forget_early_call(&mut self) -> Option<EarlyCall> {
        let call = self.next.early_call.take()?;
        if let Some(data) = call.data {
            self.forget(data);
        }
        Some(call)
    }

    /// The run is over without a pause: a call that came early has no effect.
    pub(super) fn drop_early_call(&mut self) {
        if let Some(call) = self.next.early_call.take() {
            self.note(Note::DroppedEarlyCall { action: call.action, called_at: call.at });
        }
    }
}

impl Run {
    /// The first run of a step.
    pub(super) fn first(step: u16) -> Run {
        Run {
            id: PauseId { step, run: 1 },
            attempt: 1,
            failures: 0,
            crashes: 0,
            context: None,
            callback_request: None,
        }
    }

    fn named(self, id: PauseId) -> Run {
        Run { id, ..self }
    }
}

/// The export `$resume`.
fn how_resumed(by: Option<&Caller>, at: Timestamp) -> BoundedJson {
    let (reason, client_ip) = match by {
        None => ("timeout", None),
        Some(Caller::Operator) => ("operator", None),
        Some(Caller::Request { client_ip }) => ("request", client_ip.as_deref()),
    };
    let value = json!({"reason": reason, "at": at, "client_ip": client_ip});
    BoundedJson::from_value(&value, usize::MAX).unwrap_or_else(|_| BoundedJson::null())
}
