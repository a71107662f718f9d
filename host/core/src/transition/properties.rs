//! What holds whatever happens, in whatever order: random stories, compared step by step with
//! a model that knows nothing but the rules.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::scenario::{REQUEST, Story, payload, rerun, suspend, workflow};
use super::*;
use crate::{Caller, EarlyFit, Failure, FailureKind, Flow, Left, Note, OnTimeout, PauseKind, Run};

const STEPS: u16 = 3;
const MAX_RETRIES: u32 = 2;
const ATTEMPTS: u32 = 2;

/// Something that may happen. Runs and pauses are named by small numbers, so that most names
/// are wrong or outdated.
#[derive(Clone, Debug)]
enum Act {
    Start,
    Finish(u8),
    /// With a `suspend` that has a schema, and what is known of the call that came early.
    Ask(Option<bool>),
    Fail(bool),
    /// Retryable.
    HostFault,
    Crash,
    Resume(u16, u32),
    Cancel(u16, u32),
    TimeOut(u16, u32),
    OperatorCancel,
    OperatorResume,
    Wait(u64),
}

fn act() -> impl Strategy<Value = Act> {
    let pause = || (0..STEPS, 1..4_u32);
    prop_oneof![
        6 => Just(Act::Start),
        6 => (0..5_u8).prop_map(Act::Finish),
        2 => any::<Option<bool>>().prop_map(Act::Ask),
        2 => any::<bool>().prop_map(Act::Fail),
        1 => Just(Act::HostFault),
        1 => Just(Act::Crash),
        4 => pause().prop_map(|(step, run)| Act::Resume(step, run)),
        1 => pause().prop_map(|(step, run)| Act::Cancel(step, run)),
        4 => pause().prop_map(|(step, run)| Act::TimeOut(step, run)),
        1 => prop_oneof![9 => Just(Act::Wait(1)), 1 => Just(Act::OperatorCancel)],
        1 => Just(Act::OperatorResume),
        3 => (0..2000_u64).prop_map(Act::Wait),
    ]
}

fn ask() -> Flow {
    let (timeout_ms, on_timeout, message) = (1000, OnTimeout::Resume, None);
    let resume_schema = Some(payload(json!({"type": "object"})));
    Flow::Suspend { timeout_ms, on_timeout, message, resume_schema }
}

fn flow(number: u8) -> Flow {
    match number {
        0 | 1 => Flow::Continue,
        2 => suspend(1000),
        3 => rerun(MAX_RETRIES),
        _ => Flow::Delay { delay_ms: 500 },
    }
}

/// The rules in their plainest form.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Model {
    status: Status,
    step: u16,
    run: u32,
    attempt: u32,
    failures: u32,
    crashes: u32,
    /// While suspended: what for, and until when.
    wait: Option<(&'static str, Timestamp)>,
    early: Option<LinkAction>,
}

impl Model {
    fn new() -> Model {
        let status = Status::Queued;
        Model {
            status,
            step: 0,
            run: 1,
            attempt: 1,
            failures: 0,
            crashes: 0,
            wait: None,
            early: None,
        }
    }

    fn fresh_run(&mut self, step: u16, run: u32) {
        *self = Model { step, run, early: None, ..Model::new() };
    }

    fn next_step(&mut self) {
        if self.step + 1 < STEPS {
            self.fresh_run(self.step + 1, 1);
        } else {
            self.end(Status::Completed);
        }
    }

    fn end(&mut self, status: Status) {
        (self.status, self.wait, self.early) = (status, None, None);
    }

    fn go_on(&mut self) {
        match self.wait.take() {
            Some(("rerun", _)) => self.fresh_run(self.step, self.run + 1),
            Some(("retry", _)) => {
                self.status = Status::Queued;
                self.attempt += 1;
            }
            _ => self.next_step(),
        }
    }

    fn pause(&mut self, kind: &'static str, until: Timestamp) {
        (self.status, self.wait) = (Status::Suspended, Some((kind, until)));
        match self.early.take_if(|_| kind != "retry") {
            Some(LinkAction::Cancel) => self.end(Status::Canceled),
            Some(_) => self.go_on(),
            None => {}
        }
    }

