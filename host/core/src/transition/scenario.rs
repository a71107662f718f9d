//! Stories, told in the words of the promises.

use serde_json::json;

use super::*;
use crate::{
    Caller, Digest, EarlyFit, Failure, FailureKind, Flow, Left, Limits, NewExecution, Note,
    OnTimeout, PauseKind, Payload, PayloadId, Run, Segment, StepStatus, Workflow, WorkflowSpec,
};

/// An execution, the time, and all that was stored for it.
pub(super) struct Story {
    pub(super) execution: Execution,
    pub(super) now: Timestamp,
    pub(super) history: Vec<HistoryEntry>,
    pub(super) payloads: std::collections::BTreeMap<PayloadId, BoundedJson>,
    pub(super) ended: Vec<(PauseId, PauseEnd)>,
    pub(super) effects: Vec<Effect>,
}

pub(super) fn payload(value: serde_json::Value) -> Payload {
    BoundedJson::from_value(&value, usize::MAX).unwrap().into()
}

pub(super) fn workflow(steps: serde_json::Value) -> Workflow {
    let spec: WorkflowSpec = serde_json::from_value(json!({"name": "w", "steps": steps})).unwrap();
    let digests = vec![Digest::of(b""); spec.steps.len()];
    Workflow { version: 1, deployed_at: Timestamp::default(), digests, spec, grants: vec![] }
}

pub(super) fn two_steps() -> Story {
    Story::of(&workflow(json!([{"name": "a", "component": "c"}, {"name": "b", "component": "c"}])))
}

fn retrying(attempts: u32) -> Story {
    let retry = json!({"attempts": attempts, "backoff_ms": 1000, "factor": 2});
    Story::of(&workflow(json!([{"name": "a", "component": "c", "retry": retry}])))
}

pub(super) const REQUEST: Caller = Caller::Request { client_ip: None };

pub(super) fn suspend(timeout_ms: u64) -> Flow {
    let on_timeout = OnTimeout::Resume;
    Flow::Suspend { timeout_ms, on_timeout, message: None, resume_schema: None }
}

pub(super) fn rerun(max_retries: u32) -> Flow {
    Flow::Rerun { delay_ms: 1000, context: Some(payload(json!({"n": 1}))), max_retries }
}

/// The end of a run that left nothing beside this, and for whose pause nobody had called.
pub(super) fn ended(
    run: PauseId,
    attempt: u32,
    result: Option<Payload>,
    exports: Vec<(String, Payload)>,
    flow: Flow,
) -> Event {
    let (left, early_fit) = (Left::default(), None);
    Event::Finish { run, attempt, compute_ms: 10, result, exports, flow, left, early_fit }
}

impl Story {
    pub(super) fn of(workflow: &Workflow) -> Story {
        let now = Timestamp::from_millis(1_000_000);
        let new = NewExecution {
            id: crate::ExecutionId::from_parts(now.as_millis(), [1; 10]),
            workflow,
            event: BoundedJson::null(),
            payload_bytes_max: Limits::default().execution_bytes_max as u64,
            memory_mib: 256,
            step_runs_max: Limits::default().step_runs_max,
        };
        let first = Execution::trigger(new, now);
        let mut story = Story {
            execution: first.next.clone(),
            now,
            history: Vec::new(),
            payloads: Default::default(),
            ended: Vec::new(),
            effects: Vec::new(),
        };
        story.accept(first);
        story
    }

    fn accept(&mut self, change: Transition) {
        self.payloads.extend(change.payloads.put);
        for id in change.payloads.drop {
            assert!(self.payloads.remove(&id).is_some(), "dropped twice: {id:?}");
        }
        self.ended.extend(change.pause_end);
        self.history.push(change.entry);
        self.effects.extend(change.effects);
        self.execution = change.next;
    }

    pub(super) fn happens(&mut self, event: Event) -> Result<(), Rejected> {
        let change = transition(&self.execution, event, self.now)?;
        self.accept(change);
        Ok(())
    }

