//! What really happened: the passes that steps saw, the calls that were made, and the stories
//! that the store within tells, read after every write and told again by the rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use waystation_core::{
    BoundedJson, Clock as _, Execution, ExecutionId, HistoryEntry, Link, ManualClock, NewExecution,
    PauseEnd, PauseId, RunRequest, Timestamp, transition,
};
use waystation_store::{Call, ExecutionFilter, MemoryStore, Page, Store as _, StoreError};

use crate::invariants;
use crate::promises::Promise;
use crate::schedule::Watch;
use crate::steps::Does;
use crate::world::{now, step_index};

/// One time that a step was run.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    pub(crate) execution: ExecutionId,
    pub(crate) run: PauseId,
    pub(crate) attempt: u32,
    pub(crate) context: Option<String>,
    pub(crate) callback_request: Option<String>,
    /// What it came to, if it came to an end.
    pub(crate) does: Option<Does>,
    /// Its end is in the history.
    pub(crate) recorded: bool,
}

/// What somebody outside asked for. Each such wish has a number, which it carries.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wish {
    Trigger { key: Option<u8> },
    Call(Link),
    OperatorResumes(ExecutionId),
    OperatorCancels(ExecutionId),
}

/// An execution as its history tells it.
pub(crate) struct Story {
    pub(crate) execution: Execution,
    pub(crate) history: Vec<HistoryEntry>,
    pub(crate) ends: BTreeMap<PauseId, PauseEnd>,
}

#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) stories: BTreeMap<ExecutionId, Story>,
    pub(crate) passes: Vec<Pass>,
    pub(crate) wishes: Vec<Wish>,
    pub(crate) promises: Vec<Promise>,
    /// Engines that died.
    pub(crate) deaths: u32,
    /// Calls of the store that failed.
    pub(crate) failures: u32,
    /// The latest time that the clock on the wall has shown.
    pub(crate) latest: Timestamp,
    /// The first thing that is not as it has to be.
    pub(crate) broken: Option<String>,
}

impl Ledger {
    /// How often somebody has asked for an execution.
    pub(crate) fn triggers(&self) -> u32 {
        let triggers = |wish: &&Wish| matches!(wish, Wish::Trigger { .. });
        u32::try_from(self.wishes.iter().filter(triggers).count()).unwrap()
    }
}

pub(crate) struct Records {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) clock: Arc<ManualClock>,
    ledger: Mutex<Ledger>,
}

/// A value that says which wish, or which pass, it comes from.
pub(crate) fn numbered(number: u32) -> BoundedJson {
    BoundedJson::assembled(number_text(number))
}

pub(crate) fn number_text(number: u32) -> String {
    format!("{{\"n\":{number}}}")
}

