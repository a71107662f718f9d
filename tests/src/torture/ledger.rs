//! Everything that the server has answered, and what follows from it for ever.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;

use crate::torture::facts::{Call, Fact, check};
use crate::torture::plan::Plan;
use crate::torture::report::{Kind, Violation};
use crate::torture::rules::{Run, Story};

/// Begins of one attempt: the mark of a first attempt is written behind it, so a host that dies
/// in between has not counted it, and the next one begins it again (docs/decisions/0009).
const BEGINS_MAX: usize = 2;

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    known: HashMap<String, Known>,
    ids: HashMap<String, String>,
    begins: HashMap<(String, Run), Vec<Begin>>,
    /// Which execution a plan became, as the witness heard.
    begun_as: HashMap<String, String>,
    /// Links of runs that had not ended when the witness heard of them.
    pub(super) early: VecDeque<Links>,
    /// Triggers with a key that were not answered: to be repeated until they are.
    pub(super) unanswered: Vec<Plan>,
    /// Executions that may not have ended.
    pub(super) open: Vec<String>,
    /// How often the server was started.
    pub(super) incarnation: u32,
    /// The clock is turned: how often an attempt may begin is not known then.
    pub(super) clock_jumps: bool,
    /// Operations that were answered.
    pub(super) acknowledged: u64,
    /// Begins that the witness heard of.
    pub(super) begins_heard: u64,
    /// What was wrong.
    pub(super) violations: Vec<Violation>,
}

/// An execution that exists.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// What was sent.
    pub(super) event: Value,
    /// The longest history that was read, as it came.
    pub(super) history: String,
    /// What it says.
    pub(super) story: Option<Story>,
    /// The whole execution, as it came when it had ended.
    pub(super) ended: Option<String>,
    /// Answers to calls of links and operators.
    pub(super) facts: Vec<Fact>,
    /// Links of its pauses.
    pub(super) links: HashMap<Run, Links>,
    /// It is not there any more, and this was said.
    lost: bool,
    /// There are answers that were not compared with the history.
    dirty: bool,
    /// Since which incarnation it has been seen to be over.
    over_since: Option<u32>,
}

/// A run as the witness heard of it.
#[derive(Clone, Debug)]
pub(super) struct Begin {
    pub(super) attempt: u32,
    incarnation: u32,
    pub(super) context: Value,
    pub(super) callback: Value,
}

/// Links of a pause.
#[derive(Clone, Debug)]
pub(super) struct Links {
    pub(super) execution: String,
    pub(super) run: Run,
    pub(super) resume: String,
    pub(super) cancel: String,
    pub(super) approval: String,
}

impl Links {
    /// From what a step or the API shows.
    pub(super) fn of(execution: &str, run: Run, shown: &Value) -> Option<Links> {
        let link = |name: &str| shown[name].as_str().map(str::to_owned);
        Some(Links {
            execution: execution.to_owned(),
            run,
            resume: link("resume_url")?,
            cancel: link("cancel_url")?,
            approval: link("approval_url")?,
        })
    }
}

/// What was known of an execution when a question was asked: the answer says at least that.
#[derive(Clone, Debug, Default)]
pub(super) struct Mark {
    facts: usize,
    entries: usize,
    ended: bool,
}

impl Ledger {
    /// Something is wrong.
    pub(super) fn violation(&mut self, kind: Kind, what: impl Into<String>) {
        self.violations.push(Violation { kind, what: what.into() });
    }

    /// A trigger was answered.
    pub(super) fn triggered(&mut self, plan: &Plan, id: &str) {
        self.acknowledged += 1;
        self.unanswered.retain(|other| other.nonce != plan.nonce);
        match self.ids.get(&plan.nonce) {
            Some(first) if first != id => {
                let what = format!("one trigger {} made two executions: {first}, {id}", plan.nonce);
                self.violation(Kind::Repeated, what);
            }
            _ => self.exists(id, &plan.nonce, plan.event.clone()),
        }
    }

