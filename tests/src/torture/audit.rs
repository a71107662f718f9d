//! Compares what the server says with what it has said.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::torture::facts::ending_of;
use crate::torture::known::{Known, Wrong};
use crate::torture::ledger::Ledger;
use crate::torture::report::Kind;
use crate::torture::rules::{NEXT, Run, STEP, Story};
use crate::torture::world::World;
use crate::wait;

/// Threads that ask. The machine has few cores, and each question needs one at both ends.
const THREADS: usize = 3;

/// Within this time every mail is delivered: the wait after a first failure is 5 s.
const DELIVERY: Duration = Duration::from_secs(20);

/// After a restart: all that was answered is there, and what was answered since the last time
/// agrees with the histories. The load may go on meanwhile.
pub(super) fn facts(world: &World) {
    let before = ends(world);
    let Some(listed) = list(world) else { return };
    check_list(world, &before, &listed);
    let dirty = world.ledger().dirty();
    each(&dirty, |id| {
        world.history(id);
    });
}

/// Each execution that is known and, when it has ended, how and when.
type Ends = Vec<(String, Option<(&'static str, String)>)>;

fn ends(world: &World) -> Ends {
    let ledger = world.ledger();
    let end = |id: &String| {
        let story = ledger.get(id)?.story.as_ref()?;
        Some((story.status(), story.ended_at.clone()?))
    };
    ledger.ids().into_iter().map(|id| (id.clone(), end(&id))).collect()
}

/// What was known before the list was asked for is in it.
fn check_list(world: &World, before: &Ends, listed: &HashMap<String, Value>) {
    let mut ledger = world.ledger();
    for (id, end) in before {
        let Some(item) = listed.get(id) else {
            ledger.lost(id, "it is in no list any more");
            continue;
        };
        if let Some((status, at)) = end
            && (item["status"] != *status || item["finished_at"] != *at)
        {
            ledger.lost(id, &format!("it had ended as {status} at {at}, and is listed as {item}"));
        }
    }
}

/// When all has ended: every execution is whole. `outbox` is where the mails are.
pub(super) fn whole(world: &World, outbox: &Path) {
    let before = ends(world);
    let Some(listed) = list(world) else { return };
    check_list(world, &before, &listed);
    adopt(world, &listed);
    let ids = world.ledger().ids();
    each(&ids, |id| {
        world.history(id);
        world.execution(id);
    });
    let logs = logs(world, &ids);
    let mails = delivered(world, outbox);
    let mut ledger = world.ledger();
    for id in &ids {
        let Some(known) = ledger.get(id) else { continue };
        let mut wrong = execution(known, &ledger, id);
        wrong.extend(mail(known, id, &mails));
        wrong.extend(logs.get(id).and_then(|log| logged(known, log)));
        ledger.tell(id, wrong);
    }
    let strange: Vec<&String> = mails.keys().filter(|id| !ledger.knows(id)).collect();
    for id in strange {
        let what = format!("{id}: a mail of an execution that is not there");
        ledger.violation(Kind::Other, what);
    }
}

/// Executions whose triggers were not answered, but that are there, have to be whole, too.
pub(super) fn adopt(world: &World, listed: &HashMap<String, Value>) {
    let unknown: Vec<String> = {
        let ledger = world.ledger();
        listed.keys().filter(|id| !ledger.knows(id)).cloned().collect()
    };
    each(&unknown, |id| {
        let path = format!("/api/v1/executions/{id}");
        let Some(answer) = world.ask(world.client.request("GET", &path)) else { return };
        let view: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let nonce = view["event"]["body"]["nonce"].as_str().unwrap_or_default();
        let mut ledger = world.ledger();
        if nonce.is_empty() {
            ledger.violation(Kind::Other, format!("{id}: nobody triggered {view}"));
        } else {
            ledger.exists(id, nonce, view["event"].clone());
        }
    });
}

/// All executions by id, as the list shows them. `None` when there was no answer.
pub(super) fn list(world: &World) -> Option<HashMap<String, Value>> {
    let mut all = HashMap::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/executions?limit=200{cursor}");
        let page = world.ask(world.client.request("GET", &path))?.json();
        for item in page["items"].as_array().into_iter().flatten() {
            all.insert(item["id"].as_str().unwrap_or_default().to_owned(), item.clone());
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Some(all),
        }
    }
}

/// The store's own check of itself.
pub(super) fn store(world: &World) {
    let known = world.ledger().ids().len() as u64;
    let Some(answer) = world.ask(world.client.request("GET", "/api/v1/check")) else { return };
    let body = answer.text();
    let check: Value = serde_json::from_str(&body).unwrap_or_default();
    let sound = check["problems"].as_array().is_some_and(Vec::is_empty);
    if answer.status != 200 || !sound || check["executions"].as_u64().is_none_or(|n| n < known) {
        let what = format!("/api/v1/check ({known} executions are known): {body}");
        world.ledger().violation(Kind::Other, what);
    }
}

/// Is an execution that has ended whole, and what was planned?
fn execution(known: &Known, ledger: &Ledger, id: &str) -> Wrong {
    let mut wrong = Wrong::new();
    let (Some(story), Some(raw)) = (&known.story, &known.ended) else {
        return vec![(Kind::Lost, "it does not end".into())];
    };
    let view: Value = serde_json::from_str(raw).unwrap_or_default();
    if view["status"] != story.status() || view["finished_at"].as_str() != story.ended_at.as_deref()
    {
        wrong.push((
            Kind::Other,
            format!("it is not what its history says: {view}\n{}", known.history),
        ));
    }
    for step in [STEP, NEXT] {
        let runs = story.over.keys().filter(|run| run.0 == step).map(|run| run.1).max();
        if view["steps"][step]["runs"].as_u64().unwrap_or(0) < u64::from(runs.unwrap_or(0)) {
            wrong.push((Kind::Lost, format!("a run of {step} is not counted: {view}")));
        }
    }
    for (run, pause) in &story.pauses {
        if pause.end.is_none() {
            wrong.push((Kind::Other, format!("the pause {run:?} never ended: {}", known.history)));
        }
        wrong.extend(winner(known, story, run, &view, ledger, id));
    }
    for (run, _) in &story.finished {
        wrong.extend(witnessed(known, run, ledger, id));
    }
    wrong
}

/// Whoever won a pause is the one whose request the step got.
fn winner(
    known: &Known,
    story: &Story,
    run: &Run,
    view: &Value,
    ledger: &Ledger,
    id: &str,
) -> Wrong {
    let Some(end) = story.pauses.get(run).and_then(|pause| pause.end.as_ref()) else {
        return Wrong::new();
    };
    let mut wrong = Wrong::new();
    let of_run =
        known.facts.iter().filter(|fact| fact.won() && fact.call.run.as_ref() == Some(run));
    for code in [200, 202] {
        if of_run.clone().filter(|fact| fact.status == code).count() > 1 {
            let facts: Vec<_> = of_run.clone().collect();
            wrong.push((Kind::Other, format!("{run:?} was won more than once: {facts:?}")));
        }
    }
    let next = (run.0.clone(), run.1 + 1);
    let exports = &view["steps"][&run.0]["exports"];
    // A rerun's request goes to the next run, a suspend's stays with the step.
    let (data, shown) = match ledger.begins(id, &next).first() {
        Some(begin) => (&begin.callback, true),
        None => (&exports["$resume_data"], exports.get("$resume").is_some()),
    };
    if !shown {
        return wrong;
    }
    let got = data["body"]["nonce"].as_str().or(data["query"]["nonce"].as_str());
    if end.ending != ending_of("resume") {
        if !data.is_null() {
            wrong.push((Kind::Other, format!("{run:?} was {} and yet got {data}", end.ending)));
        }
        return wrong;
    }
    let sent = match end.by.as_deref() {
        Some("operator") => format!("{id}.operator."),
        _ => format!("{id}.{}.{}.", run.0, run.1),
    };
    if got.is_none_or(|nonce| !nonce.starts_with(&sent)) {
        wrong.push((Kind::Lost, format!("{run:?} was resumed by {end:?} and got {data}")));
    }
    for fact in of_run.filter(|fact| fact.call.action == "resume") {
        if got != Some(fact.call.nonce.as_str()) {
            let what = format!("{run:?} was won by {fact:?} and got {data}");
            wrong.push((Kind::Lost, what));
        }
    }
    wrong
}

/// The witness heard of a run that finished, and of each run what the one before handed on.
fn witnessed(known: &Known, run: &Run, ledger: &Ledger, id: &str) -> Wrong {
    let begins = ledger.begins(id, run);
    if begins.is_empty() {
        return vec![(Kind::Other, format!("{run:?} finished and never began: {}", known.history))];
    }
    let nonce = &known.event["body"]["nonce"];
    let handed_on = |context: &Value| if run.1 > 1 { context == nonce } else { context.is_null() };
    let wrong = begins.iter().filter(|begin| !handed_on(&begin.context));
    wrong.map(|begin| (Kind::Lost, format!("{run:?} has another context: {begin:?}"))).collect()
}

/// Every mail of a recorded run was delivered, and no other.
fn mail(known: &Known, id: &str, mails: &Mails) -> Option<(Kind, String)> {
    let expected = expected_mails(known);
    let none = HashSet::new();
    let found = mails.get(id).unwrap_or(&none);
    let what = || format!("mails {found:?} in place of {expected:?}: {}", known.history);
    let kind = if expected.is_subset(found) { Kind::Other } else { Kind::Lost };
    (*found != expected).then(|| (kind, what()))
}

/// The mails of an execution: one for each run that sent one and was recorded.
fn expected_mails(known: &Known) -> HashSet<String> {
    let actions = known.event["body"]["actions"].as_array().map_or(&[][..], Vec::as_slice);
    let sends = actions.iter().any(|action| action.get("email").is_some());
    let finished = known.story.iter().flat_map(|story| &story.finished);
    let of_step = finished.filter(|(run, _)| sends && run.0 == STEP);
    of_step.map(|(_, seq)| format!("{seq}-0")).collect()
}

/// The mails in the outbox once all that are expected are there: they are delivered behind.
fn delivered(world: &World, outbox: &Path) -> Mails {
    let all = || {
        let mails = mails(outbox);
        let ledger = world.ledger();
        let there = |id: &String| {
            let expected = ledger.get(id).map(expected_mails).unwrap_or_default();
            expected.is_empty() || mails.get(id).is_some_and(|found| expected.is_subset(found))
        };
        ledger.ids().iter().all(there).then(|| mails.clone())
    };
    wait::within(DELIVERY, all).unwrap_or_else(|| mails(outbox))
}

type Mails = HashMap<String, HashSet<String>>;

/// The mails in an outbox by execution: `ID-SEQ-INDEX.eml`.
fn mails(outbox: &Path) -> Mails {
    let mut mails = Mails::new();
    for file in std::fs::read_dir(outbox).into_iter().flatten().flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        let Some(name) = name.strip_suffix(".eml") else { continue };
        if let Some((id, which)) = name.split_at_checked(36) {
            let which = which.trim_start_matches('-').to_owned();
            mails.entry(id.to_owned()).or_default().insert(which);
        }
    }
    mails
}

