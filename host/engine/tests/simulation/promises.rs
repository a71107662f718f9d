//! What callers were told. It is true when it is said, and whatever happens afterwards.

use waystation_core::{
    Event, ExecutionId, HistoryEntry, Link, LinkAction, Note, PauseEnding, Status,
};
use waystation_engine::{CallError, LinkAnswer, LinkOutcome, TriggerError, Triggered};
use waystation_store::StoreError;

use crate::invariants::caller;
use crate::records::{Ledger, Story, Wish};

/// An answer, and the number of the wish that it answers.
#[derive(Debug)]
pub(crate) enum Promise {
    /// There is this execution; it is new, or the key's.
    Triggered { wish: u32, id: ExecutionId, created: bool },
    /// A link was called.
    Called { wish: u32, link: Link, answer: Result<LinkAnswer, CallError> },
    /// The operator resumed what was paused.
    OperatorResumed { id: ExecutionId, answer: Result<LinkAnswer, CallError> },
    /// The operator ended an execution.
    OperatorCanceled { id: ExecutionId, answer: Result<LinkAnswer, CallError> },
    /// Something went wrong that only a store that fails explains.
    Failed(StoreError),
}

type Kept = Result<(), String>;

impl Promise {
    pub(crate) fn triggered(wish: u32, answer: Result<Triggered, TriggerError>) -> Promise {
        match answer {
            Ok(Triggered { id, created, .. }) => Promise::Triggered { wish, id, created },
            Err(TriggerError::Store(error)) => Promise::Failed(error),
            Err(_) => Promise::Failed(StoreError::Closed),
        }
    }

    /// An error when the store has failed.
    pub(crate) fn failed(&self) -> Result<(), StoreError> {
        match self {
            Promise::Called { answer: Err(CallError::Store(error)), .. }
            | Promise::OperatorResumed { answer: Err(CallError::Store(error)), .. }
            | Promise::OperatorCanceled { answer: Err(CallError::Store(error)), .. }
            | Promise::Failed(error) => Err(error.clone()),
            Promise::Triggered { .. }
            | Promise::Called { .. }
            | Promise::OperatorResumed { .. }
            | Promise::OperatorCanceled { .. } => Ok(()),
        }
    }

    pub(crate) fn is_kept(&self, ledger: &Ledger) -> Kept {
        if let Err(error) = self.failed() {
            let explained = matches!(error, StoreError::Io(_)) && ledger.failures > 0;
            return if explained { Ok(()) } else { Err(format!("{self:?}")) };
        }
        let kept = match self {
            Promise::Triggered { wish, id, created } => triggered(ledger, *wish, *id, *created),
            Promise::Failed(_) => false,
            Promise::Called { wish, link, answer } => match ledger.stories.get(&link.execution) {
                Some(story) => called(story, *wish, *link, answer),
                None => false,
            },
            Promise::OperatorResumed { id, answer } => match ledger.stories.get(id) {
                Some(story) => operator_resumed(story, answer),
                None => false,
            },
            Promise::OperatorCanceled { id, answer } => match ledger.stories.get(id) {
                Some(story) => operator_canceled(story, answer),
                None => false,
            },
        };
        if kept { Ok(()) } else { Err(format!("{self:?}")) }
    }
}

fn triggered(ledger: &Ledger, wish: u32, id: ExecutionId, created: bool) -> bool {
    let Some(Wish::Trigger { key }) = ledger.wishes.get(wish as usize) else { return false };
    // With a key all of them get the same execution, and one of them at most made it.
    let same = ledger.promises.iter().all(|other| match other {
        Promise::Triggered { wish: other_wish, id: other_id, created: other_created }
            if *other_wish != wish =>
        {
            let other_key = match ledger.wishes.get(*other_wish as usize) {
                Some(Wish::Trigger { key }) => *key,
                _ => None,
            };
            if key.is_some() && *key == other_key {
                *other_id == id && !(created && *other_created)
            } else {
                *other_id != id
            }
        }
        _ => true,
    });
    same && ledger.stories.contains_key(&id) && (created || key.is_some())
}

fn has_note(entry: &HistoryEntry, is: impl Fn(&Note) -> bool) -> bool {
    entry.notes.iter().any(is)
}

fn stored(note: &Note) -> bool {
    matches!(note, Note::StoredEarlyCall { .. })
}

fn resumes(action: LinkAction) -> bool {
    action != LinkAction::Cancel
}