    /// An execution is there that we know, or whose trigger was not answered.
    pub(super) fn exists(&mut self, id: &str, nonce: &str, event: Value) {
        if self.known.contains_key(id) {
            return;
        }
        if let Some(other) = self.ids.insert(nonce.to_owned(), id.to_owned())
            && other != id
        {
            self.violation(Kind::Repeated, format!("{nonce} was triggered twice: {other}, {id}"));
        }
        self.open.push(id.to_owned());
        self.known.insert(id.to_owned(), Known { event, dirty: true, ..Known::default() });
    }

    /// Is this execution known?
    pub(super) fn knows(&self, id: &str) -> bool {
        self.known.contains_key(id)
    }

    /// Executions that are known.
    pub(super) fn ids(&self) -> Vec<String> {
        self.known.keys().cloned().collect()
    }

    /// One of them.
    pub(super) fn get(&self, id: &str) -> Option<&Known> {
        self.known.get(id)
    }

    /// Executions with answers that were not compared with the history yet.
    pub(super) fn dirty(&self) -> Vec<String> {
        let dirty = self.known.iter().filter(|(_, known)| known.dirty);
        dirty.map(|(id, _)| id.clone()).collect()
    }

    /// Begins of a run.
    pub(super) fn begins(&self, id: &str, run: &Run) -> &[Begin] {
        self.begins.get(&(id.to_owned(), run.clone())).map_or(&[], Vec::as_slice)
    }

    /// Entries in all histories.
    pub(super) fn transitions(&self) -> u64 {
        self.known.values().filter_map(|known| known.story.as_ref()).map(|s| s.length as u64).sum()
    }

    /// What is known now; to be taken before a question is sent.
    pub(super) fn mark(&self, id: &str) -> Mark {
        self.known.get(id).map_or_else(Mark::default, |known| Mark {
            facts: known.facts.len(),
            entries: known.story.as_ref().map_or(0, |story| story.length),
            ended: known.ended.is_some(),
        })
    }

    /// A call was answered.
    pub(super) fn answered(&mut self, id: &str, call: Call, status: u16, body: Value) {
        self.acknowledged += 1;
        let Some(known) = self.known.get_mut(id) else { return };
        known.dirty = true;
        known.facts.push(Fact { call, status, body });
    }

    /// Links were shown.
    pub(super) fn links(&mut self, links: Links) {
        if let Some(known) = self.known.get_mut(&links.execution) {
            known.links.insert(links.run.clone(), links);
        }
    }

    /// Links of this execution, once, when the witness has heard of them.
    pub(super) fn take_early(&mut self, id: &str) -> Option<Links> {
        let at = self.early.iter().position(|links| links.execution == id)?;
        self.early.remove(at)
    }

    /// The execution that a plan became.
    pub(super) fn id_of(&self, plan: &Plan) -> Option<String> {
        self.ids.get(&plan.nonce).cloned()
    }

    /// The server does not know an execution that it had answered for.
    pub(super) fn lost(&mut self, id: &str, what: &str) {
        if let Some(known) = self.known.get_mut(id)
            && !std::mem::replace(&mut known.lost, true)
        {
            self.violation(Kind::Lost, format!("{id}: {what}"));
        }
    }

    /// A history was read.
    pub(super) fn read_history(&mut self, id: &str, mark: &Mark, body: &str, items: &[Value]) {
        self.acknowledged += 1;
        let incarnation = self.incarnation;
        let Some(known) = self.known.get_mut(id) else { return };
        let mut wrong = Vec::new();
        let (short, long) = if body.len() < known.history.len() {
            (body, known.history.as_str())
        } else {
            (known.history.as_str(), body)
        };
        if !short.is_empty() && !is_prefix(short, long) {
            wrong.push((Kind::Lost, format!("history changed:\n{short}\n{long}")));
        }
        if items.len() < mark.entries {
            let was = &known.history;
            wrong.push((Kind::Lost, format!("history was longer before:\n{was}\n{body}")));
        }
        match Story::of(items) {
            Err(broken) => {
                let kind = if broken.repeated { Kind::Repeated } else { Kind::Other };
                wrong.push((kind, format!("{}\n{body}", broken.what)));
            }
            Ok(story) => {
                for fact in known.facts.iter().take(mark.facts) {
                    if let Err(what) = check(fact, &story) {
                        wrong.push((Kind::Lost, format!("{what}\n  {fact:?}\n{body}")));
                    }
                }
                if mark.facts == known.facts.len() {
                    known.dirty = false;
                }
                if story.ended_at.is_some() {
                    known.over_since.get_or_insert(incarnation);
                }
                if known.story.as_ref().is_none_or(|before| before.length <= story.length) {
                    known.story = Some(story);
                    known.history = body.to_owned();
                }
            }
        }
        for (kind, what) in wrong {
            self.violation(kind, format!("{id}: {what}"));
        }
    }