    pub(super) fn after(&mut self, millis: u64) -> &mut Story {
        self.now = self.now.plus_millis(millis);
        self
    }

    fn run(&self) -> Run {
        self.execution.run().expect("a run is due or under way").clone()
    }

    fn start(&mut self) -> &mut Story {
        let Run { id: run, attempt, .. } = self.run();
        self.happens(Event::Start { run, attempt }).unwrap();
        self
    }

    fn finish(&mut self, flow: Flow) -> &mut Story {
        let Run { id: run, attempt, .. } = self.run();
        let result = Some(payload(json!("done")));
        let finish = ended(run, attempt, result, vec![], flow);
        self.happens(finish).unwrap();
        self
    }

    fn fail(&mut self, retryable: bool) -> &mut Story {
        self.fail_as(FailureKind::GuestError, retryable)
    }

    fn fail_as(&mut self, kind: FailureKind, retryable: bool) -> &mut Story {
        let Run { id: run, attempt, .. } = self.run();
        let failure = Failure { retryable, ..Failure::new(kind, "E", "no") };
        let left = Left::default();
        self.happens(Event::Fail { run, attempt, compute_ms: 10, failure, left }).unwrap();
        self
    }

    fn resume(&mut self, step: u16, run: u32) -> Result<(), Rejected> {
        let data = Some(payload(json!({"body": 1})));
        self.happens(Event::Resume { pause: PauseId { step, run }, by: REQUEST, data })
    }

    fn cancel(&mut self, step: u16, run: u32) -> Result<(), Rejected> {
        self.happens(Event::Cancel { pause: Some(PauseId { step, run }), by: REQUEST })
    }

    fn time_out(&mut self, step: u16, run: u32) -> Result<(), Rejected> {
        self.happens(Event::TimeOut { pause: PauseId { step, run } })
    }

    fn status(&self) -> Status {
        self.execution.status()
    }

    fn export(&self, step: usize, name: &str) -> Option<serde_json::Value> {
        let payload = self.execution.steps[step].exports.get(name)?;
        Some(self.payloads[&payload.id].to_value())
    }

    fn notes(&self) -> Vec<&Note> {
        self.history.iter().flat_map(|entry| &entry.notes).collect()
    }
}

#[test]
fn steps_follow_each_other_to_the_end() {
    let mut story = two_steps();
    story.start().finish(Flow::Continue).start().finish(Flow::Continue);
    assert_eq!(story.status(), Status::Completed);
    assert_eq!(story.export(0, "$return_value"), Some(json!("done")));
    assert_eq!(story.execution.finished_at, Some(story.now));
    assert_eq!((story.execution.compute_ms, story.execution.credits), (20, 1));
}

#[test]
fn a_resumed_suspend_goes_on_with_the_next_step() {
    let mut story = two_steps();
    story.start().finish(suspend(1000));
    assert_eq!(story.status(), Status::Suspended);
    assert_eq!(story.execution.wake(), Wake::At(story.now.plus_millis(1000)));
    story.after(500).resume(0, 1).unwrap();
    assert_eq!(story.run().id, PauseId { step: 1, run: 1 });
    assert_eq!(story.export(0, "$resume_data"), Some(json!({"body": 1})));
    let how = json!({"reason": "request", "at": story.now.to_string(), "client_ip": null});
    assert_eq!(story.export(0, "$resume"), Some(how));
}

#[test]
fn a_suspend_that_nobody_answers_resumes_by_itself() {
    let mut story = two_steps();
    story.start().finish(suspend(1000));
    let deadline = story.now.plus_millis(1000);
    assert_eq!(story.after(999).time_out(0, 1), Err(Rejected::NotDue { deadline }));
    story.after(1).time_out(0, 1).unwrap();
    assert_eq!(story.status(), Status::Queued);
    assert_eq!(story.export(0, "$resume_data"), None);
    assert_eq!(story.export(0, "$resume").unwrap()["reason"], "timeout");
}

