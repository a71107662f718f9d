//! What has to be true, whatever happens.

use std::collections::{BTreeMap, BTreeSet};

use waystation_core::{
    Caller, Event, ExecutionId, FailureKind, Flow, Limits, LinkAction, Note, PauseEnding, PauseId,
    State, Transition, Wake,
};
use waystation_store::{Deadline, MemoryStore, Store as _};

use crate::records::{Ledger, Pass, Records, Story, Wish, number_text};
use crate::steps::Does;
use crate::world::{ATTEMPTS, now};

type Holds = Result<(), String>;

fn ensure(true_is: bool, problem: impl FnOnce() -> String) -> Holds {
    if true_is { Ok(()) } else { Err(problem()) }
}

/// A run whose end is recorded never runs again; a run gets what the one before it, and the
/// call that caused it, left.
pub(crate) fn may_begin(ledger: &Ledger, pass: &Pass) -> Holds {
    let Some(story) = ledger.stories.get(&pass.execution) else {
        return Err(format!("a run of an execution that is not on disk: {pass:?}"));
    };
    let before = PauseId { run: pass.run.run.wrapping_sub(1), ..pass.run };
    let mut context = None;
    for entry in &story.history {
        match &entry.event {
            Some(Event::Finish { run, .. }) if *run == pass.run => {
                return Err(format!("its end was recorded, and it runs again: {pass:?}"));
            }
            Some(Event::Fail { run, attempt, .. })
                if *run == pass.run && *attempt == pass.attempt =>
            {
                return Err(format!("its failure was recorded, and it runs again: {pass:?}"));
            }
            Some(Event::Finish { run, compute_ms, .. }) if *run == before => {
                context = Some(number_text(u32::try_from(*compute_ms).unwrap()));
            }
            _ => {}
        }
    }
    ensure(pass.context == context, || format!("it should have {context:?}: {pass:?}"))?;
    let by = story.ends.get(&before).and_then(|end| end.by.clone());
    let right = match (&pass.callback_request, by) {
        (None, None) => true,
        (Some(text), Some(Caller::Request { client_ip: Some(n) })) => {
            *text == number_text(n.parse().unwrap())
        }
        (Some(text), Some(Caller::Operator)) => operator_sent(ledger, pass.execution, text),
        _ => false,
    };
    ensure(right, || format!("that is not what the pause before it was ended with: {pass:?}"))
}

fn operator_sent(ledger: &Ledger, id: ExecutionId, text: &str) -> bool {
    (0..).zip(&ledger.wishes).any(|(n, wish)| {
        matches!(wish, Wish::OperatorResumes(execution) if *execution == id)
            && number_text(n) == text
    })
}

/// An entry of the history comes from somebody who could make it, and once.
pub(crate) fn entry_is_right(ledger: &mut Ledger, story: &Story, change: &Transition) -> Holds {
    let (id, entry) = (change.next.id, &change.entry);
    let wrong = |what: &str| format!("{id}: {what}: {entry:?}");
    ensure(entry.at <= ledger.latest, || wrong("the clock has never shown this time"))?;
    match entry.event.as_ref().expect("only the first has none") {
        Event::Finish { run, attempt, compute_ms, flow, .. } => {
            let does = pass_ends(ledger, id, *run, *attempt, *compute_ms)?;
            let same = matches!(&does, Does::Asks(asked) if same_flow(asked, flow));
            ensure(same, || wrong("the run came to something else"))?;
            finish_is_right(change, *run, flow).map_err(&wrong)?;
        }
        Event::Fail { run, attempt, compute_ms, failure, .. } => {
            let does = pass_ends(ledger, id, *run, *attempt, *compute_ms)?;
            let same = matches!(does, Does::Fails { retryable } if retryable == failure.retryable);
            ensure(same, || wrong("the run came to something else"))?;
        }
        Event::Resume { pause, by: Caller::Request { client_ip }, .. } => {
            call_is_right(ledger, story, id, *pause, client_ip, |action| {
                action != LinkAction::Cancel
            })?;
        }
        Event::Cancel { pause: Some(pause), by: Caller::Request { client_ip } } => {
            call_is_right(ledger, story, id, *pause, client_ip, |action| {
                action == LinkAction::Cancel
            })?;
        }
        Event::Resume { by: Caller::Operator, .. } => {
            let asked = |wish: &Wish| matches!(wish, Wish::OperatorResumes(of) if *of == id);
            ensure(ledger.wishes.iter().any(asked), || wrong("no operator asked for it"))?;
        }
        Event::Cancel { .. } => {
            let asked = |wish: &Wish| matches!(wish, Wish::OperatorCancels(of) if *of == id);
            ensure(ledger.wishes.iter().any(asked), || wrong("no operator asked for it"))?;
        }
        Event::Start { .. } | Event::TimeOut { .. } | Event::Crash { .. } => {}
    }
    pause_is_right(story, change).map_err(&wrong)?;
    early_calls_are_right(story, change).map_err(wrong)
}

