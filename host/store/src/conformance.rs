//! What every store must show. A store's own tests call [`run`] with a way to make an empty
//! one, and [`differ`] to compare it with the memory store over random stories.
#![expect(clippy::unwrap_used, reason = "a test suite: it fails by panicking")]

use fastrand::Rng;
use serde_json::json;
use waystation_core::{
    BoundedJson, Caller, ComponentName, Digest, Event, Execution, ExecutionId, Flow, Grant, Left,
    LogLine, LogStream, Mail, NewExecution, OnTimeout, PauseEnding, PauseId, Payload, Permission,
    Rejected, Scope, SecretName, SecretTerms, Status, Timestamp, Token, TokenId, Transition,
    Workflow, WorkflowName, WorkflowSpec,
};

use crate::{
    ApplyError, Attachments, ComponentRecord, Created, Deadline, DeleteError, ExecutionFilter,
    MemoryStore, NewRecord, NewWorkflow, NoRoom, Page, Part, Room, RunLog, SecretRecord, Store,
    StoredLog,
};

pub(crate) const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);
pub(crate) const FIRST: PauseId = PauseId { step: 0, run: 1 };

/// Runs the whole suite; `make` makes an empty store each time.
pub async fn run<S: Store>(make: impl AsyncFn() -> S) {
    creating_is_idempotent_under_its_key(&make().await).await;
    an_event_changes_everything_at_once(&make().await).await;
    lists_are_read_a_page_at_a_time(&make().await).await;
    a_rejected_event_changes_nothing(&make().await).await;
    a_mark_behind_comes_before_what_follows(&make().await).await;
    large_values_read_back(&make().await).await;
    ready_is_first_come_first_served_whatever_the_clock_shows(&make().await).await;
    ready_leaves_out_workflows_and_keeps_its_order(&make().await).await;
    room_is_for_those_that_are_ready(&make().await).await;
    deadlines_are_in_order_and_forget_what_is_over(&make().await).await;
    what_ended_long_ago_is_removed(&make().await).await;
    lists_are_newest_first_and_filtered(&make().await).await;
    mails_wait_for_their_delivery(&make().await).await;
    one_of_many_callers_wins(&make().await).await;
    workflows_have_versions(&make().await).await;
    components_are_kept_while_they_are_needed(&make().await).await;
    tokens_come_and_go(&make().await).await;
    secrets_are_kept_while_they_are_named(&make().await).await;
}

fn workflow(name: &str, steps: usize) -> Workflow {
    let step = |n| json!({"name": format!("s{n}"), "component": "c"});
    let steps: Vec<_> = (0..steps).map(step).collect();
    let spec: WorkflowSpec = serde_json::from_value(json!({"name": name, "steps": steps})).unwrap();
    let digests = vec![Digest::of(b"c"); spec.steps.len()];
    Workflow { version: 1, deployed_at: START, digests, spec, grants: vec![] }
}

fn new_workflow(name: &str, steps: usize, component: &[u8]) -> NewWorkflow {
    let Workflow { spec, .. } = workflow(name, steps);
    let grants = vec![Grant { step: None, permission: Permission::Hook }];
    NewWorkflow { digests: vec![Digest::of(component); steps], spec, grants }
}

pub(crate) fn id(n: u8) -> ExecutionId {
    ExecutionId::from_parts(START.as_millis() + u64::from(n), [n; 10])
}

fn trigger(workflow: &Workflow, id: ExecutionId) -> Transition {
    let event = BoundedJson::parse("{\"hello\":\"world\"}", 100).unwrap();
    let payload_bytes_max = 10 << 20;
    Execution::trigger(
        NewExecution {
            id,
            workflow,
            event,
            payload_bytes_max,
            memory_mib: 256,
            step_runs_max: u32::MAX,
        },
        START,
    )
}

pub(crate) async fn create<S: Store + ?Sized>(store: &S, n: u8) {
    let new = NewRecord {
        transition: trigger(&workflow("w", 2), id(n)),
        idempotency_key: None,
        room: Room::ANY,
    };
    assert_eq!(store.create(new).await, Ok(Created::New));
}

/// Creates an execution of its own for each `number`.
pub async fn create_numbered<S: Store + ?Sized>(store: &S, number: u64) {
    assert_eq!(create_numbered_within(store, number, Room::ANY).await, Created::New);
}

/// Creates an execution of its own for each `number`, all of one workflow, where there is `room`.
pub async fn create_numbered_within<S: Store + ?Sized>(
    store: &S,
    number: u64,
    room: Room,
) -> Created {
    let mut tail = [0; 10];
    tail[2..].copy_from_slice(&number.to_be_bytes());
    let id = ExecutionId::from_parts(START.as_millis(), tail);
    let transition = trigger(&workflow("w", 2), id);
    store.create(NewRecord { transition, idempotency_key: None, room }).await.unwrap()
}

pub(crate) fn start(run: PauseId) -> Event {
    Event::Start { run, attempt: 1 }
}