#[test]
fn a_suspend_may_cancel_or_fail_at_its_deadline() {
    for (on_timeout, status) in
        [(OnTimeout::Cancel, Status::Canceled), (OnTimeout::Fail, Status::Failed)]
    {
        let mut story = two_steps();
        let flow = Flow::Suspend { timeout_ms: 1, on_timeout, message: None, resume_schema: None };
        story.start().finish(flow).after(1).time_out(0, 1).unwrap();
        assert_eq!(story.status(), status);
    }
}

#[test]
fn a_cancel_link_ends_the_execution() {
    let mut story = two_steps();
    story.start().finish(suspend(1000)).cancel(0, 1).unwrap();
    assert_eq!(story.status(), Status::Canceled);
    assert_eq!(story.execution.steps[0].status, StepStatus::Canceled);
    assert_eq!(story.execution.steps[1].status, StepStatus::Pending);
    assert_eq!(story.resume(0, 1), Err(Rejected::Ended(Status::Canceled)));
}

#[test]
fn only_one_of_resume_cancel_and_timeout_wins() {
    let mut story = two_steps();
    story.start().finish(suspend(1000)).after(2000).resume(0, 1).unwrap();
    assert_eq!(story.resume(0, 1), Err(Rejected::PauseOver));
    assert_eq!(story.cancel(0, 1), Err(Rejected::PauseOver));
    assert_eq!(story.time_out(0, 1), Err(Rejected::PauseOver));
    assert_eq!(story.ended.len(), 1);
}

#[test]
fn a_call_on_an_old_pause_never_touches_a_later_one() {
    let mut story = two_steps();
    story.start().finish(rerun(10)).resume(0, 1).unwrap();
    story.start().finish(rerun(10)).after(5000);
    for call in [Story::resume, Story::cancel, Story::time_out] {
        assert_eq!(call(&mut story, 0, 1), Err(Rejected::PauseOver));
    }
    assert_eq!(story.execution.pause().unwrap().id, PauseId { step: 0, run: 2 });
}

#[test]
fn a_rerun_hands_on_context_and_callback() {
    let mut story = two_steps();
    story.start().finish(rerun(10)).after(1000).time_out(0, 1).unwrap();
    let second = story.run();
    assert_eq!(second.id, PauseId { step: 0, run: 2 });
    assert_eq!(story.payloads[&second.context.unwrap().id].to_value(), json!({"n": 1}));
    assert_eq!(second.callback_request, None);
    story.start().finish(rerun(10)).resume(0, 2).unwrap();
    let third = story.run();
    let callback = third.callback_request.expect("it was called back");
    assert_eq!(story.payloads[&callback.id].to_value(), json!({"body": 1}));
    assert_eq!(story.export(0, "$resume_data"), None);
}

#[test]
fn ten_retries_are_eleven_runs_and_then_the_next_step() {
    let mut story = two_steps();
    for run in 1..=10 {
        story.start().finish(rerun(Limits::MAX_RETRIES_DEFAULT)).after(1000);
        story.time_out(0, run).unwrap();
    }
    story.start().finish(rerun(Limits::MAX_RETRIES_DEFAULT));
    assert_eq!(story.execution.steps[0].runs, 11);
    assert_eq!(story.run().id, PauseId { step: 1, run: 1 });
    assert!(story.notes().contains(&&Note::RerunsUsedUp { max_retries: 10 }));
}

#[test]
fn the_operators_ceiling_of_runs_holds_whatever_the_step_says() {
    let mut story = two_steps();
    story.execution.step_runs_max = 3;
    for run in 1..=2 {
        story.start().finish(rerun(u32::MAX)).after(1000);
        story.time_out(0, run).unwrap();
    }
    story.start().finish(rerun(u32::MAX));
    assert_eq!(story.status(), Status::Failed);
    let error = story.execution.error.as_ref().unwrap();
    assert_eq!(error.kind, FailureKind::RunLimit);
    assert_eq!(error.message, "the step asked for more than the 3 runs that it may have");
    assert_eq!(story.execution.steps[0].runs, 3);
}