/// A timer and a call end the pause that they name, and only when it is open; a timer only when
/// its time is over.
fn pause_is_right(story: &Story, change: &Transition) -> Result<(), &'static str> {
    let open = story.execution.pause();
    let is_open = |pause: &PauseId| open.is_some_and(|open| open.id == *pause);
    let early = |note: &Note| matches!(note, Note::StoredEarlyCall { .. });
    match &change.entry.event {
        Some(Event::TimeOut { pause }) if !is_open(pause) => Err("a timer of another pause"),
        Some(Event::TimeOut { .. }) if open.is_some_and(|open| change.entry.at < open.deadline) => {
            Err("a timer before its time")
        }
        Some(Event::Resume { pause, .. } | Event::Cancel { pause: Some(pause), .. })
            if !is_open(pause) && !change.entry.notes.iter().any(early) =>
        {
            Err("a call of another pause")
        }
        _ => Ok(()),
    }
}

/// The pass whose report this is. Its end is recorded once.
fn pass_ends(
    ledger: &mut Ledger,
    id: ExecutionId,
    run: PauseId,
    attempt: u32,
    number: u64,
) -> Result<Does, String> {
    let pass = usize::try_from(number).ok().and_then(|number| ledger.passes.get_mut(number));
    let pass = pass.ok_or("nothing has run that could have ended so")?;
    let same = (pass.execution, pass.run, pass.attempt) == (id, run, attempt);
    ensure(same && !pass.recorded, || format!("{run:?} of {id} has the end of {pass:?}"))?;
    pass.recorded = true;
    pass.does.clone().ok_or_else(|| format!("it has not ended: {pass:?}"))
}

fn same_flow(asked: &Flow, stored: &Flow) -> bool {
    match (asked, stored) {
        (
            Flow::Rerun { delay_ms, max_retries, .. },
            Flow::Rerun { delay_ms: delay, max_retries: max, .. },
        ) => delay_ms == delay && max_retries == max,
        _ => asked == stored,
    }
}

fn pauses(change: &Transition, flow: &Flow) -> bool {
    match flow {
        Flow::Suspend { .. } | Flow::Delay { .. } => true,
        Flow::Rerun { .. } => {
            !change.entry.notes.iter().any(|note| matches!(note, Note::RerunsUsedUp { .. }))
        }
        Flow::Continue | Flow::Exit { .. } => false,
    }
}

/// What was asked for happens: a pause begins, or is over at once because its link was called.
fn finish_is_right(change: &Transition, run: PauseId, flow: &Flow) -> Result<(), &'static str> {
    if let Flow::Rerun { max_retries, .. } = flow
        && pauses(change, flow) != (run.run <= *max_retries)
    {
        return Err("it runs as often as it may, and no more often");
    }
    let called = |note: &Note| matches!(note, Note::AppliedEarlyCall { .. });
    let early = change.entry.notes.iter().any(called);
    let open = change.next.pause().map(|pause| pause.id);
    match (pauses(change, flow), early) {
        (true, false) if open != Some(run) => Err("no pause has begun"),
        (true, true) if change.pause_end.as_ref().map(|(pause, _)| *pause) != Some(run) => {
            Err("the early call has not ended the pause")
        }
        (false, _) if open.is_some() || early => Err("a pause that nobody asked for"),
        _ => Ok(()),
    }
}