pub(crate) fn finish(run: PauseId, flow: Flow) -> Event {
    let result = Some(json(json!({"run": run.run})));
    let (exports, left, early_fit) = (vec![], Left::default(), None);
    Event::Finish { run, attempt: 1, compute_ms: 5, result, exports, flow, left, early_fit }
}

fn json(value: serde_json::Value) -> Payload {
    BoundedJson::from_value(&value, usize::MAX).unwrap().into()
}

pub(crate) fn suspend() -> Flow {
    let on_timeout = OnTimeout::Resume;
    Flow::Suspend { timeout_ms: 60_000, on_timeout, message: None, resume_schema: None }
}

fn resume(pause: PauseId) -> Event {
    let by = Caller::Request { client_ip: None };
    Event::Resume { pause, by, data: Some(json(json!({"body": 1}))) }
}

async fn happens<S: Store + ?Sized>(store: &S, n: u8, event: Event) -> Execution {
    let applied = store.apply(id(n), event, START, Attachments::default()).await;
    applied.unwrap().execution
}

async fn creating_is_idempotent_under_its_key<S: Store>(store: &S) {
    let new = |name: &str, n| NewRecord {
        transition: trigger(&workflow(name, 1), id(n)),
        idempotency_key: Some("key".to_owned()),
        room: Room::ANY,
    };
    assert_eq!(store.create(new("w", 1)).await, Ok(Created::New));
    assert_eq!(store.create(new("w", 2)).await, Ok(Created::Existing(id(1))));
    assert_eq!(store.load(id(2)).await, Ok(None));
    assert_eq!(store.create(new("other", 3)).await, Ok(Created::New));
}