#[test]
fn an_early_call_does_not_get_around_the_ceiling_of_runs() {
    let mut story = two_steps();
    story.execution.step_runs_max = 1;
    story.start().resume(0, 1).unwrap();
    story.finish(rerun(u32::MAX));
    assert_eq!(story.status(), Status::Failed);
    assert_eq!(story.execution.error.as_ref().unwrap().kind, FailureKind::RunLimit);
}

#[test]
fn a_call_before_the_pause_takes_effect_when_it_begins() {
    let mut story = two_steps();
    story.start().resume(0, 1).unwrap();
    assert_eq!(story.status(), Status::Running);
    let at = story.now;
    let again = Rejected::AlreadyCalled { action: LinkAction::Resume, at };
    assert_eq!(story.resume(0, 1), Err(again.clone()));
    assert_eq!(story.cancel(0, 1), Err(again));
    story.after(3000).finish(suspend(1000));
    assert_eq!(story.run().id, PauseId { step: 1, run: 1 });
    assert_eq!(story.export(0, "$resume_data"), Some(json!({"body": 1})));
}

#[test]
fn a_cancel_before_the_pause_cancels_when_it_begins() {
    let mut story = two_steps();
    story.start().cancel(0, 1).unwrap();
    story.finish(rerun(3));
    assert_eq!(story.status(), Status::Canceled);
}

#[test]
fn a_call_that_meets_no_pause_is_noted_and_has_no_effect() {
    let mut story = two_steps();
    story.start().resume(0, 1).unwrap();
    story.finish(Flow::Continue);
    assert_eq!(story.export(0, "$resume_data"), None);
    assert!(matches!(story.notes().last(), Some(Note::DroppedEarlyCall { .. })));
    assert_eq!(story.resume(0, 1), Err(Rejected::PauseOver));
}

#[test]
fn exports_are_replaced_by_the_next_run() {
    let mut story = two_steps();
    let Run { id: run, attempt, .. } = story.start().run();
    let exports = vec![("first".to_owned(), payload(json!(1)))];
    story.happens(ended(run, attempt, None, exports, rerun(5))).unwrap();
    assert_eq!(story.export(0, "first"), Some(json!(1)));
    story.resume(0, 1).unwrap();
    story.start().finish(Flow::Continue);
    assert_eq!(story.export(0, "first"), None);
    assert_eq!(story.export(0, "$return_value"), Some(json!("done")));
}

#[test]
fn exit_ends_well() {
    let mut story = two_steps();
    story.start().finish(Flow::Exit { reason: Some("enough".into()) });
    assert_eq!(story.status(), Status::Completed);
    assert_eq!(story.execution.exit_reason.as_deref(), Some("enough"));
    assert_eq!(story.execution.steps[1].status, StepStatus::Pending);
}

#[test]
fn a_failure_ends_the_execution_and_says_why() {
    let mut story = two_steps();
    story.start().fail(true);
    let error = story.execution.error.clone().unwrap();
    assert_eq!((error.step.as_str(), error.message.as_str()), ("a", "no"));
    assert_eq!(story.status(), Status::Failed);
}

#[test]
fn a_retryable_failure_waits_and_is_tried_again() {
    let mut story = retrying(3);
    story.start().fail(true);
    assert!(matches!(story.execution.pause().unwrap().kind, PauseKind::Retry { .. }));
    assert_eq!(story.execution.wake(), Wake::At(story.now.plus_millis(1000)));
    story.after(1000).time_out(0, 1).unwrap();
    assert_eq!((story.run().id.run, story.run().attempt), (1, 2));
    story.start().fail(true);
    assert_eq!(story.execution.wake(), Wake::At(story.now.plus_millis(2000)));
    story.after(2000).time_out(0, 1).unwrap();
    story.start().fail(true);
    assert_eq!(story.status(), Status::Failed);
    assert_eq!(story.execution.credits, 3);
}