/// A call that was stored is settled once: it takes effect when its pause begins, or is noted
/// to have none when none begins.
fn early_calls_are_right(story: &Story, change: &Transition) -> Result<(), &'static str> {
    let before = story.execution.early_call.as_ref();
    for note in &change.entry.notes {
        match note {
            Note::StoredEarlyCall { .. } if before.is_some() => {
                return Err("a second early call");
            }
            Note::AppliedEarlyCall { action, .. } => {
                let ending = match action {
                    LinkAction::Cancel => PauseEnding::Canceled,
                    LinkAction::Resume | LinkAction::Approve => PauseEnding::Resumed,
                };
                let end = change.pause_end.as_ref().map(|(_, end)| (end.ending, end.by.as_ref()));
                let by = before.map(|call| &call.by);
                if before.is_none() || end != Some((ending, by)) {
                    return Err("not the one who called early has ended the pause");
                }
            }
            Note::DroppedEarlyCall { .. } => {
                let finish = change.entry.event.as_ref();
                if let Some(Event::Finish { flow, .. }) = finish
                    && pauses(change, flow)
                {
                    return Err("an accepted call had no effect although the pause has begun");
                }
                if before.is_none() {
                    return Err("nobody has called early");
                }
            }
            Note::RefusedEarlyCall { .. } => {
                return Err("nothing spoke against the call that came early");
            }
            Note::StoredEarlyCall { .. }
            | Note::RerunsUsedUp { .. }
            | Note::RetryAt { .. }
            | Note::DataLimit => {}
        }
    }
    let settled =
        change.entry.notes.iter().any(|note| {
            matches!(note, Note::AppliedEarlyCall { .. } | Note::DroppedEarlyCall { .. })
        });
    if before.is_some() && !settled && change.next.early_call.as_ref() != before {
        return Err("an accepted call is gone");
    }
    Ok(())
}

/// Somebody made this call on this link, and it counts once.
fn call_is_right(
    ledger: &Ledger,
    story: &Story,
    id: ExecutionId,
    pause: PauseId,
    client_ip: &Option<String>,
    action_is_right: impl Fn(LinkAction) -> bool,
) -> Holds {
    let number: usize = client_ip.as_ref().and_then(|n| n.parse().ok()).ok_or("who has called?")?;
    let made = match ledger.wishes.get(number) {
        Some(Wish::Call(link)) => {
            link.execution == id && link.pause == pause && action_is_right(link.action)
        }
        _ => false,
    };
    ensure(made, || format!("{id}: nobody made call {number} of {pause:?}"))?;
    let again = story.history.iter().any(|entry| caller(entry.event.as_ref()) == Some(number));
    ensure(!again, || format!("{id}: call {number} counts twice"))
}

/// The number of the call that this event is.
pub(crate) fn caller(event: Option<&Event>) -> Option<usize> {
    match event {
        Some(
            Event::Resume { by: Caller::Request { client_ip: Some(n) }, .. }
            | Event::Cancel { by: Caller::Request { client_ip: Some(n) }, .. },
        ) => n.parse().ok(),
        _ => None,
    }
}

/// The store lists what is ready and what has a deadline, and nothing else.
pub(crate) fn lists_agree(ledger: &Ledger, store: &MemoryStore) -> Holds {
    let executions = || ledger.stories.values().map(|story| &story.execution);
    let listed = now(store.ready(usize::MAX, &[])).unwrap();
    let listed: BTreeSet<ExecutionId> = listed.into_iter().map(|ready| ready.id).collect();
    let ready = executions().filter(|one| one.wake() == Wake::Now).map(|one| one.id).collect();
    ensure(listed == ready, || format!("listed as ready: {listed:?}; are ready: {ready:?}"))?;
    let listed = now(store.deadlines(usize::MAX)).unwrap();
    let mut open: Vec<Deadline> = executions()
        .filter_map(|one| {
            let pause = one.pause()?;
            Some(Deadline { at: pause.deadline, id: one.id, pause: pause.id })
        })
        .collect();
    open.sort_unstable();
    ensure(listed == open, || format!("listed deadlines: {listed:?}; open pauses: {open:?}"))
}

/// What has to be true when all has ended.
pub(crate) fn in_the_end(records: &Records) -> Holds {
    records.look();
    records.with(|ledger| {
        for story in ledger.stories.values() {
            ensure(story.execution.status().is_terminal(), || {
                format!("it does not end: {:?}", story.execution)
            })?;
            runs_are_within_limits(ledger, story)?;
            data_is_right(ledger, story, &records.store)?;
        }
        ledger.promises.iter().try_for_each(|promise| {
            promise.is_kept(ledger).map_err(|problem| format!("no longer true: {problem}"))
        })?;
        keys_start_one_each(ledger, &records.store)
    })
}

