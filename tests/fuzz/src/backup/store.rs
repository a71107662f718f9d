//! A store that was made of a backup: it opens and answers, whatever it holds.

use std::path::Path;
use std::sync::LazyLock;

use tokio::runtime::{Builder, Runtime};
use waystation_core::{
    Caller, EarlyFit, Event, Execution, ExecutionId, Flow, Left, NewExecution, PayloadId,
    Timestamp, Workflow,
};
use waystation_store::{
    ApplyError, Attachments, ExecutionFilter, NewRecord, NewWorkflow, Page, Room, Store as _,
};
use waystation_store_sled::SledStore;

/// What is read of each list.
const LIMIT: usize = 100;

/// Problems that a check names.
const PROBLEMS_MAX: usize = 100;

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().expect("a runtime"));

const NOW: Timestamp = Timestamp::from_millis(1_900_000_000_000);

/// Opens what lies in `data`, reads all of it, and goes on with it. What is damaged is an error of
/// the one call that comes upon it; a panic would be one for everybody.
pub(super) fn opens_and_answers(data: &Path) {
    match SledStore::open(&data.join("store"), &data.join("components")) {
        Ok(store) => RUNTIME.block_on(answers(&store)),
        Err(refused) => {
            super::is_told(&refused.to_string().replace(&data.display().to_string(), ""));
        }
    }
}

async fn answers(store: &SledStore) {
    let report = store.check().await.expect("a check reads everything");
    assert!(report.problems.len() <= PROBLEMS_MAX);
    let workflows = lists(store).await;
    for execution in executions(store).await {
        reads(store, &execution).await;
        goes_on(store, &execution).await;
    }
    for workflow in workflows {
        triggers_and_deploys(store, workflow).await;
    }
    // Retention comes by once a minute.
    let _ = store.remove_ended(Timestamp::from_millis(u64::MAX), LIMIT).await;
    store.close();
}

async fn executions(store: &SledStore) -> Vec<Execution> {
    let mut executions = Vec::new();
    let mut ids: Vec<ExecutionId> = Vec::new();
    let listed = store.list(&ExecutionFilter::default(), LIMIT).await;
    executions.extend(listed.into_iter().flatten());
    ids.extend(store.ready(LIMIT, &[]).await.into_iter().flatten().map(|ready| ready.id));
    let deadlines = store.deadlines(LIMIT).await;
    ids.extend(deadlines.into_iter().flatten().map(|deadline| deadline.id));
    for id in ids {
        executions.extend(store.load(id).await.ok().flatten());
    }
    executions
}

/// Reads what a server reads at its start and for lists.
async fn lists(store: &SledStore) -> Vec<Workflow> {
    let _ = store.figures();
    let _ = store.components().await;
    let _ = store.tokens().await;
    let _ = store.secrets().await;
    for mail in store.mails(LIMIT).await.into_iter().flatten() {
        let _ = store.mail_failed(mail.id, Some(NOW)).await;
        let _ = store.mail_sent(mail.id).await;
    }
    store.workflows().await.unwrap_or_default()
}

async fn reads(store: &SledStore, execution: &Execution) {
    let id = execution.id;
    let _ = store.payloads(id, &execution.payloads()).await;
    let _ = store.payloads(id, &[PayloadId(0)]).await;
    let _ = store.history(id, 0, Page::of(LIMIT)).await;
    let _ = store.logs(id, 0, Page::of(LIMIT)).await;
    if let Some(pause) = execution.pause() {
        let _ = store.pause_end(id, pause.id).await;
    }
}

/// What an engine does with it: it runs what is due, ends what waits, and stops.
async fn goes_on(store: &SledStore, execution: &Execution) {
    let mut events = Vec::new();
    if let Some(pause) = execution.pause() {
        events.push(Event::TimeOut { pause: pause.id });
    }
    if let Some(run) = execution.run() {
        let (run, attempt) = (run.id, run.attempt);
        events.push(Event::Start { run, attempt });
        events.push(Event::Crash { run, attempt });
        events.push(Event::Start { run, attempt: attempt.saturating_add(1) });
        events.push(Event::Finish {
            run,
            attempt: attempt.saturating_add(1),
            compute_ms: 1,
            result: None,
            exports: vec![],
            flow: Flow::Continue,
            left: Left::default(),
            early_fit: Some(EarlyFit::Fits),
        });
    }
    events.push(Event::Cancel { pause: None, by: Caller::Operator });
    for event in events {
        let applied = store.apply(execution.id, event, NOW, Attachments::default()).await;
        if let Err(ApplyError::Store(error)) = applied {
            assert!(!error.to_string().is_empty());
        }
    }
}

async fn triggers_and_deploys(store: &SledStore, workflow: Workflow) {
    let new = NewExecution {
        id: ExecutionId::from_parts(NOW.as_millis(), [9; 10]),
        workflow: &workflow,
        event: waystation_core::BoundedJson::assembled("{}".into()),
        payload_bytes_max: 1 << 20,
        memory_mib: 16,
        step_runs_max: 10,
    };
    let transition = Execution::trigger(new, NOW);
    let room = Room::ANY;
    let record = NewRecord { transition, idempotency_key: Some("key".into()), room };
    let _ = store.create(record).await;
    let _ = store.workflow_versions(&workflow.spec.name, 0, Page::of(LIMIT)).await;
    let _ = store.delete_workflow(&workflow.spec.name).await;
    let Workflow { spec, digests, grants, .. } = workflow;
    let _ = store.put_workflow(NewWorkflow { spec, digests, grants }, NOW).await;
}