#[test]
fn what_is_not_retryable_is_not_tried_again() {
    let mut story = retrying(3);
    story.start().fail(false);
    assert_eq!(story.status(), Status::Failed);
}

/// The waits between the tries at a run that fails as retryable, until it is given up.
fn waits(story: &mut Story, kind: FailureKind) -> Vec<u64> {
    let mut waits = Vec::new();
    while story.start().fail_as(kind, true).status() == Status::Suspended {
        let deadline = story.execution.pause().unwrap().deadline;
        let wait = deadline.as_millis() - story.now.as_millis();
        waits.push(wait);
        story.after(wait).time_out(0, 1).unwrap();
    }
    assert_eq!(story.execution.error.as_ref().unwrap().kind, kind);
    waits
}

#[test]
fn what_was_the_hosts_fault_is_tried_again_without_a_policy() {
    let hosts = [1_000, 4_000, 16_000, 60_000];
    assert_eq!(waits(&mut two_steps(), FailureKind::HostFault), hosts);
    assert!(waits(&mut two_steps(), FailureKind::GuestTrap).is_empty());
    // A policy that gives up sooner was made for the step's own failures.
    assert_eq!(waits(&mut retrying(2), FailureKind::HostFault), hosts);
    assert_eq!(waits(&mut retrying(6), FailureKind::HostFault).len(), 5);
    // Where it would be in vain, it is not tried.
    let mut vain = two_steps();
    assert_eq!(vain.start().fail_as(FailureKind::HostFault, false).status(), Status::Failed);
}

#[test]
fn a_link_called_in_a_retrys_wait_belongs_to_the_next_attempt() {
    let mut story = retrying(3);
    story.start().fail(true).resume(0, 1).unwrap();
    assert_eq!(story.status(), Status::Suspended);
    story.after(1000).time_out(0, 1).unwrap();
    story.start().finish(suspend(1000));
    assert_eq!(story.status(), Status::Completed);
}

#[test]
fn the_operator_ends_a_retrys_wait() {
    let mut story = retrying(3);
    let pause = PauseId { step: 0, run: 1 };
    story.start().fail(true);
    story.happens(Event::Resume { pause, by: Caller::Operator, data: None }).unwrap();
    assert_eq!(story.run().attempt, 2);
    assert!(story.ended.is_empty(), "the step's own pause is still to come");
}

#[test]
fn the_operator_cancels_whatever_goes_on() {
    let cancel = Event::Cancel { pause: None, by: Caller::Operator };
    let mut queued = two_steps();
    queued.happens(cancel.clone()).unwrap();
    assert!(queued.effects.is_empty());
    let mut running = two_steps();
    running.start().happens(cancel.clone()).unwrap();
    assert_eq!(running.effects, [Effect::Interrupt]);
    let mut waiting = retrying(3);
    waiting.start().fail(true).happens(cancel).unwrap();
    for story in [queued, running, waiting] {
        assert_eq!(story.status(), Status::Canceled);
    }
}

#[test]
fn a_cut_off_run_is_repeated_and_given_up_the_fifth_time() {
    let mut story = two_steps();
    for attempt in 1..=5 {
        assert_eq!((story.run().id.run, story.run().attempt), (1, attempt));
        let run = story.start().run().id;
        story.happens(Event::Crash { run, attempt }).unwrap();
    }
    assert_eq!(story.status(), Status::Failed);
    assert_eq!(story.execution.error.unwrap().kind, FailureKind::HostFault);
}

