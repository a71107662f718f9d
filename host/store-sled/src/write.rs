//! What each request makes of the tree. Everything here runs on the committer's thread, one
//! request after the other: what it reads is what it changes.

use serde::{Deserialize, Serialize};
use waystation_core::{
    ComponentName, Digest, Event, Execution, ExecutionId, SecretName, Timestamp, Token, TokenId,
    Transition, Wake, Workflow, WorkflowName, transition,
};
use waystation_store::{
    Applied, ApplyError, Attachments, ComponentRecord, Created, DeleteError, Deployed, MailId,
    NewRecord, NewWorkflow, QueuedMail, SecretRecord, StoreError,
};

use crate::keys;
use crate::view::{Read as _, Stage, broken, from_json};

/// No database comes to so many commits.
const COMMITS_MAX: u64 = 1 << 56;

/// An execution, and what leads to the entries of indexes that it does not tell itself.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredExecution {
    /// Its number among the ready ones: that of the commit that made it so.
    pub(crate) ready: Option<u64>,
    /// The SHA-256 of the idempotency key that it was triggered with.
    pub(crate) idempotency_key: Option<Digest>,
    pub(crate) execution: Execution,
}

/// Which version of a workflow is the latest, and whether it can be triggered.
#[derive(Serialize, Deserialize)]
pub(crate) struct WorkflowHead {
    pub(crate) latest: u32,
    pub(crate) live: bool,
}

pub(crate) fn create(stage: &mut Stage<'_>, new: &NewRecord) -> Result<Created, StoreError> {
    let execution = &new.transition.next;
    let (id, workflow) = (execution.id, &execution.workflow);
    let idempotency_key = new.idempotency_key.as_ref().map(|key| Digest::of(key.as_bytes()));
    if let Some(key) = &idempotency_key {
        let key = keys::idempotency(workflow, key);
        if let Some(existing) = stage.record(&key)? {
            return Ok(Created::Existing(existing));
        }
    }
    if let Err(no_room) = stage.check_room(workflow, &new.room) {
        return Ok(Created::Refused(no_room));
    }
    if let Some(key) = &idempotency_key {
        stage.put(&keys::idempotency(workflow, key), &id)?;
    }
    stage.list(keys::entry(keys::by_workflow(workflow), id));
    stage.list(keys::entry(keys::live(workflow, execution.workflow_version), id));
    let listed = Listed { ready: None, idempotency_key, before: None };
    write_transition(stage, listed, &new.transition, execution.triggered_at)?;
    Ok(Created::New)
}

pub(crate) fn apply(
    stage: &mut Stage<'_>,
    id: ExecutionId,
    event: Event,
    now: Timestamp,
    attachments: Attachments,
) -> Result<Applied, ApplyError> {
    let before: StoredExecution =
        stage.record(&keys::execution(id))?.ok_or(ApplyError::NotFound)?;
    let change = transition(&before.execution, event, now)?;
    let seq = change.entry.seq;
    if let Some(log) = attachments.log.filter(|log| !log.lines.is_empty()) {
        stage.put(&keys::log(id, seq), &log)?;
    }
    for (index, mail) in (0..).zip(attachments.mails) {
        let id = MailId { execution: id, seq, index };
        let step = sender(&before.execution)?;
        queue_mail(stage, &QueuedMail { id, at: now, failures: 0, step, mail })?;
    }
    let StoredExecution { ready, idempotency_key, execution } = before;
    let listed = Listed { ready, idempotency_key, before: Some(&execution) };
    write_transition(stage, listed, &change, now)?;
    Ok(Applied { execution: change.next, entry: change.entry, effects: change.effects })
}

fn sender(execution: &Execution) -> Result<waystation_core::StepName, StoreError> {
    let step = execution.run().and_then(|run| execution.step(run.id.step));
    let damaged = || StoreError::Damaged("a mail without a step".into());
    step.map(|step| step.name.clone()).ok_or_else(damaged)
}

/// Where an execution stood, and how it was listed.
struct Listed<'a> {
    ready: Option<u64>,
    idempotency_key: Option<Digest>,
    /// `None`: it is new.
    before: Option<&'a Execution>,
}

fn write_transition(
    stage: &mut Stage<'_>,
    listed: Listed<'_>,
    change: &Transition,
    now: Timestamp,
) -> Result<(), StoreError> {
    let execution = &change.next;
    let id = execution.id;
    for (payload, json) in &change.payloads.put {
        stage.put_bytes(&keys::payload(id, *payload), json.as_str().as_bytes())?;
    }
    for payload in &change.payloads.drop {
        stage.remove(&keys::payload(id, *payload))?;
    }
    if let Some((pause, end)) = &change.pause_end {
        stage.put(&keys::pause_end(id, *pause), end)?;
    }
    stage.put(&keys::history_entry(id, change.entry.seq), &change.entry)?;
    let Listed { ready, idempotency_key, before } = listed;
    let ready = list_ready(stage, ready, change, now);
    list_deadline(stage, before, execution);
    list_status(stage, before, execution);
    let stored = StoredExecution { ready, idempotency_key, execution: execution.clone() };
    stage.put(&keys::execution(id), &stored)
}