impl Records {
    pub(crate) fn new(store: Arc<MemoryStore>, clock: Arc<ManualClock>) -> Records {
        Records { store, clock, ledger: Mutex::default() }
    }

    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Ledger) -> T) -> T {
        act(&mut self.ledger.lock())
    }

    pub(crate) fn broken(&self) -> Option<String> {
        self.ledger.lock().broken.clone()
    }

    // What steps see and do.

    pub(crate) fn begins(&self, request: &RunRequest) -> u32 {
        self.look();
        let text = |json: &Option<BoundedJson>| json.as_ref().map(|json| json.as_str().to_owned());
        let pass = Pass {
            execution: request.execution.id,
            run: PauseId {
                step: step_index(request.execution.step.as_str()),
                run: request.run.runs,
            },
            attempt: request.execution.attempt,
            context: text(&request.run.context),
            callback_request: text(&request.run.callback_request),
            does: None,
            recorded: false,
        };
        let mut ledger = self.ledger.lock();
        if let Err(problem) = invariants::may_begin(&ledger, &pass) {
            ledger.broken.get_or_insert(problem);
        }
        ledger.passes.push(pass);
        u32::try_from(ledger.passes.len() - 1).unwrap()
    }

    pub(crate) fn pass(&self, number: u32) -> Pass {
        self.ledger.lock().passes[number as usize].clone()
    }

    pub(crate) fn returns(&self, pass: u32, does: Does) {
        self.ledger.lock().passes[pass as usize].does = Some(does);
    }

    // What people ask for and are told.

    pub(crate) fn wishes(&self, wish: Wish) -> u32 {
        let mut ledger = self.ledger.lock();
        ledger.wishes.push(wish);
        u32::try_from(ledger.wishes.len() - 1).unwrap()
    }

    /// Somebody was told something. It is true now, and has to be true in the end. Says whether
    /// the store had failed.
    pub(crate) fn told(&self, promise: Promise) -> Result<(), StoreError> {
        self.look();
        let failed = promise.failed();
        let mut ledger = self.ledger.lock();
        if let Err(problem) = promise.is_kept(&ledger) {
            ledger.broken.get_or_insert(format!("not true when it was said: {problem}"));
        }
        ledger.promises.push(promise);
        failed
    }

    // What the store shows.

    /// Reads what is new in the store.
    pub(crate) fn look(&self) {
        let mut ledger = self.ledger.lock();
        ledger.latest = ledger.latest.max(self.clock.now());
        if let Err(problem) = self.read(&mut ledger) {
            ledger.broken.get_or_insert(problem);
        }
    }

    fn read(&self, ledger: &mut Ledger) -> Result<(), String> {
        let all = now(self.store.list(&ExecutionFilter::default(), usize::MAX)).unwrap();
        if all.len() < ledger.stories.len() {
            return Err("an execution is gone".to_owned());
        }
        for stored in all {
            let id = stored.id;
            let known = match ledger.stories.remove(&id) {
                Some(story) => story,
                None => self.first(&stored)?,
            };
            if known.execution.version == stored.version {
                ledger.stories.insert(id, known);
                continue;
            }
            let story = self.read_on(ledger, known)?;
            let same = story.execution == stored;
            ledger.stories.insert(id, story);
            if !same {
                return Err(format!("the history of {id} tells another story than {stored:?}"));
            }
        }
        invariants::lists_agree(ledger, &self.store)
    }

    /// The story as it begins.
    fn first(&self, stored: &Execution) -> Result<Story, String> {
        let entry = now(self.store.history(stored.id, 0, Page::of(1))).unwrap().items.remove(0);
        let workflow = self.store.workflow_version(&stored.workflow, stored.workflow_version);
        let event = now(self.store.payloads(stored.id, &[stored.event.id])).unwrap().remove(0);
        let new = NewExecution {
            id: stored.id,
            workflow: &now(workflow).unwrap().unwrap(),
            event,
            payload_bytes_max: stored.payload_bytes_max,
            memory_mib: 256,
            step_runs_max: stored.step_runs_max,
        };
        let begun = Execution::trigger(new, entry.at);
        if begun.entry != entry {
            return Err(format!("the history begins with {entry:?}"));
        }
        Ok(Story { execution: begun.next, history: vec![entry], ends: BTreeMap::new() })
    }

    /// Tells the story on by the rules, as far as the store has it.
    fn read_on(&self, ledger: &mut Ledger, mut story: Story) -> Result<Story, String> {
        let id = story.execution.id;
        let seen = story.execution.version;
        for entry in now(self.store.history(id, seen, Page::of(usize::MAX))).unwrap().items {
            let event = entry.event.clone().ok_or("a second trigger")?;
            let change = transition(&story.execution, event, entry.at)
                .map_err(|rejected| format!("{id}: {entry:?} can't have happened: {rejected}"))?;
            if change.entry != entry {
                return Err(format!("{id}: {entry:?} should be {:?}", change.entry));
            }
            invariants::entry_is_right(ledger, &story, &change)?;
            if let Some((pause, end)) = change.pause_end
                && let Some(before) = story.ends.insert(pause, end.clone())
            {
                return Err(format!("{id}: {pause:?} has two ends: {before:?}, {end:?}"));
            }
            story.execution = change.next;
            story.history.push(entry);
        }
        Ok(story)
    }
}

impl Watch for Records {
    fn after_write(&self, _: Call) {
        self.look();
    }
}