#[test]
fn an_outcome_of_a_run_that_was_cut_off_does_not_count() {
    let mut story = two_steps();
    let run = story.start().run().id;
    story.happens(Event::Crash { run, attempt: 1 }).unwrap();
    story.start();
    let finish = ended(run, 1, None, vec![], Flow::Continue);
    assert_eq!(story.happens(finish), Err(Rejected::NotThisRun));
}

#[test]
fn paused_time_is_free_and_each_stretch_is_charged() {
    let mut story = two_steps();
    story.start().finish(suspend(Limits::WAIT_MS_MAX)).after(1_000_000_000).resume(0, 1).unwrap();
    story.start().finish(Flow::Continue);
    assert_eq!((story.execution.compute_ms, story.execution.credits), (20, 2));
    let segments = story.history.iter().filter(|entry| entry.segment.is_some());
    assert_eq!(segments.count(), 2);
}

#[test]
fn an_execution_holds_no_more_data_than_it_may() {
    let mut story = two_steps();
    story.execution.payload_bytes_max = story.execution.payload_bytes + 10;
    story.start();
    let big = payload(json!("x".repeat(20)));
    let Run { id: run, attempt, .. } = story.run();
    story.happens(ended(run, attempt, Some(big), vec![], Flow::Continue)).unwrap();
    assert_eq!(story.execution.error.unwrap().kind, FailureKind::DataLimit);
}

#[test]
fn a_resume_that_is_too_large_leaves_the_execution_paused() {
    let mut story = two_steps();
    story.start().finish(suspend(1000));
    story.execution.payload_bytes_max = story.execution.payload_bytes + 5;
    assert!(matches!(story.resume(0, 1), Err(Rejected::DataLimit { .. })));
    assert_eq!(story.status(), Status::Suspended);
}

#[test]
fn counts_that_are_at_their_end_stay_there() {
    let mut story = two_steps();
    story.start();
    let execution = &mut story.execution;
    (execution.version, execution.compute_ms, execution.credits) = (u64::MAX, u64::MAX, u64::MAX);
    (execution.next_payload, execution.payload_bytes) = (u32::MAX, 0);
    execution.segment = Some(Segment { compute_ms: u64::MAX, memory_mib: u32::MAX });
    story.finish(suspend(1000)).resume(0, 1).unwrap();
    let execution = &story.execution;
    assert_eq!((execution.version, execution.compute_ms), (u64::MAX, u64::MAX));
    assert_eq!((execution.credits, execution.next_payload), (u64::MAX, u32::MAX));
}

/// A `suspend` whose schema takes numbers alone.
fn suspend_for_a_number() -> Flow {
    let (timeout_ms, on_timeout, message) = (1000, OnTimeout::Resume, None);
    let resume_schema = Some(payload(json!({"type": "number"})));
    Flow::Suspend { timeout_ms, on_timeout, message, resume_schema }
}

/// What `event`, the end of a run, says of the call that came early.
fn with_fit(event: Event, fit: EarlyFit) -> Event {
    match event {
        Event::Finish { run, attempt, compute_ms, result, exports, flow, left, .. } => {
            let early_fit = Some(fit);
            Event::Finish { run, attempt, compute_ms, result, exports, flow, left, early_fit }
        }
        other => other,
    }
}

#[test]
fn an_early_call_has_to_fit_the_schema_that_its_pause_begins_with() {
    let mut story = two_steps();
    story.start().resume(0, 1).unwrap();
    let finish = ended(story.run().id, 1, None, vec![], suspend_for_a_number());
    assert_eq!(story.happens(finish.clone()), Err(Rejected::EarlyCallUnchecked));
    let misfit = with_fit(finish.clone(), EarlyFit::Misfit("no number".into()));
    story.happens(misfit).unwrap();
    assert_eq!(story.status(), Status::Suspended);
    let refused = story.notes().into_iter().rev().find(|note| {
        matches!(note, Note::RefusedEarlyCall { action: LinkAction::Resume, why, .. } if why == "no number")
    });
    assert!(refused.is_some(), "{:?}", story.notes());
    assert!(story.ended.is_empty() && story.execution.early_call.is_none());
    story.resume(0, 1).unwrap();
    assert_eq!(story.run().id, PauseId { step: 1, run: 1 });

    let mut fits = two_steps();
    fits.start().resume(0, 1).unwrap();
    fits.happens(with_fit(finish, EarlyFit::Fits)).unwrap();
    assert_eq!(fits.run().id, PauseId { step: 1, run: 1 });
}