/// Keeps the list of ready executions true. One stays where it is while a run is due or under
/// way: listed and held by nobody is how a run that was cut off is found. One whose pause is
/// over goes to the end, also when the pause was none because its link was called before: a
/// step that repeats itself for ever leaves room to others.
fn list_ready(
    stage: &mut Stage<'_>,
    listed: Option<u64>,
    change: &Transition,
    now: Timestamp,
) -> Option<u64> {
    let (id, workflow) = (change.next.id, &change.next.workflow);
    match (listed, change.wake()) {
        (Some(number), Wake::Now) if change.pause_end.is_none() => Some(number),
        (listed, Wake::Now) => {
            match listed {
                Some(number) => stage.unlist(keys::ready(workflow, number, id)),
                None => stage.count_ready(workflow),
            }
            let number = stage.number();
            stage.list_with(keys::ready(workflow, number, id), &now.as_millis().to_be_bytes());
            Some(number)
        }
        (listed, Wake::At(_) | Wake::Never) => {
            if let Some(number) = listed {
                stage.unlist(keys::ready(workflow, number, id));
                stage.discount_ready(workflow);
            }
            None
        }
    }
}

fn list_deadline(stage: &mut Stage<'_>, before: Option<&Execution>, after: &Execution) {
    let pause = |execution: &Execution| execution.pause().map(|pause| (pause.deadline, pause.id));
    let (listed, next) = (before.and_then(pause), pause(after));
    if listed == next {
        return;
    }
    if let Some((at, _)) = listed {
        stage.unlist(keys::deadline(at, after.id));
    }
    if let Some((at, pause)) = next {
        stage.list_with(keys::deadline(at, after.id), &keys::pause_bytes(pause));
    }
}

fn list_status(stage: &mut Stage<'_>, before: Option<&Execution>, after: &Execution) {
    let (id, workflow) = (after.id, &after.workflow);
    if let Some(before) = before {
        if before.status() == after.status() {
            return;
        }
        stage.unlist(keys::entry(keys::by_status(before.status()), id));
        stage.unlist(keys::entry(keys::by_both(workflow, before.status()), id));
    }
    stage.list(keys::entry(keys::by_status(after.status()), id));
    stage.list(keys::entry(keys::by_both(workflow, after.status()), id));
    if after.status().is_terminal() {
        stage.unlist(keys::entry(keys::live(workflow, after.workflow_version), id));
    }
    if let Some(at) = after.finished_at {
        stage.list(keys::ended(at, id));
    }
}

fn queue_mail(stage: &mut Stage<'_>, mail: &QueuedMail) -> Result<(), StoreError> {
    stage.put(&keys::mail_time(mail.id), &mail.at)?;
    stage.put(&keys::mail(mail.at, mail.id), mail)
}

fn take_mail(stage: &mut Stage<'_>, id: MailId) -> Result<Option<QueuedMail>, StoreError> {
    let Some(at) = stage.record(&keys::mail_time(id))? else { return Ok(None) };
    let key = keys::mail(at, id);
    let mail = stage.record(&key)?;
    stage.remove(&key)?;
    stage.remove(&keys::mail_time(id))?;
    Ok(mail)
}

pub(crate) fn mail_sent(stage: &mut Stage<'_>, id: MailId) -> Result<(), StoreError> {
    take_mail(stage, id).map(drop)
}

pub(crate) fn mail_failed(
    stage: &mut Stage<'_>,
    id: MailId,
    at: Option<Timestamp>,
) -> Result<(), StoreError> {
    match (take_mail(stage, id)?, at) {
        (Some(mail), Some(at)) => {
            queue_mail(stage, &QueuedMail { at, failures: mail.failures.saturating_add(1), ..mail })
        }
        (Some(_) | None, None) | (None, Some(_)) => Ok(()),
    }
}

pub(crate) fn put_component(
    stage: &mut Stage<'_>,
    component: &ComponentRecord,
) -> Result<bool, StoreError> {
    let key = keys::component(&component.name);
    let before: Option<ComponentRecord> = stage.record(&key)?;
    if before.is_some_and(|before| before.digest == component.digest) {
        return Ok(false);
    }
    stage.put(&key, component)?;
    Ok(true)
}

pub(crate) fn delete_component(
    stage: &mut Stage<'_>,
    name: &ComponentName,
) -> Result<(), DeleteError> {
    let key = keys::component(name);
    let component: ComponentRecord = stage.record(&key)?.ok_or(DeleteError::NotFound)?;
    if let Some(user) = user_of(stage, |workflow| workflow.digests.contains(&component.digest))? {
        return Err(DeleteError::InUse(user));
    }
    Ok(stage.remove(&key)?)
}