fn called(story: &Story, wish: u32, link: Link, answer: &Result<LinkAnswer, CallError>) -> bool {
    let own =
        || story.history.iter().find(|entry| caller(entry.event.as_ref()) == Some(wish as usize));
    let end = story.ends.get(&link.pause);
    let ended_as = |ending| end.is_some_and(|end| end.ending == ending);
    match answer {
        Ok(LinkAnswer { already: false, outcome, at, execution }) => {
            let Some(entry) = own() else { return false };
            let early = has_note(entry, stored);
            let right = match outcome {
                LinkOutcome::Accepted => early,
                LinkOutcome::Resumed => {
                    !early && resumes(link.action) && ended_as(PauseEnding::Resumed)
                }
                LinkOutcome::Canceled => {
                    !early
                        && link.action == LinkAction::Cancel
                        && story.execution.status() == Status::Canceled
                }
            };
            right && entry.at == *at && *execution == link.execution
        }
        Ok(LinkAnswer { already: true, outcome, at, .. }) => match outcome {
            LinkOutcome::Accepted => {
                early_call_of(story, link, |one| resumes(one) == resumes(link.action))
            }
            LinkOutcome::Resumed => {
                resumes(link.action)
                    && ended_as(PauseEnding::Resumed)
                    && end.is_some_and(|end| end.at == *at)
            }
            LinkOutcome::Canceled => {
                link.action == LinkAction::Cancel
                    && ended_as(PauseEnding::Canceled)
                    && story.execution.status() == Status::Canceled
            }
        },
        Err(error) => own().is_none() && refused(story, link, error),
    }
}

fn refused(story: &Story, link: Link, error: &CallError) -> bool {
    match error {
        CallError::PauseOver { ending, at } => {
            let same = match ending {
                PauseEnding::Resumed => resumes(link.action),
                PauseEnding::Canceled => link.action == LinkAction::Cancel,
                PauseEnding::TimedOut => false,
            };
            let end = story.ends.get(&link.pause);
            !same && end.is_some_and(|end| (end.ending, end.at) == (*ending, *at))
        }
        CallError::NeverPaused => !story.ends.contains_key(&link.pause),
        CallError::OtherCalled { action, .. } => {
            resumes(*action) != resumes(link.action)
                && early_call_of(story, link, |one| resumes(one) == resumes(*action))
        }
        CallError::Ended { status, at } => {
            (story.execution.status(), story.execution.finished_at) == (*status, *at)
                && !story.ends.contains_key(&link.pause)
        }
        CallError::NotFound
        | CallError::NotPaused
        | CallError::Schema(_)
        | CallError::TooLarge { .. }
        | CallError::Store(_) => false,
    }
}

/// Was a link of this pause called early?
fn early_call_of(story: &Story, link: Link, is: impl Fn(LinkAction) -> bool) -> bool {
    story.history.iter().any(|entry| {
        let pause = match &entry.event {
            Some(Event::Resume { pause, .. }) => Some(*pause),
            Some(Event::Cancel { pause, .. }) => *pause,
            _ => None,
        };
        let action_is =
            |note: &Note| matches!(note, Note::StoredEarlyCall { action } if is(*action));
        pause == Some(link.pause) && has_note(entry, action_is)
    })
}

fn operator_resumed(story: &Story, answer: &Result<LinkAnswer, CallError>) -> bool {
    use waystation_core::Caller::Operator;
    match answer {
        Ok(LinkAnswer { outcome, at, already, .. }) => {
            let by_operator = story.history.iter().any(|entry| {
                matches!(entry.event, Some(Event::Resume { by: Operator, .. })) && entry.at == *at
            });
            *outcome == LinkOutcome::Resumed
                && (by_operator || (*already && story.ends.values().any(|end| end.at == *at)))
        }
        // It may have moved on between the look and the call.
        Err(
            CallError::NotPaused
            | CallError::PauseOver { .. }
            | CallError::OtherCalled { .. }
            | CallError::NeverPaused,
        ) => true,
        Err(CallError::Ended { status, .. }) => story.execution.status() == *status,
        Err(_) => false,
    }
}

fn operator_canceled(story: &Story, answer: &Result<LinkAnswer, CallError>) -> bool {
    match answer {
        Ok(answer) => {
            answer.outcome == LinkOutcome::Canceled && story.execution.status() == Status::Canceled
        }
        Err(CallError::Ended { status, .. }) => {
            *status != Status::Canceled && story.execution.status() == *status
        }
        Err(_) => false,
    }
}