#[test]
fn a_cancel_that_came_early_needs_no_schema() {
    let mut story = two_steps();
    story.start().cancel(0, 1).unwrap();
    story.finish(suspend_for_a_number());
    assert_eq!(story.status(), Status::Canceled);
}

/// A step's own data, so large that it fits only where the call's data is not.
fn finish_over_the_call(story: &mut Story, flow: Flow) {
    story.start().resume(0, 1).unwrap();
    let run = story.run().id;
    let result = payload(json!("x".repeat(20)));
    story.execution.payload_bytes_max = story.execution.payload_bytes + result.bytes - 1;
    story.happens(ended(run, 1, Some(result), vec![], flow)).unwrap();
}

#[test]
fn an_early_call_makes_room_for_what_the_run_itself_left() {
    let mut story = two_steps();
    finish_over_the_call(&mut story, suspend(1000));
    assert_eq!(story.status(), Status::Suspended);
    assert!(matches!(story.notes().last(), Some(Note::RefusedEarlyCall { .. })));
    assert!(story.ended.is_empty());
    // On the open pause the same call is refused, too, and leaves it open.
    story.execution.payload_bytes_max = story.execution.payload_bytes;
    assert!(matches!(story.resume(0, 1), Err(Rejected::DataLimit { .. })));
    story.cancel(0, 1).unwrap();

    let mut no_pause = two_steps();
    finish_over_the_call(&mut no_pause, Flow::Continue);
    assert!(matches!(no_pause.notes().last(), Some(Note::DroppedEarlyCall { .. })));
    assert_eq!(no_pause.run().id, PauseId { step: 1, run: 1 });
}

#[test]
fn a_run_that_leaves_too_much_by_itself_fails_whoever_called() {
    let mut story = two_steps();
    story.start().resume(0, 1).unwrap();
    story.execution.payload_bytes_max = story.execution.payload_bytes;
    let result = payload(json!("x".repeat(20)));
    let finish = ended(story.run().id, 1, Some(result), vec![], suspend(1000));
    story.happens(finish).unwrap();
    assert_eq!(story.execution.error.as_ref().unwrap().kind, FailureKind::DataLimit);
    assert!(matches!(story.notes().last(), Some(Note::DroppedEarlyCall { .. })));
}

#[test]
fn what_runs_leave_is_added_up_however_they_end() {
    let mut story = retrying(3);
    let left = Left { log_bytes: 100, mails: 2 };
    let run = story.start().run().id;
    let failure = Failure { retryable: true, ..Failure::new(FailureKind::GuestError, "E", "no") };
    story.happens(Event::Fail { run, attempt: 1, compute_ms: 1, failure, left }).unwrap();
    story.after(1000).time_out(0, 1).unwrap();
    story.start();
    let (result, exports, flow, early_fit) = (None, vec![], Flow::Continue, None);
    let finish =
        Event::Finish { run, attempt: 2, compute_ms: 1, result, exports, flow, left, early_fit };
    story.happens(finish).unwrap();
    assert_eq!((story.execution.log_bytes, story.execution.mails), (200, 4));
    let limits =
        Limits { execution_log_bytes_max: 200, execution_mails_max: 3, ..Limits::default() };
    let limits = limits.of_run(&crate::StepLimits::default()).after(&story.execution);
    assert_eq!(limits.execution_log_bytes.left(), Some(0));
    assert_eq!(limits.execution_mails.left(), None);
}