    /// `false`: nothing changes.
    fn act(&mut self, act: &Act, now: Timestamp) -> bool {
        let named = |step: u16, run: u32| self.step == step && self.run == run;
        let own = matches!(self.wait, Some((kind, _)) if kind != "retry");
        let live = !self.status.is_terminal();
        match *act {
            Act::Start if self.status == Status::Queued => self.status = Status::Running,
            Act::Finish(number) if self.status == Status::Running => match flow(number) {
                Flow::Suspend { .. } => self.pause("suspend", now.plus_millis(1000)),
                Flow::Delay { .. } => self.pause("delay", now.plus_millis(500)),
                Flow::Rerun { .. } if self.run <= MAX_RETRIES => {
                    self.pause("rerun", now.plus_millis(1000));
                }
                _ => self.next_step(),
            },
            Act::Ask(fits) if self.status == Status::Running => {
                match (self.early, fits) {
                    (Some(LinkAction::Resume), None) => return false,
                    (Some(LinkAction::Resume), Some(false)) => self.early = None,
                    _ => {}
                }
                self.pause("suspend", now.plus_millis(1000));
            }
            Act::Fail(retryable) if self.status == Status::Running => {
                self.failures += 1;
                if retryable && self.failures < ATTEMPTS {
                    self.pause("retry", now.plus_millis(1000));
                } else {
                    self.end(Status::Failed);
                }
            }
            Act::HostFault if self.status == Status::Running => {
                self.failures += 1;
                match [1000, 4000, 16_000, 60_000].get(self.failures as usize - 1) {
                    Some(&wait) => self.pause("retry", now.plus_millis(wait)),
                    None => self.end(Status::Failed),
                }
            }
            Act::Crash if self.status == Status::Running => {
                self.crashes += 1;
                self.attempt += 1;
                self.status = Status::Queued;
                if self.crashes == 5 {
                    self.end(Status::Failed);
                }
            }
            Act::Resume(step, run) if live && named(step, run) && own => self.go_on(),
            Act::Cancel(step, run) if live && named(step, run) && own => self.end(Status::Canceled),
            Act::Resume(step, run) if live && named(step, run) && self.early.is_none() => {
                self.early = Some(LinkAction::Resume);
            }
            Act::Cancel(step, run) if live && named(step, run) && self.early.is_none() => {
                self.early = Some(LinkAction::Cancel);
            }
            Act::TimeOut(step, run) if named(step, run) => match self.wait {
                Some((_, until)) if until <= now => self.go_on(),
                _ => return false,
            },
            Act::OperatorCancel if live => self.end(Status::Canceled),
            Act::OperatorResume if self.status == Status::Suspended => self.go_on(),
            _ => return false,
        }
        true
    }
}

fn failure(run: Run, kind: FailureKind, retryable: bool) -> Event {
    let failure = Failure { retryable, ..Failure::new(kind, "E", "no") };
    let left = Left { log_bytes: 7, mails: 1 };
    Event::Fail { run: run.id, attempt: run.attempt, compute_ms: 1, failure, left }
}

fn finish(run: Run, flow: Flow, fits: Option<bool>) -> Event {
    Event::Finish {
        run: run.id,
        attempt: run.attempt,
        compute_ms: 1,
        result: Some(payload(json!(run.id.run))),
        exports: vec![("x".to_owned(), payload(json!([run.attempt])))],
        flow,
        left: Left { log_bytes: 7, mails: 1 },
        early_fit: fits
            .map(|fits| if fits { EarlyFit::Fits } else { EarlyFit::Misfit("no".into()) }),
    }
}

/// What an act is for the real thing. Outcomes of runs name the run that is under way.
fn event(act: &Act, story: &Story) -> Option<Event> {
    let run = story.execution.run().cloned();
    let named = |step: u16, run: u32| PauseId { step, run };
    Some(match *act {
        Act::Start => run.map(|run| Event::Start { run: run.id, attempt: run.attempt })?,
        Act::Finish(number) => finish(run?, flow(number), None),
        Act::Ask(fits) => finish(run?, ask(), fits),
        Act::Fail(retryable) => failure(run?, FailureKind::GuestError, retryable),
        Act::HostFault => failure(run?, FailureKind::HostFault, true),
        Act::Crash => run.map(|run| Event::Crash { run: run.id, attempt: run.attempt })?,
        Act::Resume(step, run) => {
            Event::Resume { pause: named(step, run), by: REQUEST, data: Some(payload(json!({}))) }
        }
        Act::Cancel(step, run) => Event::Cancel { pause: Some(named(step, run)), by: REQUEST },
        Act::TimeOut(step, run) => Event::TimeOut { pause: named(step, run) },
        Act::OperatorCancel => Event::Cancel { pause: None, by: Caller::Operator },
        Act::OperatorResume => {
            let pause = story.execution.pause()?.id;
            Event::Resume { pause, by: Caller::Operator, data: None }
        }
        Act::Wait(_) => return None,
    })
}

fn new_story() -> Story {
    let retry = json!({"attempts": ATTEMPTS, "backoff_ms": 1000, "factor": 1});
    let step = |name: &str| json!({"name": name, "component": "c", "retry": retry});
    Story::of(&workflow(json!([step("a"), step("b"), step("c")])))
}