    /// An execution was read.
    pub(super) fn read_execution(&mut self, id: &str, mark: &Mark, raw: &str, view: &Value) {
        self.acknowledged += 1;
        let Some(known) = self.known.get_mut(id) else { return };
        if known.event.get("body").is_some() && view["event"]["body"] != known.event["body"] {
            let what = format!("{id}: the event is another one: {}", view["event"]);
            return self.violation(Kind::Lost, what);
        }
        let over = !view["finished_at"].is_null();
        match &known.ended {
            Some(before) if (over || mark.ended) && before != raw => {
                let what = format!("{id} changed after its end:\n{before}\n{raw}");
                self.violation(Kind::Lost, what);
            }
            None if over => {
                known.ended = Some(raw.to_owned());
                known.over_since.get_or_insert(self.incarnation);
                self.open.retain(|open| open != id);
            }
            _ => {}
        }
    }

    /// The witness hears that a run begins.
    pub(super) fn began(&mut self, nonce: &str, body: &Value) {
        let (Some(id), Some(step)) = (body["execution"].as_str(), body["step"].as_str()) else {
            return;
        };
        self.begins_heard += 1;
        let number = |name: &str| body[name].as_u64().and_then(|n| u32::try_from(n).ok());
        let run = (step.to_owned(), number("run").unwrap_or(0));
        let begin = Begin {
            attempt: number("attempt").unwrap_or(0),
            incarnation: self.incarnation,
            context: body["context"].clone(),
            callback: body["callback_request"].clone(),
        };
        let other = self.begun_as.entry(nonce.to_owned()).or_insert_with(|| id.to_owned());
        if other != id {
            let what = format!("{nonce} was triggered once and runs as {other} and as {id}");
            self.violation(Kind::Repeated, what);
        }
        self.check_begin(id, &run, &begin);
        if let Some(links) = Links::of(id, run.clone(), &body["links"]) {
            self.links(links.clone());
            self.early.push_back(links);
        }
        self.begins.entry((id.to_owned(), run)).or_default().push(begin);
    }

    fn check_begin(&mut self, id: &str, run: &Run, begin: &Begin) {
        let known = self.known.get(id);
        let over =
            known.and_then(|known| known.story.as_ref()).and_then(|story| story.over.get(run));
        let gone = known.and_then(|known| known.over_since);
        let others = self.begins(id, run);
        let same = others.iter().filter(|other| other.attempt == begin.attempt);
        let at_once = same.clone().any(|other| other.incarnation == begin.incarnation);
        let wrong = if over.is_some_and(|over| begin.attempt <= *over) {
            "begins although its end had been seen"
        } else if gone.is_some_and(|since| since < self.incarnation) {
            "begins although the execution had been seen to have ended"
        } else if at_once {
            "begins twice under one process"
        } else if !self.clock_jumps && same.count() >= BEGINS_MAX {
            "begins a third time without being counted"
        } else if others.iter().any(|other| other.attempt > begin.attempt) {
            "begins after a later attempt had begun"
        } else {
            return;
        };
        let what = format!("{id}: run {run:?} {wrong}: {begin:?}; before: {others:?}");
        self.violation(Kind::Repeated, what);
    }
}

/// Is `long` what `short` became when entries were added?
fn is_prefix(short: &str, long: &str) -> bool {
    let Some(entries) = short.strip_suffix("]}") else { return false };
    let rest = long.strip_prefix(entries);
    rest.is_some_and(|rest| rest == "]}" || rest.starts_with(','))
}
