//! Answers to calls, and whether a history agrees with them.

use serde_json::Value;

use crate::torture::rules::{End, Run, Story};

/// A call of a link, or an operator's.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The pause that a link names; an operator names none.
    pub(super) run: Option<Run>,
    /// `resume` or `cancel`.
    pub(super) action: &'static str,
    /// What was sent along.
    pub(super) nonce: String,
}

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    /// To this call.
    pub(super) call: Call,
    /// The status.
    pub(super) status: u16,
    /// The body.
    pub(super) body: Value,
}

impl Fact {
    /// Did this call do what it says, now?
    pub(super) fn won(&self) -> bool {
        matches!(self.status, 200 | 202) && self.body["already"] == false
    }
}

/// Does a history that was read after the answer agree with it?
pub(super) fn check(fact: &Fact, story: &Story) -> Result<(), String> {
    let agrees = match &fact.call.run {
        Some(run) => link(fact, run, story),
        None => operator(fact, story),
    };
    let Fact { status, body, .. } = fact;
    if agrees { Ok(()) } else { Err(format!("the history disagrees with {status} {body}")) }
}

fn link(fact: &Fact, run: &Run, story: &Story) -> bool {
    let Fact { call, status, body } = fact;
    let end = story.pauses.get(run).and_then(|pause| pause.end.as_ref());
    let early = story.early.get(run);
    match (status, code(fact)) {
        (200 | 202, "accepted") => {
            early.is_some_and(|early| early.action == call.action && body["at"] == *early.at)
                && (*status == 202) == (body["already"] == false)
        }
        (200, outcome) => {
            let by_link = end.is_some_and(|end| end.by.as_deref() == Some("request"));
            outcome == ending_of(call.action)
                && end.is_some_and(|end| is(end, outcome, &body["at"]))
                && (body["already"] == true || by_link)
        }
        (409, "pause_over") => {
            let ending = body["ending"].as_str().unwrap_or_default();
            ending != ending_of(call.action) && end.is_some_and(|end| is(end, ending, &body["at"]))
        }
        (409, "other_link_called") => early.is_some_and(|early| {
            early.action != call.action
                && body["action"] == *early.action
                && body["at"] == *early.at
        }),
        (409, "never_paused") => !story.pauses.contains_key(run),
        (410, "execution_ended") => ended(body, story) && end.is_none(),
        _ => false,
    }
}

fn operator(fact: &Fact, story: &Story) -> bool {
    let Fact { call, status, body } = fact;
    let did =
        |at: &Value| story.operator.iter().any(|(did, when)| *did == call.action && at == when);
    let some_end = |ending: &str| {
        let ends = story.pauses.values().filter_map(|pause| pause.end.as_ref());
        ends.into_iter().any(|end| is(end, ending, &body["at"]))
    };
    match (status, code(fact)) {
        (200, outcome) if outcome == ending_of(call.action) => {
            if body["already"] == false {
                return did(&body["at"]);
            }
            let ended = body["at"].as_str() == story.ended_at.as_deref();
            some_end(outcome) || (ended && story.status() == "canceled")
        }
        (409, "pause_over") => some_end(body["ending"].as_str().unwrap_or_default()),
        // It raced with something else, and nothing has changed.
        (409, "not_paused" | "never_paused") => call.action == "resume",
        (410, "execution_ended") => ended(body, story),
        _ => false,
    }
}

fn is(end: &End, ending: &str, at: &Value) -> bool {
    end.ending == ending && *at == *end.at
}

fn ended(body: &Value, story: &Story) -> bool {
    let at = story.ended_at.as_deref();
    body["execution_status"] == story.status() && at.is_some() && body["at"].as_str() == at
}

/// The word of the answer: an outcome, or a problem's code.
fn code(fact: &Fact) -> &str {
    fact.body["outcome"].as_str().or(fact.body["code"].as_str()).unwrap_or_default()
}

/// How a pause is called that ended so.
pub(super) fn ending_of(action: &str) -> &'static str {
    if action == "cancel" { "canceled" } else { "resumed" }
}