/// The line that a plan logs is in the log of each run that logged it and was recorded.
fn logged(known: &Known, log: &Value) -> Option<(Kind, String)> {
    let body = &known.event["body"];
    let line = format!("log of {}", body["nonce"].as_str().unwrap_or_default());
    let planned = body["actions"].as_array().into_iter().flatten();
    let planned = planned.filter(|action| action["log"] == *line).count();
    let finished = known.story.as_ref()?.finished.iter().filter(|(run, _)| run.0 == STEP).count();
    let lines =
        log["items"].as_array().into_iter().flatten().flat_map(|run| run["lines"].as_array());
    let found = lines.flatten().filter(|shown| shown["text"] == *line).count();
    let what = || format!("its log lacks {line:?}: {log}\n{}", known.history);
    (planned > 0 && found < finished).then(|| (Kind::Lost, what()))
}

fn logs(world: &World, ids: &[String]) -> HashMap<String, Value> {
    let logging: Vec<String> = {
        let ledger = world.ledger();
        let logs = |id: &&String| {
            let actions = ledger.get(id).map(|known| known.event["body"]["actions"].clone());
            actions
                .as_ref()
                .and_then(Value::as_array)
                .is_some_and(|actions| actions.iter().any(|action| action.get("log").is_some()))
        };
        ids.iter().filter(logs).cloned().collect()
    };
    let found = Mutex::new(HashMap::new());
    each(&logging, |id| {
        let path = format!("/api/v1/executions/{id}/logs?limit=1000");
        if let Some(answer) = world.ask(world.client.request("GET", &path))
            && let Ok(mut found) = found.lock()
        {
            found.insert(id.to_owned(), serde_json::from_slice(&answer.body).unwrap_or_default());
        }
    });
    found.into_inner().unwrap_or_default()
}

/// Asks about each of `ids`, on a few threads.
pub(super) fn each(ids: &[String], ask: impl Fn(&str) + Sync) {
    let share = ids.len().div_ceil(THREADS).max(1);
    thread::scope(|scope| {
        for ids in ids.chunks(share) {
            let ask = &ask;
            scope.spawn(move || ids.iter().for_each(|id| ask(id)));
        }
    });
}
