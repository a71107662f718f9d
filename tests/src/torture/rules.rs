//! The rules of an execution, told a second time and from outside: what a history may say.
//!
//! [`Story::of`] reads a history event by event, knows after each one what may come next, and
//! says which rule was broken when something else comes.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::Value;

/// The first step.
pub(super) const STEP: &str = "step";

/// The second, and last.
pub(super) const NEXT: &str = "next";

/// Attempts that the first step's `retry` allows to fail.
const FAILURES_MAX: u32 = 3;

/// Deaths of the host after which a run is given up.
const CRASHES_MAX: u32 = 5;

/// A run: its step's name, and its number from 1. Its pause has the same name.
pub(super) type Run = (String, u32);

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// A run that was over went on.
    pub(super) repeated: bool,
    /// What happened.
    pub(super) what: String,
}

/// What a history says.
#[derive(Clone, Debug)]
pub(super) struct Story {
    state: State,
    /// Its entries.
    pub(super) length: usize,
    /// When the execution ended.
    pub(super) ended_at: Option<String>,
    /// Pauses that runs asked for and got.
    pub(super) pauses: HashMap<Run, Pause>,
    /// Calls that came before their pause.
    pub(super) early: HashMap<Run, Early>,
    /// The last attempt of a run that is over; `u32::MAX` when the run is.
    pub(super) over: HashMap<Run, u32>,
    /// Runs that finished, and the number of the entry that says so.
    pub(super) finished: Vec<(Run, u64)>,
    /// What operators did, and when.
    pub(super) operator: Vec<(&'static str, String)>,
}

/// A pause that a run asked for.
#[derive(Clone, Debug)]
pub(super) struct Pause {
    kind: String,
    on_timeout: String,
    deadline_ms: i64,
    /// How it ended.
    pub(super) end: Option<End>,
}

/// How a pause ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// `resumed`, `canceled` or `timed_out`.
    pub(super) ending: &'static str,
    /// When.
    pub(super) at: String,
    /// `request` or `operator`; nobody when it timed out.
    pub(super) by: Option<String>,
}

/// A call that came before its pause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Early {
    /// `resume` or `cancel`.
    pub(super) action: String,
    /// When.
    pub(super) at: String,
    /// It has had its effect, or has none.
    settled: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Queued(Try),
    Running(Try),
    Paused(Run),
    /// Between two attempts.
    Retrying {
        next: Try,
        deadline_ms: i64,
    },
    Ended(&'static str),
}

/// A try at a run.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Try {
    run: Run,
    attempt: u32,
    failures: u32,
    crashes: u32,
}

impl Try {
    fn first(step: &str, run: u32) -> Try {
        Try { run: (step.to_owned(), run), attempt: 1, failures: 0, crashes: 0 }
    }
}

type Told<T = ()> = Result<T, Broken>;

fn broken<T>(what: impl Into<String>) -> Told<T> {
    Err(Broken { repeated: false, what: what.into() })
}

fn repeated<T>(what: impl Into<String>) -> Told<T> {
    Err(Broken { repeated: true, what: what.into() })
}

impl Story {
    /// Reads the entries of a history.
    pub(super) fn of(entries: &[Value]) -> Told<Story> {
        let mut story = Story {
            state: State::Queued(Try::first(STEP, 1)),
            length: 0,
            ended_at: None,
            pauses: HashMap::new(),
            early: HashMap::new(),
            over: HashMap::new(),
            finished: Vec::new(),
            operator: Vec::new(),
        };
        for entry in entries {
            story.length += 1;
            let told = story.tell(entry);
            told.map_err(|broken| Broken { what: format!("{}: {entry}", broken.what), ..broken })?;
        }
        if story.length == 0 { broken("an empty history") } else { Ok(story) }
    }

