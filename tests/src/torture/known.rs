//! One execution that exists: all that the server has said of it.

use std::collections::HashMap;

use serde_json::Value;

use crate::torture::facts::{Fact, check};
use crate::torture::ledger::Links;
use crate::torture::report::Kind;
use crate::torture::rules::{Run, Story};

/// What is wrong.
pub(super) type Wrong = Vec<(Kind, String)>;

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
    /// Pauses that were shown, and since when they were open.
    pauses: Vec<(Run, String)>,
    /// Links of its pauses.
    pub(super) links: HashMap<Run, Links>,
    /// It is not there any more, and this was said.
    pub(super) lost: bool,
    /// There are answers that were not compared with the history.
    pub(super) dirty: bool,
    /// Since which incarnation it has been seen to be over.
    pub(super) over_since: Option<u32>,
}

/// What was known of an execution when a question was asked: the answer says at least that.
#[derive(Clone, Debug, Default)]
pub(super) struct Mark {
    facts: usize,
    pauses: usize,
    entries: usize,
    ended: bool,
}

impl Known {
    /// An execution that was triggered with this event.
    pub(super) fn new(event: Value) -> Known {
        Known { event, dirty: true, ..Known::default() }
    }

    /// What is known now.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            facts: self.facts.len(),
            pauses: self.pauses.len(),
            entries: self.story.as_ref().map_or(0, |story| story.length),
            ended: self.ended.is_some(),
        }
    }

    /// Compares a history with everything that had been said before it was asked for.
    pub(super) fn read_history(&mut self, mark: &Mark, body: &str, items: &[Value]) -> Wrong {
        let mut wrong = self.compare_histories(mark, body, items.len());
        let story = match Story::of(items) {
            Ok(story) => story,
            Err(broken) => {
                let kind = if broken.repeated { Kind::Repeated } else { Kind::Other };
                wrong.push((kind, format!("{}\n{body}", broken.what)));
                return wrong;
            }
        };
        for fact in self.facts.iter().take(mark.facts) {
            if let Err(what) = check(fact, &story) {
                wrong.push((Kind::Lost, format!("{what}\n  {fact:?}\n{body}")));
            }
        }
        for (run, since) in self.pauses.iter().take(mark.pauses) {
            if story.pauses.get(run).is_none_or(|pause| pause.since != *since) {
                let what = format!("a pause {run:?} was shown, open since {since}:\n{body}");
                wrong.push((Kind::Lost, what));
            }
        }
        if mark.ended && story.ended_at.is_none() {
            wrong.push((Kind::Lost, format!("it was shown after its end:\n{body}")));
        }
        if mark.facts == self.facts.len() && mark.pauses == self.pauses.len() {
            self.dirty = false;
        }
        if self.story.as_ref().is_none_or(|before| before.length <= story.length) {
            self.story = Some(story);
            self.history = body.to_owned();
        }
        wrong
    }

    /// A history only grows. Of two that were read at the same time, either may be the longer.
    fn compare_histories(&self, mark: &Mark, body: &str, entries: usize) -> Wrong {
        let known = self.history.as_str();
        let (short, long) = if body.len() < known.len() { (body, known) } else { (known, body) };
        let mut wrong = Wrong::new();
        if !short.is_empty() && !is_prefix(short, long) {
            wrong.push((Kind::Lost, format!("its history changed:\n{short}\n{long}")));
        }
        if entries < mark.entries {
            wrong.push((Kind::Lost, format!("its history was longer:\n{known}\n{body}")));
        }
        wrong
    }

    /// Compares the execution as it is shown with what had been shown before.
    pub(super) fn read_execution(&mut self, mark: &Mark, raw: &str, view: &Value) -> Wrong {
        if view["event"]["body"] != self.event["body"] {
            return vec![(Kind::Lost, format!("its event is another one: {}", view["event"]))];
        }
        self.see_pause(view);
        let over = !view["finished_at"].is_null();
        match &self.ended {
            Some(before) if (over || mark.ended) && before != raw => {
                return vec![(Kind::Lost, format!("it changed after its end:\n{before}\n{raw}"))];
            }
            None if over => {
                self.ended = Some(raw.to_owned());
                self.dirty = true;
            }
            _ => {}
        }
        Wrong::new()
    }

    /// A pause that was shown is a fact. (A retry's wait is no pause of the run's own.)
    fn see_pause(&mut self, view: &Value) {
        let waiting = &view["waiting"];
        let (Some(step), Some(since)) = (waiting["step"].as_str(), waiting["since"].as_str())
        else {
            return;
        };
        let runs = view["steps"][step]["runs"].as_u64().and_then(|runs| u32::try_from(runs).ok());
        let pause = ((step.to_owned(), runs.unwrap_or(0)), since.to_owned());
        if waiting["kind"] != "retry" && !self.pauses.contains(&pause) {
            self.pauses.push(pause);
            self.dirty = true;
        }
    }
}

/// Is `long` what `short` became when entries were added?
fn is_prefix(short: &str, long: &str) -> bool {
    let Some(entries) = short.strip_suffix(']') else { return false };
    let rest = long.strip_prefix(entries);
    rest.is_some_and(|rest| rest == "]" || rest.starts_with(','))
}