/// Attempts are counted, and each that was not has a death or a failed call to account for it.
fn runs_are_within_limits(ledger: &Ledger, story: &Story) -> Holds {
    let id = story.execution.id;
    let (mut crashes, mut ends) = (BTreeMap::new(), BTreeMap::new());
    let mut failures: BTreeMap<PauseId, u32> = BTreeMap::new();
    for entry in &story.history {
        match &entry.event {
            Some(Event::Crash { run, .. }) => *crashes.entry(*run).or_default() += 1,
            Some(Event::Finish { run, .. }) => *ends.entry(*run).or_insert(0) += 1,
            Some(Event::Fail { run, .. }) => *failures.entry(*run).or_default() += 1,
            _ => {}
        }
    }
    ensure(ends.values().all(|count| *count == 1), || format!("{id}: a run ends twice"))?;
    let tried = failures.values().all(|count| *count <= ATTEMPTS);
    ensure(tried, || format!("{id}: tried too often: {failures:?}"))?;
    let unexplained = ledger.deaths + ledger.failures;
    let all: u32 = crashes.values().sum();
    ensure(all <= unexplained, || format!("{id}: {all} crashes, {} deaths", ledger.deaths))?;
    let given_up = story.execution.error.as_ref().map(|error| error.kind);
    let given_up = given_up == Some(FailureKind::HostFault);
    let most = crashes.values().copied().max().unwrap_or(0);
    ensure(given_up == (most == Limits::CRASHES_MAX) && most <= Limits::CRASHES_MAX, || {
        format!("{id}: {most} crashes of a run, given up: {given_up}")
    })?;
    let mut seen: BTreeMap<(PauseId, u32), u32> = BTreeMap::new();
    for pass in ledger.passes.iter().filter(|pass| pass.execution == id) {
        let counts = !matches!(pass.does, Some(Does::FindsNoRoom));
        *seen.entry((pass.run, pass.attempt)).or_default() += u32::from(counts);
    }
    let uncounted: u32 = seen.values().map(|passes| passes.saturating_sub(1)).sum();
    ensure(uncounted <= unexplained, || {
        format!("{id}: {uncounted} attempts were not counted, {} deaths", ledger.deaths)
    })?;
    // When one was cut off before its mark was on disk, it begins again with a mark that is.
    let twice = seen.values().all(|passes| *passes <= 2) || ledger.failures > 0;
    ensure(twice, || format!("{id}: one attempt was made more than twice: {seen:?}"))
}

/// Whoever ended a pause left what they sent, and nobody else did.
fn data_is_right(ledger: &Ledger, story: &Story, store: &MemoryStore) -> Holds {
    let id = story.execution.id;
    for (step, state) in (0..).zip(&story.execution.steps) {
        let Some(data) = state.exports.get("$resume_data") else { continue };
        let text = now(store.payloads(id, &[data.id])).unwrap().remove(0).as_str().to_owned();
        let pause = PauseId { step, run: state.runs };
        let right = match story.ends.get(&pause).and_then(|end| end.by.as_ref()) {
            Some(Caller::Request { client_ip: Some(n) }) => text == number_text(n.parse().unwrap()),
            Some(Caller::Operator) => operator_sent(ledger, id, &text),
            _ => false,
        };
        ensure(right, || format!("{id}: {pause:?} was not resumed with {text}"))?;
    }
    for (pause, end) in &story.ends {
        let stored = now(store.pause_end(id, *pause)).unwrap();
        ensure(stored.as_ref() == Some(end), || format!("{id}: {pause:?} ended as {stored:?}"))?;
    }
    let suspended = matches!(story.execution.state, State::Suspended(_));
    ensure(!suspended && story.execution.early_call.is_none(), || format!("{id}: a call is left"))
}

/// One execution for each wish, and one for each key.
fn keys_start_one_each(ledger: &Ledger, store: &MemoryStore) -> Holds {
    let (mut wishes, mut keys) = (BTreeSet::new(), BTreeSet::new());
    for (id, story) in &ledger.stories {
        let event = now(store.payloads(*id, &[story.execution.event.id])).unwrap().remove(0);
        let number = (0..).zip(&ledger.wishes).find(|(n, _)| number_text(*n) == event.as_str());
        let Some((number, Wish::Trigger { key })) = number else {
            return Err(format!("{id}: nobody has triggered it"));
        };
        ensure(wishes.insert(number), || format!("{id}: wish {number} started another one, too"))?;
        let first = key.is_none_or(|key| keys.insert(key));
        ensure(first, || format!("{id}: key {key:?} started another one, too"))?;
    }
    Ok(())
}