    /// The execution's status.
    pub(super) fn status(&self) -> &'static str {
        match &self.state {
            State::Queued(_) => "queued",
            State::Running(_) => "running",
            State::Paused(_) | State::Retrying { .. } => "suspended",
            State::Ended(status) => status,
        }
    }

    fn tell(&mut self, entry: &Value) -> Told {
        if entry["seq"].as_u64() != Some(self.length as u64) {
            return broken("an entry is missing or stands twice");
        }
        let kind = word(&entry["type"]);
        if (kind == "trigger") != (self.length == 1) {
            return broken("a history begins with its trigger, and has one");
        }
        if kind != "trigger" && matches!(self.state, State::Ended(_)) {
            return broken("something happened after the end");
        }
        match kind {
            "trigger" => Ok(()),
            "start" => self.start(entry),
            "finish" => self.finish(entry),
            "fail" => self.fail(entry),
            "crash" => self.crash(entry),
            "time_out" => self.time_out(entry),
            "resume" => self.resume(entry),
            "cancel" => self.cancel(entry),
            other => broken(format!("{other:?} is nothing that happens")),
        }
    }

    fn start(&mut self, entry: &Value) -> Told {
        match &self.state {
            State::Queued(due) if due.run == run(entry) && due.attempt == attempt(entry) => {
                self.state = State::Running(due.clone());
                Ok(())
            }
            _ if self.is_over(entry) => repeated("a run that is over starts"),
            _ => broken("a run starts that is not due"),
        }
    }

    fn is_over(&self, entry: &Value) -> bool {
        self.over.get(&run(entry)).is_some_and(|over| attempt(entry) <= *over)
    }

    /// The try that is under way, which `entry` is to be about.
    fn running(&self, entry: &Value) -> Told<Try> {
        match &self.state {
            State::Running(current)
                if current.run == run(entry) && current.attempt == attempt(entry) =>
            {
                Ok(current.clone())
            }
            _ if self.is_over(entry) => repeated("a run that is over ends again"),
            _ => broken("a run ends that is not under way"),
        }
    }

    fn finish(&mut self, entry: &Value) -> Told {
        let current = self.running(entry)?;
        self.over.insert(current.run.clone(), u32::MAX);
        self.finished.push((current.run.clone(), self.length as u64));
        let flow = &entry["flow"];
        let number = current.run.1;
        match word(&flow["asked"]) {
            "continue" => self.advance(&current.run, entry),
            "exit" => self.end("completed", entry),
            kind @ ("suspend" | "delay") => self.pause(&current.run, kind, entry)?,
            "rerun" => {
                let max = flow["max_retries"].as_u64().unwrap_or(0);
                let used_up = note(entry, "reruns_used_up").is_some();
                if used_up != (u64::from(number) > max) {
                    return broken("the limit of reruns was not kept");
                }
                match used_up {
                    true => self.advance(&current.run, entry),
                    false => self.pause(&current.run, "rerun", entry)?,
                }
            }
            other => return broken(format!("{other:?} is nothing to ask for")),
        }
        self.drop_early(&current.run, entry)
    }

    fn pause(&mut self, run: &Run, kind: &str, entry: &Value) -> Told {
        let flow = &entry["flow"];
        let wait = flow["timeout_ms"].as_i64().or(flow["delay_ms"].as_i64()).unwrap_or(0);
        let pause = Pause {
            kind: kind.to_owned(),
            on_timeout: word(&flow["on_timeout"]).to_owned(),
            deadline_ms: millis(&entry["at"]) + wait,
            end: None,
        };
        self.state = State::Paused(run.clone());
        self.pauses.insert(run.clone(), pause);
        let applied = note(entry, "applied_early_call");
        let Some(call) = self.early.get_mut(run).filter(|call| !call.settled) else {
            return if applied.is_none() { Ok(()) } else { broken("nobody had called early") };
        };
        call.settled = true;
        let same = applied
            .is_some_and(|note| note["action"] == *call.action && note["called_at"] == *call.at);
        if !same {
            return broken("an early call did not take effect as its pause began");
        }
        match call.action.as_str() {
            "cancel" => self.end_pause(run, "canceled", Some("request"), entry),
            _ => self.end_pause(run, "resumed", Some("request"), entry),
        }
    }

    fn fail(&mut self, entry: &Value) -> Told {
        let current = self.running(entry)?;
        let failures = current.failures + 1;
        let Some(retry) = note(entry, "retry_at") else {
            self.over.insert(current.run.clone(), u32::MAX);
            self.end("failed", entry);
            return self.drop_early(&current.run, entry);
        };
        if failures >= FAILURES_MAX {
            return broken("a run is tried again more often than it may be");
        }
        self.over.insert(current.run.clone(), current.attempt);
        let next = Try { attempt: current.attempt + 1, failures, ..current };
        self.state = State::Retrying { next, deadline_ms: millis(&retry["at"]) };
        Ok(())
    }

    fn crash(&mut self, entry: &Value) -> Told {
        let current = self.running(entry)?;
        let crashes = current.crashes + 1;
        if crashes >= CRASHES_MAX {
            self.over.insert(current.run.clone(), u32::MAX);
            self.end("failed", entry);
            return self.drop_early(&current.run, entry);
        }
        self.over.insert(current.run.clone(), current.attempt);
        self.state = State::Queued(Try { attempt: current.attempt + 1, crashes, ..current });
        Ok(())
    }

    fn time_out(&mut self, entry: &Value) -> Told {
        let deadline_ms = match &self.state {
            State::Paused(open) if *open == run(entry) => self.pauses[open].deadline_ms,
            State::Retrying { next, deadline_ms } if next.run == run(entry) => *deadline_ms,
            _ => return broken("a pause timed out that is not open"),
        };
        if millis(&entry["at"]) < deadline_ms {
            return broken("a pause timed out before its deadline");
        }
        match self.state.clone() {
            State::Paused(open) => self.end_pause(&open, "timed_out", None, entry),
            State::Retrying { next, .. } => {
                self.state = State::Queued(next);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn resume(&mut self, entry: &Value) -> Told {
        if note(entry, "stored_early_call").is_some() {
            return self.call_early("resume", entry);
        }
        let by = word(&entry["by"]["who"]);
        match self.state.clone() {
            State::Paused(open) if open == run(entry) => {
                self.note_operator("resume", by, entry);
                self.end_pause(&open, "resumed", Some(by), entry)
            }
            State::Retrying { next, .. } if next.run == run(entry) && by == "operator" => {
                self.note_operator("resume", by, entry);
                self.state = State::Queued(next);
                Ok(())
            }
            _ => broken("a pause was resumed that is not open"),
        }
    }

    fn cancel(&mut self, entry: &Value) -> Told {
        if note(entry, "stored_early_call").is_some() {
            return self.call_early("cancel", entry);
        }
        let by = word(&entry["by"]["who"]);
        self.note_operator("cancel", by, entry);
        if let State::Paused(open) = self.state.clone() {
            if by != "operator" && open != run(entry) {
                return broken("a pause was canceled that is not open");
            }
            return self.end_pause(&open, "canceled", Some(by), entry);
        }
        if by != "operator" {
            return broken("a link canceled what is not paused");
        }
        let current = match &self.state {
            State::Queued(current) | State::Running(current) => Some(current.run.clone()),
            State::Retrying { next, .. } => Some(next.run.clone()),
            State::Paused(_) | State::Ended(_) => None,
        };
        self.end("canceled", entry);
        current.map_or(Ok(()), |run| self.drop_early(&run, entry))
    }

    fn note_operator(&mut self, action: &'static str, by: &str, entry: &Value) {
        if by == "operator" {
            self.operator.push((action, word(&entry["at"]).to_owned()));
        }
    }

    fn call_early(&mut self, action: &str, entry: &Value) -> Told {
        let due = match &self.state {
            State::Queued(due) | State::Running(due) => &due.run,
            State::Retrying { next, .. } => &next.run,
            State::Paused(_) | State::Ended(_) => {
                return broken("a call came too late to be early");
            }
        };
        if *due != run(entry)
            || note(entry, "stored_early_call").map(|n| word(&n["action"])) != Some(action)
        {
            return broken("an early call was kept for another run");
        }
        let at = word(&entry["at"]).to_owned();
        let early = Early { action: action.to_owned(), at, settled: false };
        match self.early.insert(due.clone(), early) {
            None => Ok(()),
            Some(_) => broken("a second early call was kept"),
        }
    }

    /// The run is over: a call that came early and met no pause is noted.
    fn drop_early(&mut self, run: &Run, entry: &Value) -> Told {
        let dropped = note(entry, "dropped_early_call").is_some();
        let open = self.early.get_mut(run).filter(|call| !call.settled);
        let had = open.map(|call| call.settled = true).is_some();
        match (had, dropped) {
            (true, false) => broken("an early call got lost"),
            (false, true) => broken("nobody had called early"),
            _ => Ok(()),
        }
    }

    fn end_pause(
        &mut self,
        run: &Run,
        ending: &'static str,
        by: Option<&str>,
        entry: &Value,
    ) -> Told {
        let at = word(&entry["at"]).to_owned();
        let Some(pause) = self.pauses.get_mut(run) else { return broken("no such pause") };
        if pause.end.is_some() {
            return broken("a pause ended twice");
        }
        pause.end = Some(End { ending, at, by: by.map(str::to_owned) });
        let (kind, on_timeout) = (pause.kind.clone(), pause.on_timeout.clone());
        match (ending, kind.as_str(), on_timeout.as_str()) {
            ("canceled", ..) | ("timed_out", "suspend", "cancel") => self.end("canceled", entry),
            ("timed_out", "suspend", "fail") => self.end("failed", entry),
            (_, "rerun", _) => self.state = State::Queued(Try::first(&run.0, run.1 + 1)),
            _ => self.advance(run, entry),
        }
        Ok(())
    }

    fn advance(&mut self, run: &Run, entry: &Value) {
        match run.0.as_str() {
            STEP => self.state = State::Queued(Try::first(NEXT, 1)),
            _ => self.end("completed", entry),
        }
    }

    fn end(&mut self, status: &'static str, entry: &Value) {
        self.state = State::Ended(status);
        self.ended_at = Some(word(&entry["at"]).to_owned());
    }
}

fn run(entry: &Value) -> Run {
    (word(&entry["step"]).to_owned(), number(&entry["run"]))
}

fn attempt(entry: &Value) -> u32 {
    number(&entry["attempt"])
}

fn number(value: &Value) -> u32 {
    value.as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn note<'a>(entry: &'a Value, name: &str) -> Option<&'a Value> {
    entry["notes"].as_array()?.iter().find(|note| note["note"] == name)
}

fn millis(at: &Value) -> i64 {
    word(at).parse::<Timestamp>().map_or(0, |at| at.as_millisecond())
}