pub(crate) fn put_token(stage: &mut Stage<'_>, token: &Token) -> Result<(), StoreError> {
    stage.put(&keys::token(token.id), token)
}

pub(crate) fn delete_token(stage: &mut Stage<'_>, id: TokenId) -> Result<(), DeleteError> {
    let key = keys::token(id);
    let _: Token = stage.record(&key)?.ok_or(DeleteError::NotFound)?;
    Ok(stage.remove(&key)?)
}

/// Who needs what `needs` looks for, in words: a live version, or one with executions under way.
fn user_of(
    stage: &Stage<'_>,
    needs: impl Fn(&Workflow) -> bool,
) -> Result<Option<String>, StoreError> {
    for key in stage.keys(&keys::all_workflow_versions(), usize::MAX)? {
        // The first part of a value stands for all of it.
        let Some(base) = key.strip_suffix(&[0, 0]) else { continue };
        let Some(workflow) = stage.record::<Workflow>(base)? else { continue };
        if !needs(&workflow) {
            continue;
        }
        let (name, version) = (&workflow.spec.name, workflow.version);
        if live_version(stage, name)? == Some(version) {
            return Ok(Some(format!("workflow {name}, version {version}")));
        }
        if stage.any_with_prefix(&keys::live(name, version))? {
            let user = format!("executions under way of workflow {name}, version {version}");
            return Ok(Some(user));
        }
    }
    Ok(None)
}

fn live_version(stage: &Stage<'_>, name: &WorkflowName) -> Result<Option<u32>, StoreError> {
    let head: Option<WorkflowHead> = stage.record(&keys::workflow_head(name))?;
    Ok(head.filter(|head| head.live).map(|head| head.latest))
}

pub(crate) fn put_workflow(
    stage: &mut Stage<'_>,
    workflow: NewWorkflow,
    now: Timestamp,
) -> Result<Deployed, StoreError> {
    let name = workflow.spec.name.clone();
    let head: Option<WorkflowHead> = stage.record(&keys::workflow_head(&name))?;
    if let Some(version) = head.as_ref().filter(|head| head.live).map(|head| head.latest) {
        let live: Option<Workflow> = stage.record(&keys::workflow_version(&name, version))?;
        if let Some(live) = live.filter(|live| workflow.is(live)) {
            // What it is granted follows from the operator's limits, too, and these may change.
            let live = Workflow { grants: workflow.grants, ..live };
            stage.put(&keys::workflow_version(&name, version), &live)?;
            return Ok(Deployed { workflow: live, created: false });
        }
    }
    let version = head.map_or(0, |head| head.latest).checked_add(1);
    let version = version.ok_or_else(|| {
        StoreError::Damaged(format!("workflow {name} has a version that it can't have come to"))
    })?;
    let workflow = workflow.deployed(version, now);
    stage.put(&keys::workflow_version(&name, version), &workflow)?;
    stage.put(&keys::workflow_head(&name), &WorkflowHead { latest: version, live: true })?;
    Ok(Deployed { workflow, created: true })
}

pub(crate) fn delete_workflow(
    stage: &mut Stage<'_>,
    name: &WorkflowName,
) -> Result<(), DeleteError> {
    let key = keys::workflow_head(name);
    let head: Option<WorkflowHead> = stage.record(&key)?;
    let head = head.filter(|head| head.live).ok_or(DeleteError::NotFound)?;
    Ok(stage.put(&key, &WorkflowHead { live: false, ..head })?)
}

pub(crate) fn put_secret(stage: &mut Stage<'_>, secret: &SecretRecord) -> Result<bool, StoreError> {
    let key = keys::secret(&secret.name);
    let before: Option<SecretRecord> = stage.record(&key)?;
    stage.put(&key, secret)?;
    Ok(before.is_none())
}

pub(crate) fn delete_secret(stage: &mut Stage<'_>, name: &SecretName) -> Result<(), DeleteError> {
    let key = keys::secret(name);
    let before: Option<SecretRecord> = stage.record(&key)?;
    before.ok_or(DeleteError::NotFound)?;
    if let Some(user) = user_of(stage, |workflow| workflow.spec.names_secret(name))? {
        return Err(DeleteError::InUse(user));
    }
    Ok(stage.remove(&key)?)
}

/// The number of the last commit.
pub(crate) fn last_commit(tree: &sled::Tree) -> Result<u64, StoreError> {
    let number = match tree.get(keys::meta("commit")).map_err(broken)? {
        Some(bytes) => from_json(&bytes)?,
        None => 0,
    };
    if number < COMMITS_MAX {
        return Ok(number);
    }
    Err(StoreError::Damaged(format!("it can't have come to commit {number}")))
}
