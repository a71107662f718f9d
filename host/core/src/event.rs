//! What can happen to an execution, and how it is remembered.

use serde::{Deserialize, Serialize};

use crate::{BoundedJson, Failure, LinkAction, PauseId, Segment, Timestamp};

/// A JSON value that comes with an event. In the history only its size is kept; the value
/// is stored once, beside the execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// Size of the JSON text in bytes.
    pub bytes: u64,
    #[serde(skip)]
    json: Option<BoundedJson>,
}

impl Payload {
    /// The value, as long as the event is new; `None` when it was read from the history.
    pub fn json(&self) -> Option<&BoundedJson> {
        self.json.as_ref()
    }

    pub(crate) fn into_json(self) -> Option<BoundedJson> {
        self.json
    }
}

impl Event {
    /// The event as the history keeps it: of each value only its size.
    #[must_use]
    pub(crate) fn recorded(mut self) -> Event {
        match &mut self {
            Event::Finish { result, exports, flow, .. } => {
                let asked = match flow {
                    Flow::Suspend { resume_schema: value, .. }
                    | Flow::Rerun { context: value, .. } => value.as_mut(),
                    Flow::Continue | Flow::Delay { .. } | Flow::Exit { .. } => None,
                };
                let exports = exports.iter_mut().map(|(_, value)| value);
                exports.chain(result).chain(asked).for_each(|value| value.json = None);
            }
            Event::Resume { data: Some(value), .. } => value.json = None,
            Event::Start { .. }
            | Event::Fail { .. }
            | Event::Resume { data: None, .. }
            | Event::Cancel { .. }
            | Event::TimeOut { .. }
            | Event::Crash { .. } => {}
        }
        self
    }
}

impl From<BoundedJson> for Payload {
    fn from(json: BoundedJson) -> Payload {
        Payload { bytes: json.len() as u64, json: Some(json) }
    }
}

/// What happens to an execution after it was triggered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A host took up the run.
    Start {
        /// Which run of which step.
        #[serde(flatten)]
        run: PauseId,
        /// Which try at it.
        attempt: u32,
    },
    /// The handler returned.
    Finish {
        /// Which run of which step.
        #[serde(flatten)]
        run: PauseId,
        /// Which try at it.
        attempt: u32,
        /// How long it ran, in milliseconds.
        compute_ms: u64,
        /// What it returned.
        result: Option<Payload>,
        /// What it exported, by name.
        exports: Vec<(String, Payload)>,
        /// What it asked for.
        flow: Flow,
        /// What it left beside that.
        #[serde(default, skip_serializing_if = "Left::is_nothing")]
        left: Left,
        /// Whether a call that came early fits the `resume_schema` that the run asked with;
        /// `None` when there was nothing to look at.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        early_fit: Option<EarlyFit>,
    },
    /// The run failed.
    Fail {
        /// Which run of which step.
        #[serde(flatten)]
        run: PauseId,
        /// Which try at it.
        attempt: u32,
        /// How long it ran, in milliseconds.
        compute_ms: u64,
        /// Why.
        failure: Failure,
        /// What it left beside that.
        #[serde(default, skip_serializing_if = "Left::is_nothing")]
        left: Left,
    },
    /// Somebody asked to go on.
    Resume {
        /// The pause that was meant.
        #[serde(flatten)]
        pause: PauseId,
        /// Who asked.
        by: Caller,
        /// What was sent along: the request.
        data: Option<Payload>,
    },
    /// Somebody asked to end the execution.
    Cancel {
        /// The pause that was meant; an operator cancels whatever goes on.
        #[serde(flatten, skip_serializing_if = "Option::is_none")]
        pause: Option<PauseId>,
        /// Who asked.
        by: Caller,
    },
    /// A pause's time is over.
    TimeOut {
        /// The pause whose time it is.
        #[serde(flatten)]
        pause: PauseId,
    },
    /// The host died under the run.
    Crash {
        /// Which run of which step.
        #[serde(flatten)]
        run: PauseId,
        /// Which try at it.
        attempt: u32,
    },
}