async fn an_event_changes_everything_at_once<S: Store>(store: &S) {
    create(store, 1).await;
    happens(store, 1, start(FIRST)).await;
    let line = LogLine { at: START, stream: LogStream::Stdout, text: "hello".into() };
    let log = RunLog { run: FIRST, attempt: 1, lines: vec![line] };
    let left = Attachments { log: Some(log.clone()), mails: vec![mail()] };
    let applied = store.apply(id(1), finish(FIRST, suspend()), START, left).await.unwrap();
    let stored = store.load(id(1)).await.unwrap().unwrap();
    assert_eq!(applied.execution, stored);
    assert_eq!(stored.status(), Status::Suspended);
    let history = store.history(id(1), 0, Page::of(100)).await.unwrap().items;
    assert_eq!(history.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(history.last(), Some(&applied.entry));
    let last = store.history(id(1), 2, Page::of(100)).await.unwrap();
    assert_eq!(last, Part { items: vec![applied.entry], more: false });
    let first = store.history(id(1), 0, Page::of(2)).await.unwrap();
    assert_eq!((first.items.len(), first.more), (2, true));
    let logs = store.logs(id(1), 0, Page::of(100)).await.unwrap();
    assert_eq!(logs, Part { items: vec![StoredLog { seq: 3, log }], more: false });
    assert_eq!(store.logs(id(1), 3, Page::of(100)).await.unwrap().items, []);
    assert_eq!(store.mails(10).await.unwrap().len(), 1);
    let value = stored.steps[0].exports["$return_value"].id;
    let values = store.payloads(id(1), &[value, stored.event.id]).await.unwrap();
    assert_eq!(values[0].as_str(), "{\"run\":1}");
    assert_eq!(values[1].as_str(), "{\"hello\":\"world\"}");
    assert_eq!(store.pause_end(id(1), FIRST).await, Ok(None));
    happens(store, 1, resume(FIRST)).await;
    let end = store.pause_end(id(1), FIRST).await.unwrap().unwrap();
    assert_eq!((end.ending, end.at), (PauseEnding::Resumed, START));
}

async fn lists_are_read_a_page_at_a_time<S: Store>(store: &S) {
    create(store, 1).await;
    let mut run = FIRST;
    for number in 0..5_usize {
        happens(store, 1, start(run)).await;
        // The second one is larger than any part of a value.
        let text = "x".repeat(if number == 1 { 20_000 } else { 100 });
        let line = LogLine { at: START, stream: LogStream::Stdout, text };
        let log = Some(RunLog { run, attempt: 1, lines: vec![line] });
        let flow = Flow::Rerun { delay_ms: 1000, context: None, max_retries: 9 };
        let left = Attachments { log, mails: vec![] };
        store.apply(id(1), finish(run, flow), START, left).await.unwrap();
        happens(store, 1, resume(run)).await;
        run = PauseId { run: run.run + 1, ..run };
    }
    let read = async |after, page| {
        let part = store.logs(id(1), after, page).await.unwrap();
        (part.items.iter().map(|one| (one.seq, one.log.run.run)).collect::<Vec<_>>(), part.more)
    };
    let all = [(3, 1), (6, 2), (9, 3), (12, 4), (15, 5)];
    assert_eq!(read(0, Page::of(5)).await, (all.to_vec(), false));
    assert_eq!(read(0, Page::of(2)).await, (all[..2].to_vec(), true));
    assert_eq!(read(6, Page::of(2)).await, (all[2..4].to_vec(), true));
    assert_eq!(read(12, Page::of(2)).await, (all[4..].to_vec(), false));
    let small = Page { items_max: 9, bytes_max: 1000 };
    assert_eq!(read(0, small).await, (all[..2].to_vec(), true), "until it is full");
    assert_eq!(read(3, small).await, (all[1..2].to_vec(), true), "one is read at least");
    assert_eq!(read(6, small).await, (all[2..].to_vec(), false));
}

async fn a_rejected_event_changes_nothing<S: Store>(store: &S) {
    create(store, 1).await;
    let before = store.load(id(1)).await.unwrap();
    let left = Attachments { log: None, mails: vec![mail()] };
    let refused = store.apply(id(1), finish(FIRST, suspend()), START, left).await;
    assert_eq!(refused.unwrap_err(), ApplyError::Rejected(Rejected::NotThisRun));
    assert_eq!(store.load(id(1)).await.unwrap(), before);
    assert_eq!(store.history(id(1), 0, Page::of(100)).await.unwrap().items.len(), 1);
    assert_eq!(store.mails(10).await.unwrap(), []);
    let nobody = store.apply(id(9), start(FIRST), START, Attachments::default()).await;
    assert_eq!(nobody.unwrap_err(), ApplyError::NotFound);
}

async fn a_mark_behind_comes_before_what_follows<S: Store>(store: &S) {
    create(store, 1).await;
    store.apply_behind(id(1), start(FIRST), START);
    let after = happens(store, 1, finish(FIRST, Flow::Continue)).await;
    assert_eq!((after.status(), after.version), (Status::Queued, 3));
    // One that does not apply is lost without a trace.
    store.apply_behind(id(1), start(FIRST), START);
    let second = PauseId { step: 1, run: 1 };
    assert_eq!(happens(store, 1, start(second)).await.version, 4);
}

async fn large_values_read_back<S: Store>(store: &S) {
    create(store, 1).await;
    happens(store, 1, start(FIRST)).await;
    let large = json!("x".repeat(300_000));
    let rerun = Flow::Rerun { delay_ms: 1, context: Some(json(large.clone())), max_retries: 9 };
    let stored = happens(store, 1, finish(FIRST, rerun)).await;
    let context = PauseId { step: 0, run: 2 };
    let stored = match stored.status() {
        Status::Suspended => happens(store, 1, resume(FIRST)).await,
        _ => stored,
    };
    let run = stored.run().unwrap().clone();
    assert_eq!(run.id, context);
    let payload = run.context.unwrap().id;
    assert_eq!(store.payloads(id(1), &[payload]).await.unwrap()[0].to_value(), large);
    // The next run's end makes it go away.
    happens(store, 1, start(context)).await;
    happens(store, 1, finish(context, Flow::Continue)).await;
    assert!(store.payloads(id(1), &[payload]).await.is_err());
}

async fn ready_ids<S: Store + ?Sized>(store: &S, limit: usize) -> Vec<ExecutionId> {
    ready_ids_except(store, limit, &[]).await
}

async fn ready_ids_except<S: Store + ?Sized>(
    store: &S,
    limit: usize,
    except: &[&str],
) -> Vec<ExecutionId> {
    let except: Vec<WorkflowName> = except.iter().map(|name| name.parse().unwrap()).collect();
    let ready = store.ready(limit, &except).await.unwrap();
    for one in &ready {
        let stored = store.load(one.id).await.unwrap().unwrap();
        assert_eq!(one.workflow, stored.workflow);
    }
    ready.into_iter().map(|ready| ready.id).collect()
}

async fn ready_is_first_come_first_served_whatever_the_clock_shows<S: Store>(store: &S) {
    for n in [3, 1, 2] {
        create(store, n).await;
    }
    assert_eq!(ready_ids(store, 10).await, [id(3), id(1), id(2)]);
    assert_eq!(ready_ids(store, 2).await, [id(3), id(1)]);
    assert_eq!(store.ready(1, &[]).await.unwrap()[0].since, START);
    // A run under way keeps its place, and so does the next step's.
    happens(store, 3, start(FIRST)).await;
    happens(store, 3, finish(FIRST, Flow::Continue)).await;
    happens(store, 1, start(FIRST)).await;
    assert_eq!(ready_ids(store, 10).await, [id(3), id(1), id(2)]);
    happens(store, 1, finish(FIRST, suspend())).await;
    assert_eq!(ready_ids(store, 10).await, [id(3), id(2)]);
    // Resumed, with the clock set back by years: it comes last all the same.
    let long_ago = Timestamp::from_millis(1);
    store.apply(id(1), resume(FIRST), long_ago, Attachments::default()).await.unwrap();
    assert_eq!(ready_ids(store, 10).await, [id(3), id(2), id(1)]);
    // A pause that is over as it begins ends the turn as well.
    happens(store, 2, start(FIRST)).await;
    happens(store, 2, resume(FIRST)).await;
    assert_eq!(ready_ids(store, 10).await, [id(3), id(2), id(1)]);
    happens(store, 2, finish(FIRST, suspend())).await;
    assert_eq!(ready_ids(store, 10).await, [id(3), id(1), id(2)]);
    for n in 1..=3 {
        happens(store, n, Event::Cancel { pause: None, by: Caller::Operator }).await;
    }
    assert_eq!(ready_ids(store, 10).await, []);
}

async fn ready_leaves_out_workflows_and_keeps_its_order<S: Store>(store: &S) {
    // Names of which one begins like another, and in another order than their executions.
    let of = async |name: &str, n: u8| {
        let new = NewRecord {
            transition: trigger(&workflow(name, 2), id(n)),
            idempotency_key: None,
            room: Room::ANY,
        };
        assert_eq!(store.create(new).await, Ok(Created::New));
    };
    for n in 1..=40 {
        of("flood", n).await;
    }
    for (name, n) in [("flood-2", 50), ("a", 51), ("floo", 52), ("flood", 53), ("flood-2", 54)] {
        of(name, n).await;
    }
    let flood = (1..=40).map(id);
    let all: Vec<_> = flood.chain((50..=54).map(id)).collect();
    assert_eq!(ready_ids(store, 99).await, all, "the order is one over all workflows");
    assert_eq!(ready_ids(store, 41).await, all[..41]);
    assert_eq!(ready_ids(store, 0).await, []);
    let behind = [id(50), id(51), id(52), id(54)];
    assert_eq!(ready_ids_except(store, 99, &["flood"]).await, behind);
    assert_eq!(ready_ids_except(store, 2, &["flood"]).await, behind[..2]);
    assert_eq!(
        ready_ids_except(store, 99, &["flood", "a", "none"]).await,
        [id(50), id(52), id(54)]
    );
    assert_eq!(ready_ids_except(store, 99, &["flood-2", "floo", "a"]).await.len(), 41);
    assert_eq!(ready_ids_except(store, 99, &["flood", "flood-2", "floo", "a"]).await, []);
    // One that waits anew goes to the end of all, and not only of its workflow.
    happens(store, 50, start(FIRST)).await;
    happens(store, 50, finish(FIRST, suspend())).await;
    happens(store, 50, resume(FIRST)).await;
    let behind = [id(51), id(52), id(54), id(50)];
    assert_eq!(ready_ids_except(store, 99, &["flood"]).await, behind);
    for n in [51, 52] {
        happens(store, n, Event::Cancel { pause: None, by: Caller::Operator }).await;
    }
    assert_eq!(ready_ids_except(store, 99, &["flood"]).await, [id(54), id(50)]);
}

/// Creates one of the workflow where fewer than `of_workflow` are ready.
async fn create_within<S: Store + ?Sized>(
    store: &S,
    name: &str,
    n: u8,
    of_workflow: usize,
) -> Created {
    let transition = trigger(&workflow(name, 2), id(n));
    let room = Room { of_workflow, ..Room::ANY };
    store.create(NewRecord { transition, idempotency_key: None, room }).await.unwrap()
}

async fn room_is_for_those_that_are_ready<S: Store>(store: &S) {
    const REFUSED: Created = Created::Refused(NoRoom::OfWorkflow);
    let create = create_within::<S>;
    for n in 1..=3 {
        assert_eq!(create(store, "w", n, 3).await, Created::New);
    }
    assert_eq!(create(store, "w", 4, 3).await, REFUSED);
    assert_eq!(store.load(id(4)).await, Ok(None), "nothing has changed");
    assert_eq!(create(store, "other", 50, 1).await, Created::New, "others have room of their own");
    // A run under way takes as much as one that is due, and a pause takes none.
    happens(store, 1, start(FIRST)).await;
    assert_eq!(create(store, "w", 4, 3).await, REFUSED);
    happens(store, 1, finish(FIRST, suspend())).await;
    assert_eq!(create(store, "w", 4, 3).await, Created::New);
    assert_eq!(create(store, "w", 5, 3).await, REFUSED);
    // Who comes back is not asked; and one that ends its turn stays.
    happens(store, 1, resume(FIRST)).await;
    happens(store, 2, start(FIRST)).await;
    happens(store, 2, resume(FIRST)).await;
    happens(store, 2, finish(FIRST, suspend())).await;
    assert_eq!(create(store, "w", 5, 4).await, REFUSED);
    let cancel = Event::Cancel { pause: None, by: Caller::Operator };
    for n in [3, 4] {
        happens(store, n, cancel.clone()).await;
    }
    // What is rejected leaves all as it is.
    assert!(store.apply(id(3), cancel, START, Attachments::default()).await.is_err());
    assert_eq!(store.remove_ended(START.plus_millis(1), 10).await, Ok(2));
    assert_eq!(create(store, "w", 5, 2).await, REFUSED);
    let key = || Some("key".to_owned());
    let new = |n, of_workflow| NewRecord {
        transition: trigger(&workflow("w", 2), id(n)),
        idempotency_key: key(),
        room: Room { of_workflow, ..Room::ANY },
    };
    assert_eq!(store.create(new(6, 2)).await, Ok(REFUSED));
    assert_eq!(store.create(new(7, 3)).await, Ok(Created::New), "the key was not used up");
    assert_eq!(store.create(new(8, 0)).await, Ok(Created::Existing(id(7))), "and needs no room");
}

async fn deadlines_are_in_order_and_forget_what_is_over<S: Store>(store: &S) {
    let mut expected = Vec::new();
    for (n, later) in [(1, 500), (2, 0), (3, 100)] {
        create(store, n).await;
        happens(store, n, start(FIRST)).await;
        let now = START.plus_millis(later);
        let left = Attachments::default();
        let applied = store.apply(id(n), finish(FIRST, suspend()), now, left).await.unwrap();
        let at = applied.execution.pause().unwrap().deadline;
        assert_eq!(at, now.plus_millis(60_000));
        expected.push(Deadline { at, id: id(n), pause: FIRST });
    }
    expected.sort_unstable();
    assert_eq!(store.deadlines(10).await.unwrap(), expected);
    assert_eq!(store.deadlines(2).await.unwrap(), expected[..2]);
    happens(store, 1, resume(FIRST)).await;
    happens(store, 3, Event::Cancel { pause: None, by: Caller::Operator }).await;
    assert_eq!(store.deadlines(10).await.unwrap(), expected[..1]);
}

async fn what_ended_long_ago_is_removed<S: Store>(store: &S) {
    let ends = async |n, later| {
        let event = Event::Cancel { pause: None, by: Caller::Operator };
        let now = START.plus_millis(later);
        store.apply(id(n), event, now, Attachments::default()).await.unwrap();
    };
    let keyed = NewRecord {
        transition: trigger(&workflow("w", 2), id(1)),
        idempotency_key: Some("key".to_owned()),
        room: Room::ANY,
    };
    assert_eq!(store.create(keyed.clone()).await, Ok(Created::New));
    for n in 2..=6 {
        create(store, n).await;
    }
    // One with a long history, one that has a mail to send, and one that lives on.
    for _ in 0..400 {
        let run = store.load(id(1)).await.unwrap().unwrap().run().unwrap().id;
        happens(store, 1, start(run)).await;
        let rerun = Flow::Rerun { delay_ms: 1, context: None, max_retries: 999 };
        happens(store, 1, finish(run, rerun)).await;
        happens(store, 1, resume(run)).await;
    }
    happens(store, 4, start(FIRST)).await;
    let left = Attachments { log: None, mails: vec![mail()] };
    store.apply(id(4), finish(FIRST, suspend()), START, left).await.unwrap();
    for (n, later) in [(1, 100), (2, 300), (3, 200), (4, 50), (5, 900)] {
        ends(n, later).await;
    }
    let before = START.plus_millis(300);
    assert_eq!(store.remove_ended(START, 10).await, Ok(0));
    assert_eq!(store.remove_ended(before, 1).await, Ok(1), "the first to end goes first");
    assert_eq!(store.load(id(1)).await, Ok(None));
    let nothing = Part { items: vec![], more: false };
    assert_eq!(store.history(id(1), 0, Page::of(9999)).await, Ok(nothing));
    assert_eq!(store.pause_end(id(1), FIRST).await, Ok(None));
    assert!(store.payloads(id(1), &[waystation_core::PayloadId(0)]).await.is_err());
    assert_eq!(store.remove_ended(before, 10).await, Ok(1), "only what ended before");
    assert_eq!(store.remove_ended(before, 10).await, Ok(0));
    let all = store.list(&ExecutionFilter::default(), 99).await.unwrap();
    assert_eq!(all.iter().map(|one| one.id).collect::<Vec<_>>(), [id(6), id(5), id(4), id(2)]);
    assert_eq!(store.create(keyed).await, Ok(Created::New), "its idempotency key is free again");
    let queued = store.mails(10).await.unwrap();
    store.mail_sent(queued[0].id).await.unwrap();
    assert_eq!(store.remove_ended(before, 10).await, Ok(1), "its mail is sent");
}

async fn lists_are_newest_first_and_filtered<S: Store>(store: &S) {
    for n in 1..=4 {
        let name = if n % 2 == 0 { "even" } else { "odd" };
        let transition = trigger(&workflow(name, 1), id(n));
        store
            .create(NewRecord { transition, idempotency_key: None, room: Room::ANY })
            .await
            .unwrap();
    }
    happens(store, 4, Event::Cancel { pause: None, by: Caller::Operator }).await;
    let listed = async |filter: ExecutionFilter, limit| {
        let executions = store.list(&filter, limit).await.unwrap();
        executions.iter().map(|one| one.id).collect::<Vec<_>>()
    };
    let all = ExecutionFilter::default();
    assert_eq!(listed(all.clone(), 10).await, [id(4), id(3), id(2), id(1)]);
    assert_eq!(listed(all.clone(), 2).await, [id(4), id(3)]);
    let older = ExecutionFilter { before: Some(id(3)), ..all.clone() };
    assert_eq!(listed(older, 10).await, [id(2), id(1)]);
    let even = ExecutionFilter { workflow: Some("even".parse().unwrap()), ..all.clone() };
    assert_eq!(listed(even.clone(), 10).await, [id(4), id(2)]);
    let queued = ExecutionFilter { status: Some(Status::Queued), ..all };
    assert_eq!(listed(queued, 10).await, [id(3), id(2), id(1)]);
    for (status, ids) in [(Status::Queued, vec![id(2)]), (Status::Canceled, vec![id(4)])] {
        let both = ExecutionFilter { status: Some(status), ..even.clone() };
        assert_eq!(listed(both, 10).await, ids);
    }
    let none = ExecutionFilter { status: Some(Status::Failed), ..even };
    assert_eq!(listed(none, 10).await, []);
}

fn mail() -> Mail {
    Mail { to: vec![], subject: "Hello".into(), text: Some("…".into()), html: None }
}

async fn mails_wait_for_their_delivery<S: Store>(store: &S) {
    create(store, 1).await;
    happens(store, 1, start(FIRST)).await;
    let left = Attachments { log: None, mails: vec![mail(), mail()] };
    store.apply(id(1), finish(FIRST, Flow::Continue), START, left).await.unwrap();
    let queued = store.mails(10).await.unwrap();
    assert_eq!(queued.iter().map(|mail| mail.id.index).collect::<Vec<_>>(), [0, 1]);
    assert!(queued.iter().all(|mail| mail.at == START && mail.step.as_str() == "s0"));
    let later = START.plus_millis(1000);
    store.mail_failed(queued[0].id, Some(later)).await.unwrap();
    let retried = store.mails(10).await.unwrap();
    assert_eq!((retried[1].id, retried[1].at, retried[1].failures), (queued[0].id, later, 1));
    store.mail_sent(queued[1].id).await.unwrap();
    store.mail_sent(queued[1].id).await.unwrap();
    store.mail_failed(queued[0].id, None).await.unwrap();
    assert_eq!(store.mails(10).await.unwrap(), []);
}

async fn one_of_many_callers_wins<S: Store>(store: &S) {
    create(store, 1).await;
    happens(store, 1, start(FIRST)).await;
    happens(store, 1, finish(FIRST, suspend())).await;
    let mut won = 0;
    for _ in 0..50 {
        let answer = store.apply(id(1), resume(FIRST), START, Attachments::default()).await;
        match answer {
            Ok(_) => won += 1,
            Err(error) => assert_eq!(error, ApplyError::Rejected(Rejected::PauseOver)),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(store.history(id(1), 0, Page::of(100)).await.unwrap().items.len(), 4);
}

async fn workflows_have_versions<S: Store>(store: &S) {
    let deploy = async |steps, bytes: &[u8]| {
        let new = new_workflow("w", steps, bytes);
        let deployed = store.put_workflow(new, START).await.unwrap();
        (deployed.workflow.version, deployed.created)
    };
    let name = "w".parse().unwrap();
    assert_eq!(store.workflow(&name).await, Ok(None));
    assert_eq!(deploy(1, b"a").await, (1, true));
    assert_eq!(deploy(1, b"a").await, (1, false));
    assert_eq!(deploy(1, b"b").await, (2, true));
    assert_eq!(deploy(2, b"b").await, (3, true));
    let other_grants = NewWorkflow { grants: vec![], ..new_workflow("w", 2, b"b") };
    let same = store.put_workflow(other_grants, START).await.unwrap();
    assert!(!same.created, "what is granted makes no version");
    assert_eq!(store.workflow(&name).await.unwrap().unwrap().grants, []);
    assert_eq!(store.workflow(&name).await.unwrap().unwrap().version, 3);
    let versions = async |after, page| {
        let part = store.workflow_versions(&name, after, page).await.unwrap();
        (part.items.iter().map(|one| one.version).collect::<Vec<_>>(), part.more)
    };
    assert_eq!(versions(0, Page::of(9)).await, (vec![1, 2, 3], false));
    assert_eq!(versions(1, Page::of(1)).await, (vec![2], true));
    assert_eq!(versions(3, Page::of(9)).await, (vec![], false));
    assert_eq!(store.workflow_version(&name, 1).await.unwrap().unwrap().spec.steps.len(), 1);
    store.delete_workflow(&name).await.unwrap();
    assert_eq!(store.delete_workflow(&name).await, Err(DeleteError::NotFound));
    assert_eq!(store.workflow(&name).await, Ok(None));
    assert_eq!(store.workflows().await, Ok(vec![]));
    assert!(store.workflow_version(&name, 3).await.unwrap().is_some());
    assert_eq!(deploy(2, b"b").await, (4, true));
    assert_eq!(store.workflows().await.unwrap().len(), 1);
}

async fn components_are_kept_while_they_are_needed<S: Store>(store: &S) {
    let name: ComponentName = "c".parse().unwrap();
    let record = |bytes: &[u8]| ComponentRecord {
        name: "c".parse().unwrap(),
        digest: Digest::of(bytes),
        size: bytes.len() as u64,
        imports: vec![],
        exports: vec!["handler".into()],
        abilities: vec![],
        uploaded_at: START,
    };
    assert_eq!(store.delete_component(&name).await, Err(DeleteError::NotFound));
    store.put_component_bytes(Digest::of(b"c"), b"c".to_vec()).await.unwrap();
    assert_eq!(store.put_component(record(b"c")).await, Ok(true));
    assert_eq!(store.put_component(record(b"c")).await, Ok(false));
    assert_eq!(store.component(&name).await, Ok(Some(record(b"c"))));
    assert_eq!(store.components().await.unwrap().len(), 1);
    let deployed = workflow("w", 1);
    store.put_workflow(new_workflow("w", 1, b"c"), START).await.unwrap();
    let in_use = |result| matches!(result, Err(DeleteError::InUse(_)));
    assert!(in_use(store.delete_component(&name).await), "a live version needs it");
    let transition = trigger(&deployed, id(1));
    store.create(NewRecord { transition, idempotency_key: None, room: Room::ANY }).await.unwrap();
    store.delete_workflow(&deployed.spec.name).await.unwrap();
    assert!(in_use(store.delete_component(&name).await), "an execution under way needs it");
    happens(store, 1, Event::Cancel { pause: None, by: Caller::Operator }).await;
    assert_eq!(store.delete_component(&name).await, Ok(()));
    assert_eq!(store.components().await, Ok(vec![]));
}

async fn tokens_come_and_go<S: Store>(store: &S) {
    let token = |n: u8| Token {
        id: TokenId::from_bytes([n; 8]),
        name: "ci".parse().unwrap(),
        scopes: [Scope::Read, Scope::Deploy].into(),
        secret: Digest::of(&[n]),
        created_at: START,
        expires_at: (n == 2).then_some(START),
    };
    assert_eq!(store.tokens().await, Ok(vec![]));
    for n in [0xff, 2, 0] {
        store.put_token(token(n)).await.unwrap();
    }
    assert_eq!(store.tokens().await, Ok(vec![token(0), token(2), token(0xff)]));
    let changed = Token { secret: Digest::of(b"new"), ..token(2) };
    store.put_token(changed.clone()).await.unwrap();
    assert_eq!(store.delete_token(token(0).id).await, Ok(()));
    assert_eq!(store.delete_token(token(0).id).await, Err(DeleteError::NotFound));
    assert_eq!(store.tokens().await, Ok(vec![changed, token(0xff)]));
}

async fn secrets_are_kept_while_they_are_named<S: Store>(store: &S) {
    let name = |name: &str| name.parse::<SecretName>().unwrap();
    let record = |text: &str, sealed: &str| SecretRecord {
        name: name(text),
        terms: SecretTerms { destinations: vec!["https://h".parse().unwrap()], reveal: true },
        set_at: START,
        key: "k".into(),
        sealed: sealed.into(),
    };
    let api_key = name("API_KEY");
    assert_eq!(store.secret(&api_key).await, Ok(None));
    assert_eq!(store.delete_secret(&api_key).await, Err(DeleteError::NotFound));
    assert_eq!(store.put_secret(record("API_KEY", "one")).await, Ok(true));
    assert_eq!(store.put_secret(record("API_KEY", "two")).await, Ok(false));
    assert_eq!(store.put_secret(record("API", "three")).await, Ok(true));
    assert_eq!(store.secret(&api_key).await, Ok(Some(record("API_KEY", "two"))));
    let all = store.secrets().await.unwrap();
    assert_eq!(all, [record("API", "three"), record("API_KEY", "two")]);
    let mut deployed = workflow("w", 2);
    let uses = json!([{"name": "API_KEY", "reveal": true}]);
    deployed.spec.steps[1].allow.secrets = serde_json::from_value(uses).unwrap();
    let Workflow { spec, digests, grants, .. } = deployed.clone();
    store.put_workflow(NewWorkflow { spec, digests, grants }, START).await.unwrap();
    let in_use = |result| matches!(result, Err(DeleteError::InUse(_)));
    assert!(in_use(store.delete_secret(&api_key).await), "a live version names it");
    let transition = trigger(&deployed, id(1));
    store.create(NewRecord { transition, idempotency_key: None, room: Room::ANY }).await.unwrap();
    store.delete_workflow(&deployed.spec.name).await.unwrap();
    assert!(in_use(store.delete_secret(&api_key).await), "an execution under way names it");
    assert_eq!(store.delete_secret(&name("API")).await, Ok(()), "nobody names this one");
    happens(store, 1, Event::Cancel { pause: None, by: Caller::Operator }).await;
    assert_eq!(store.delete_secret(&api_key).await, Ok(()));
    assert_eq!(store.secrets().await, Ok(vec![]));
}

/// What the random stories are executions of.
const WORKFLOWS: [&str; 3] = ["w", "w-2", "v"];

/// Tells `store` and a memory store the same `acts` random things, and compares all that can
/// be read of both after each.
pub async fn differ<S: Store>(store: &S, seed: u64, acts: usize) {
    let model = MemoryStore::new();
    let mut random = Rng::with_seed(seed);
    for act in 0..acts {
        let n = random.u8(..6);
        let now = START.plus_millis(act as u64 * 400);
        if random.u8(..30) == 0 {
            let before = START.plus_millis(act as u64 * 300);
            let removed = store.remove_ended(before, 2).await;
            assert_eq!(removed, model.remove_ended(before, 2).await, "seed {seed}, act {act}");
        }
        let event = random_event(&mut random, model.load(id(n)).await.unwrap().as_ref());
        match event {
            None => {
                let of = |random: &mut Rng| random.usize(1..=4);
                let room = Room {
                    of_workflow: of(&mut random),
                    of_all: of(&mut random),
                    of_each: of(&mut random),
                };
                let new = || NewRecord {
                    transition: trigger(&workflow(WORKFLOWS[usize::from(n % 3)], 3), id(n)),
                    idempotency_key: Some(format!("key {n}")),
                    room,
                };
                assert_eq!(store.create(new()).await, model.create(new()).await);
            }
            Some(event) => {
                let run_ended = matches!(event, Event::Finish { .. });
                let mails = if run_ended && random.u8(..4) == 0 { vec![mail()] } else { vec![] };
                let left = Attachments { log: None, mails };
                let ours = store.apply(id(n), event.clone(), now, left.clone()).await;
                let theirs = model.apply(id(n), event.clone(), now, left).await;
                assert_eq!(ours, theirs, "seed {seed}, act {act}: {event:?}");
            }
        }
        compare(store, &model, n).await;
    }
}

async fn compare<S: Store>(store: &S, model: &MemoryStore, n: u8) {
    let execution = model.load(id(n)).await.unwrap();
    assert_eq!(store.load(id(n)).await.unwrap(), execution);
    for page in [Page::of(999), Page::of(3), Page { items_max: 999, bytes_max: 700 }] {
        let ours = store.history(id(n), 1, page).await;
        assert_eq!(ours, model.history(id(n), 1, page).await, "{page:?}");
    }
    for (limit, except) in [(99, &WORKFLOWS[..0]), (2, &WORKFLOWS[..0]), (99, &WORKFLOWS[..1])] {
        let except: Vec<WorkflowName> = except.iter().map(|name| name.parse().unwrap()).collect();
        assert_eq!(store.ready(limit, &except).await, model.ready(limit, &except).await);
    }
    assert_eq!(store.deadlines(99).await, model.deadlines(99).await);
    assert_eq!(store.mails(99).await, model.mails(99).await);
    for status in Status::ALL {
        let filter = ExecutionFilter { status: Some(status), ..ExecutionFilter::default() };
        assert_eq!(store.list(&filter, 99).await, model.list(&filter, 99).await);
    }
    for run in 1..4 {
        let pause = PauseId { step: 0, run };
        assert_eq!(store.pause_end(id(n), pause).await, model.pause_end(id(n), pause).await);
    }
    let payloads: Vec<_> = execution.iter().flat_map(Execution::payloads).collect();
    assert_eq!(store.payloads(id(n), &payloads).await, model.payloads(id(n), &payloads).await);
}

/// `None`: create it.
fn random_event(random: &mut Rng, execution: Option<&Execution>) -> Option<Event> {
    let execution = execution?;
    let run = execution.run().map_or(FIRST, |run| run.id);
    let attempt = execution.run().map_or(1, |run| run.attempt);
    let pause = execution.pause().map_or(run, |pause| pause.id);
    Some(match random.u8(..12) {
        0..=3 => Event::Start { run, attempt },
        4 => Event::Crash { run, attempt },
        5 => Event::TimeOut { pause },
        6 | 7 => resume(pause),
        8 => Event::Cancel { pause: Some(pause), by: Caller::Request { client_ip: None } },
        number => {
            let large = json!("x".repeat(random.usize(..9000)));
            let flow = match number {
                9 => suspend(),
                10 => Flow::Rerun {
                    delay_ms: 900,
                    context: Some(json(large.clone())),
                    max_retries: 2,
                },
                _ => Flow::Continue,
            };
            let exports = vec![("x".to_owned(), json(large))];
            let (left, early_fit) = (Left { log_bytes: 1, mails: 0 }, None);
            let result = None;
            Event::Finish { run, attempt, compute_ms: 3, result, exports, flow, left, early_fit }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_memory_store_conforms() {
        run(async || MemoryStore::new()).await;
    }
}