fn tell(acts: &[Act]) -> (Story, Model) {
    let (mut story, mut model) = (new_story(), Model::new());
    for act in acts {
        if let Act::Wait(millis) = act {
            story.after(*millis);
            continue;
        }
        let Some(event) = event(act, &story) else { continue };
        let before = story.execution.clone();
        let happened = story.happens(event).is_ok();
        assert_eq!(happened, model.act(act, story.now), "{act:?} at {before:?}");
        if !happened {
            assert_eq!(story.execution, before);
        }
        agree(&story, &model);
    }
    (story, model)
}

fn agree(story: &Story, model: &Model) {
    let execution = &story.execution;
    assert_eq!(execution.status(), model.status, "{execution:?}");
    assert_eq!(execution.early_call.as_ref().map(|call| call.action), model.early);
    if let Some(run) = execution.run().filter(|_| execution.pause().is_none()) {
        assert_eq!((run.id.step, run.id.run, run.attempt), (model.step, model.run, model.attempt));
    }
    let wait = execution.pause().map(|pause| (pause.kind.as_str(), pause.deadline));
    assert_eq!(wait, model.wait);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_story_follows_the_model(acts in proptest::collection::vec(act(), 0..60)) {
        tell(&acts);
    }

    #[test]
    fn the_history_tells_the_same_story_again(acts in proptest::collection::vec(act(), 0..60)) {
        let (story, _) = tell(&acts);
        let mut again = new_story().execution;
        for (entry, seq) in story.history.iter().zip(1..) {
            prop_assert_eq!(entry.seq, seq);
            // As it is stored, without the payloads.
            let stored: HistoryEntry =
                serde_json::from_str(&serde_json::to_string(entry).unwrap()).unwrap();
            prop_assert_eq!(&stored, entry);
            if let Some(event) = stored.event {
                again = transition(&again, event, stored.at).unwrap().next;
            }
        }
        prop_assert_eq!(again, story.execution);
    }

    #[test]
    fn every_pause_ends_once_and_no_accepted_call_is_lost(acts in proptest::collection::vec(act(), 0..60)) {
        let (story, _) = tell(&acts);
        let mut ends = BTreeMap::new();
        for (pause, _) in &story.ended {
            *ends.entry(*pause).or_insert(0) += 1;
        }
        prop_assert!(ends.values().all(|count| *count == 1), "{ends:?}");
        let (mut stored, mut settled) = (0, 0);
        for note in story.history.iter().flat_map(|entry| &entry.notes) {
            match note {
                Note::StoredEarlyCall { .. } => stored += 1,
                Note::AppliedEarlyCall { .. }
                | Note::DroppedEarlyCall { .. }
                | Note::RefusedEarlyCall { .. } => settled += 1,
                Note::RerunsUsedUp { .. } | Note::RetryAt { .. } | Note::DataLimit => {}
            }
        }
        prop_assert_eq!(stored, settled + usize::from(story.execution.early_call.is_some()));
    }

    #[test]
    fn nothing_grows_without_bound(acts in proptest::collection::vec(act(), 0..60)) {
        let (story, _) = tell(&acts);
        let execution = &story.execution;
        prop_assert!(execution.steps.iter().all(|step| step.runs <= MAX_RETRIES + 1));
        let held: u64 = story.payloads.values().map(|json| json.len() as u64).sum();
        let mut referred = execution.payloads();
        referred.sort_unstable();
        prop_assert_eq!(referred, story.payloads.keys().copied().collect::<Vec<_>>());
        prop_assert_eq!(held, execution.payload_bytes);
        prop_assert!(serde_json::to_string(execution).unwrap().len() < 8192);
        let retry = matches!(execution.pause().map(|pause| &pause.kind), Some(PauseKind::Retry { .. }));
        prop_assert!(retry || execution.pause().is_none() || execution.run().is_none());
    }

    #[test]
    fn what_runs_leave_is_counted_once_for_each_end(acts in proptest::collection::vec(act(), 0..60)) {
        let (story, _) = tell(&acts);
        let ended = |entry: &&HistoryEntry| {
            matches!(entry.event, Some(Event::Finish { .. } | Event::Fail { .. }))
        };
        let ends = story.history.iter().filter(ended).count() as u64;
        let execution = &story.execution;
        prop_assert_eq!((execution.log_bytes, u64::from(execution.mails)), (7 * ends, ends));
    }

    #[test]
    fn an_operator_can_always_end_it(acts in proptest::collection::vec(act(), 0..60)) {
        let (mut story, model) = tell(&acts);
        let cancel = Event::Cancel { pause: None, by: Caller::Operator };
        let canceled = story.happens(cancel.clone());
        prop_assert_eq!(canceled.is_ok(), !model.status.is_terminal());
        let ended = story.execution.status();
        prop_assert!(ended.is_terminal());
        prop_assert_eq!(story.happens(cancel), Err(Rejected::Ended(ended)));
    }
}
