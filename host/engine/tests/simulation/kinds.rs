//! What the stories are about, counted: a million of them are worth little if something never
//! happens in any.

use std::collections::BTreeMap;

use waystation_core::{Event, FailureKind, Flow, LinkAction, Note, OnTimeout, State};
use waystation_engine::CallError;

use crate::promises::Promise;
use crate::records::Ledger;

/// What many stories have to show, each at least once.
pub(crate) const ALL: [&str; 30] = [
    "resumed",
    "canceled by a link",
    "canceled by the operator",
    "resumed by the operator",
    "timed out: resume",
    "timed out: cancel",
    "timed out: fail",
    "timed out: rerun",
    "timed out: delay",
    RETRY,
    "exit",
    "failed",
    "crash",
    "early call stored",
    "early call applied: resume",
    "early call applied: cancel",
    "early call dropped",
    "reruns used up",
    "called back",
    "told: already",
    "told: over",
    "told: other called",
    "told: ended",
    "told: never paused",
    "told: not paused",
    "told: the store failed",
    "told: the key is known",
    "given up",
    "attempt not counted",
    "early call in a retry's wait",
];

const RETRY: &str = "timed out: retry";

pub(crate) fn of(ledger: &Ledger) -> BTreeMap<&'static str, u64> {
    let mut kinds = BTreeMap::new();
    let mut saw = |kind: &'static str| *kinds.entry(kind).or_insert(0) += 1;
    for story in ledger.stories.values() {
        // What it says when the pause that was asked for last runs out.
        let mut runs_out = "";
        for entry in &story.history {
            let retry = runs_out == RETRY;
            entry.notes.iter().for_each(|note| note_is(note, retry, &mut saw));
            match &entry.event {
                Some(Event::TimeOut { .. }) => saw(runs_out),
                Some(Event::Finish { flow, .. }) => runs_out = asked(flow, &mut saw),
                Some(Event::Fail { .. }) => runs_out = RETRY,
                Some(Event::Start { .. }) => runs_out = "",
                Some(Event::Crash { .. }) => saw("crash"),
                Some(Event::Resume { by: waystation_core::Caller::Operator, .. }) => {
                    saw("resumed by the operator");
                }
                Some(Event::Resume { .. }) => saw("resumed"),
                Some(Event::Cancel { pause: Some(_), .. }) => saw("canceled by a link"),
                Some(Event::Cancel { pause: None, .. }) => saw("canceled by the operator"),
                None => {}
            }
        }
        match story.execution.error.as_ref().map(|error| error.kind) {
            Some(FailureKind::HostFault) => saw("given up"),
            Some(_) if story.execution.state == State::Failed => saw("failed"),
            _ => {}
        }
    }
    ledger.promises.iter().for_each(|promise| told(promise, &mut saw));
    for (number, pass) in ledger.passes.iter().enumerate() {
        if pass.callback_request.is_some() {
            saw("called back");
        }
        let before = ledger.passes.iter().take(number);
        let mut before = before.filter(|before| before.does.is_none());
        if before
            .any(|b| (b.execution, b.run, b.attempt) == (pass.execution, pass.run, pass.attempt))
        {
            saw("attempt not counted");
        }
    }
    kinds
}

fn note_is(note: &Note, retry: bool, saw: &mut impl FnMut(&'static str)) {
    match note {
        Note::StoredEarlyCall { .. } if retry => saw("early call in a retry's wait"),
        Note::StoredEarlyCall { .. } => saw("early call stored"),
        Note::AppliedEarlyCall { action: LinkAction::Cancel, .. } => {
            saw("early call applied: cancel");
        }
        Note::AppliedEarlyCall { .. } => saw("early call applied: resume"),
        Note::DroppedEarlyCall { .. } => saw("early call dropped"),
        Note::RerunsUsedUp { .. } => saw("reruns used up"),
        Note::RetryAt { .. } | Note::DataLimit | Note::RefusedEarlyCall { .. } => {}
    }
}

fn asked(flow: &Flow, saw: &mut impl FnMut(&'static str)) -> &'static str {
    match flow {
        Flow::Suspend { on_timeout: OnTimeout::Resume, .. } => "timed out: resume",
        Flow::Suspend { on_timeout: OnTimeout::Cancel, .. } => "timed out: cancel",
        Flow::Suspend { on_timeout: OnTimeout::Fail, .. } => "timed out: fail",
        Flow::Rerun { .. } => "timed out: rerun",
        Flow::Delay { .. } => "timed out: delay",
        Flow::Exit { .. } => {
            saw("exit");
            ""
        }
        Flow::Continue => "",
    }
}

fn told(promise: &Promise, saw: &mut impl FnMut(&'static str)) {
    match promise {
        Promise::Triggered { created: false, .. } => saw("told: the key is known"),
        Promise::Triggered { created: true, .. } => {}
        Promise::Failed(_) => saw("told: the store failed"),
        Promise::Called { answer, .. }
        | Promise::OperatorResumed { answer, .. }
        | Promise::OperatorCanceled { answer, .. } => match answer {
            Ok(answer) if answer.already => saw("told: already"),
            Err(CallError::PauseOver { .. }) => saw("told: over"),
            Err(CallError::OtherCalled { .. }) => saw("told: other called"),
            Err(CallError::Ended { .. }) => saw("told: ended"),
            Err(CallError::NeverPaused) => saw("told: never paused"),
            Err(CallError::NotPaused) => saw("told: not paused"),
            Err(CallError::Store(_)) => saw("told: the store failed"),
            Ok(_) | Err(_) => {}
        },
    }
}