/// What an attempt left beside its outcome, in figures: what all runs of an execution leave is
/// bounded, however they end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Log, in bytes as it is stored: see [`LogLine::stored_bytes`](crate::LogLine).
    pub log_bytes: u64,
    /// Mails.
    pub mails: u32,
}

impl Left {
    /// Neither log nor mails?
    pub fn is_nothing(&self) -> bool {
        *self == Left::default()
    }
}

/// Does a call that came early fit the schema that its pause begins with? Found out before the
/// pause begins, since the call's data lies in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EarlyFit {
    /// It does.
    Fits,
    /// It does not, and why.
    Misfit(String),
}

/// What a run asked for, to happen when its handler has returned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "asked", rename_all = "snake_case")]
pub enum Flow {
    /// Nothing: the next step.
    #[default]
    Continue,
    /// Wait for the link, then the next step.
    Suspend {
        /// How long at most.
        timeout_ms: u64,
        /// What happens then.
        on_timeout: OnTimeout,
        /// One line for people.
        message: Option<String>,
        /// A JSON Schema for the resuming request's body.
        resume_schema: Option<Payload>,
    },
    /// Run this step again, after a while or when the link is called.
    Rerun {
        /// How long at most.
        delay_ms: u64,
        /// What the next run finds in `context`.
        context: Option<Payload>,
        /// Reruns allowed in all.
        max_retries: u32,
    },
    /// Wait, then the next step.
    Delay {
        /// How long.
        delay_ms: u64,
    },
    /// End the workflow, successfully.
    Exit {
        /// Why, for people.
        reason: Option<String>,
    },
}

/// What happens when nobody answers a `suspend` in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnTimeout {
    /// The workflow goes on.
    #[default]
    Resume,
    /// The execution ends as `canceled`.
    Cancel,
    /// The execution ends as `failed`.
    Fail,
}

/// Who called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "who", rename_all = "snake_case")]
pub enum Caller {
    /// An HTTP request on a link.
    Request {
        /// The address it came from.
        client_ip: Option<String>,
    },
    /// Somebody with the API's token.
    Operator,
}

/// How a pause ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseEnding {
    /// It was resumed.
    Resumed,
    /// It was canceled.
    Canceled,
    /// Its time was over.
    TimedOut,
}

/// How and when a pause ended, kept for those who call its links later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseEnd {
    /// How.
    pub ending: PauseEnding,
    /// When.
    pub at: Timestamp,
    /// Who ended it; nobody when its time was over.
    pub by: Option<Caller>,
}

/// One line of the history: an accepted event, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// 1 is the trigger; then one more each event. Equals the execution's version after it.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What happened; `None` for the trigger itself.
    pub event: Option<Event>,
    /// What else there is to know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// The stretch of work that this event closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<Segment>,
}

/// A remark on a history entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "snake_case")]
pub enum Note {
    /// A link was called before its pause had begun; it waits for that.
    StoredEarlyCall {
        /// Resume or cancel.
        action: LinkAction,
    },
    /// A call that had come early took effect as the pause began.
    AppliedEarlyCall {
        /// Resume or cancel.
        action: LinkAction,
        /// When it had come.
        called_at: Timestamp,
    },
    /// A call that had come early met no pause and has no effect.
    DroppedEarlyCall {
        /// Resume or cancel.
        action: LinkAction,
        /// When it had come.
        called_at: Timestamp,
    },
    /// A call that had come early can't be taken as the pause begins: the pause is open, and its
    /// links go on working.
    RefusedEarlyCall {
        /// Resume or cancel.
        action: LinkAction,
        /// When it had come.
        called_at: Timestamp,
        /// What it does not fit into: the pause's schema, or the room for data.
        why: String,
    },
    /// `rerun` asked for more runs than it allows; the workflow goes on.
    RerunsUsedUp {
        /// Reruns allowed.
        max_retries: u32,
    },
    /// The run failed and is tried again.
    RetryAt {
        /// When.
        at: Timestamp,
    },
    /// What the run left is more than the execution may hold.
    DataLimit,
}
