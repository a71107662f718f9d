//! Does everything that is stored fit together?
//!
//! A snapshot is read once, from the marks of removals and the executions on: so what each
//! execution has to have elsewhere is known before it is come upon. Whatever is not expected
//! is an orphan, and what is expected and never comes is missing. Of an expected key a hash of 64
//! bits is kept, and whose it is: some 500 bytes an execution while the check lasts.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{Hash, Hasher};

use serde::Serialize;
use serde::de::DeserializeOwned;
use waystation_core::{Digest, Execution, ExecutionId, Token, Workflow};
use waystation_store::{ComponentRecord, QueuedMail, SecretRecord};

use crate::files::ComponentFiles;
use crate::keys::{self, Key};
use crate::snapshot::StoreEntry;
use crate::value;
use crate::view::from_json;
use crate::write::{StoredExecution, WorkflowHead};

/// Problems that a report names; there may be more.
const PROBLEMS_MAX: usize = 100;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// Executions that are stored.
    pub executions: u64,
    /// Entries of the database.
    pub entries: u64,
    /// What does not fit together, in words; at most a hundred.
    pub problems: Vec<String>,
}

/// A check under way.
#[derive(Default)]
pub(crate) struct Check {
    report: CheckReport,
    /// A value whose parts are not all there yet.
    parts: Option<Parts>,
    /// Being removed: what else there is of them is no orphan.
    removals: BTreeSet<ExecutionId>,
    executions: HashMap<ExecutionId, History>,
    /// Keys that have to come, and whose they are.
    expected: HashMap<u64, (char, ExecutionId)>,
    /// Mails that have to come, by the hash of their key.
    mails: HashSet<u64>,
    workflows: HashMap<Key, u32>,
    digests: BTreeSet<Digest>,
}

/// How far an execution's history has come.
#[derive(Clone, Copy)]
struct History {
    version: u64,
    seen: u64,
}

struct Parts {
    key: Key,
    bytes: Vec<u8>,
    /// All of them, its head included.
    length: usize,
    count: u16,
}

fn hash(key: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

fn id_at_start(key: &[u8]) -> Option<ExecutionId> {
    let id = key.get(1..)?.first_chunk::<16>()?;
    Some(ExecutionId::from_bytes(*id))
}

impl Check {
    /// Takes the next entries of the snapshot.
    pub(crate) fn entries(&mut self, entries: &[StoreEntry]) {
        for (key, bytes) in entries {
            self.report.entries += 1;
            match key.first() {
                Some(b'd') => self.removals.extend(keys::read_entry(key)),
                Some(b'r' | b't' | b'x' | b'w' | b's' | b'b' | b'a') => self.index_entry(key),
                Some(b'm') => {}
                Some(tag) if keys::CUT.contains(tag) => self.part(key, bytes),
                _ => self.problem(format!("an entry of an unknown kind: {}", shown(key))),
            }
        }
    }

    fn problem(&mut self, text: String) {
        if self.report.problems.len() < PROBLEMS_MAX {
            self.report.problems.push(text);
        }
    }

    fn index_entry(&mut self, key: &[u8]) {
        if self.expected.remove(&hash(key)).is_none() {
            self.problem(format!("an entry of an index that leads nowhere: {}", shown(key)));
        }
    }

    fn expect(&mut self, index: char, id: ExecutionId, key: &[u8]) {
        self.expected.insert(hash(key), (index, id));
    }

    fn part(&mut self, key: &[u8], bytes: &[u8]) {
        let number = key.last_chunk::<2>().map(|number| u16::from_be_bytes(*number));
        let base = key.len().checked_sub(2).and_then(|length| key.get(..length));
        let (Some(number), Some(base)) = (number, base) else {
            return self.problem(format!("a key that is too short: {}", shown(key)));
        };
        match self.parts.take() {
            Some(mut parts) if parts.key == base && parts.count == number => {
                parts.bytes.extend_from_slice(bytes);
                parts.count += 1;
                self.value_or_wait(parts);
            }
            unfinished => {
                self.unfinished(unfinished);
                match value::length(bytes) {
                    Ok(length) if number == 0 => {
                        let (key, bytes) = (base.to_vec(), bytes.to_vec());
                        self.value_or_wait(Parts { key, bytes, length, count: 1 });
                    }
                    _ => self.problem(format!("a part of no value: {}", shown(key))),
                }
            }
        }
    }

    fn unfinished(&mut self, parts: Option<Parts>) {
        if let Some(parts) = parts {
            self.problem(format!("a value that lacks a part: {}", shown(&parts.key)));
        }
    }

    fn value_or_wait(&mut self, parts: Parts) {
        if parts.count < value::parts(parts.length) {
            self.parts = Some(parts);
            return;
        }
        let Parts { key, bytes, .. } = parts;
        let (first, rest) = bytes.split_at(bytes.len().min(value::PART_BYTES_MAX));
        let value = value::decode(first, |part| {
            let start = (usize::from(part) - 1) * value::PART_BYTES_MAX;
            let rest = rest.get(start..).unwrap_or_default();
            Ok(Some(rest.get(..value::PART_BYTES_MAX).unwrap_or(rest).into()))
        });
        match value {
            Ok(value) => self.value(&key, &value),
            Err(error) => self.problem(format!("{}: {error}", shown(&key))),
        }
    }

    fn value(&mut self, key: &[u8], value: &[u8]) {
        match key.first() {
            Some(b'e') => self.read(key, value, Check::execution),
            Some(b'h') => self.history(key),
            Some(b'p' | b'k') => self.payload_or_key(key),
            Some(b'l' | b'z') => self.belongs(key),
            Some(b'i') => self.read(key, value, Check::mail_time),
            Some(b'q') => self.read(key, value, Check::mail),
            Some(b'c') => self.read(key, value, Check::component),
            Some(b'u') => self.read(key, value, Check::token),
            Some(b'f') => self.read(key, value, Check::workflow),
            Some(b'n') => self.read(key, value, Check::head),
            Some(b'v') => self.read(key, value, Check::secret),
            _ => {}
        }
    }

    fn read<T: DeserializeOwned>(
        &mut self,
        key: &[u8],
        value: &[u8],
        check: fn(&mut Check, &[u8], T),
    ) {
        match from_json(value) {
            Ok(record) => check(self, key, record),
            Err(error) => self.problem(format!("{}: {error}", shown(key))),
        }
    }

    fn execution(&mut self, key: &[u8], stored: StoredExecution) {
        let StoredExecution { ready, idempotency_key, execution } = stored;
        let id = execution.id;
        self.report.executions += 1;
        if keys::execution(id) != key {
            self.problem(format!("execution {id} is stored as another one"));
        }
        self.executions.insert(id, History { version: execution.version, seen: 0 });
        self.expect_lists(&execution);
        match (ready, execution.status().is_terminal(), execution.pause()) {
            (Some(number), false, None) => {
                self.expect('r', id, &keys::ready(&execution.workflow, number, id));
            }
            (None, false, Some(pause)) => {
                self.expect('t', id, &keys::deadline(pause.deadline, id));
            }
            (None, true, None) => {}
            _ => self.problem(format!("execution {id} is ready and is not, both")),
        }
        if let Some(idempotency_key) = idempotency_key {
            let key = keys::idempotency(&execution.workflow, &idempotency_key);
            self.expect('k', id, &key);
        }
        for payload in execution.payloads() {
            self.expect('p', id, &keys::payload(id, payload));
        }
    }

    fn expect_lists(&mut self, execution: &Execution) {
        let (id, workflow, status) = (execution.id, &execution.workflow, execution.status());
        self.expect('w', id, &keys::entry(keys::by_workflow(workflow), id));
        self.expect('s', id, &keys::entry(keys::by_status(status), id));
        self.expect('b', id, &keys::entry(keys::by_both(workflow, status), id));
        match execution.finished_at {
            Some(at) => self.expect('x', id, &keys::ended(at, id)),
            None => {
                let live = keys::live(workflow, execution.workflow_version);
                self.expect('a', id, &keys::entry(live, id));
            }
        }
    }

    fn history(&mut self, key: &[u8]) {
        let Some(id) = id_at_start(key) else { return };
        let seq = key.last_chunk::<8>().map_or(0, |seq| u64::from_be_bytes(*seq));
        match self.executions.get_mut(&id) {
            Some(history) if history.seen + 1 == seq => history.seen = seq,
            Some(history) => {
                let text = format!("the history of {id} goes from {} to {seq}", history.seen);
                history.seen = seq;
                self.problem(text);
            }
            None => self.belongs(key),
        }
    }

    fn payload_or_key(&mut self, key: &[u8]) {
        if self.expected.remove(&hash(key)).is_none() {
            self.belongs_to_removed(key);
        }
    }

    /// What belongs to an execution without being named by it.
    fn belongs(&mut self, key: &[u8]) {
        if !id_at_start(key).is_some_and(|id| self.executions.contains_key(&id)) {
            self.belongs_to_removed(key);
        }
    }

    fn belongs_to_removed(&mut self, key: &[u8]) {
        if !id_at_start(key).is_some_and(|id| self.removals.contains(&id)) {
            self.problem(format!("an orphan: {}", shown(key)));
        }
    }

    fn mail_time(&mut self, key: &[u8], at: waystation_core::Timestamp) {
        // Their keys are those of the mails, but for the time.
        let mut mail = vec![b'q'];
        mail.extend_from_slice(&at.as_millis().to_be_bytes());
        mail.extend_from_slice(key.get(1..).unwrap_or_default());
        self.mails.insert(hash(&mail));
    }

    fn mail(&mut self, key: &[u8], mail: QueuedMail) {
        if !self.mails.remove(&hash(key)) || keys::mail(mail.at, mail.id) != key {
            self.problem(format!("a mail that leads nowhere: {}", shown(key)));
        }
    }

    fn component(&mut self, _: &[u8], component: ComponentRecord) {
        self.digests.insert(component.digest);
    }

    fn token(&mut self, key: &[u8], token: Token) {
        if keys::token(token.id) != key {
            self.problem(format!("token {} is stored as another one", token.id));
        }
    }

    fn workflow(&mut self, key: &[u8], workflow: Workflow) {
        let name = &workflow.spec.name;
        if keys::workflow_version(name, workflow.version) != key {
            self.problem(format!("workflow {name} is stored as another one"));
        }
        let latest = self.workflows.entry(keys::workflow_head(name)).or_default();
        *latest = workflow.version.max(*latest);
        self.digests.extend(workflow.digests);
    }

    fn head(&mut self, key: &[u8], head: WorkflowHead) {
        // All versions come before it: `f` before `n` from `d` on.
        if self.workflows.remove(key) != Some(head.latest) {
            self.problem(format!("a workflow whose latest version is not there: {}", shown(key)));
        }
    }

    fn secret(&mut self, key: &[u8], secret: SecretRecord) {
        if keys::secret(&secret.name) != key {
            self.problem(format!("secret {} is stored as another one", secret.name));
        }
    }

    /// What has not come by now is missing.
    pub(crate) fn finish(mut self, files: &ComponentFiles) -> CheckReport {
        let unfinished = self.parts.take();
        self.unfinished(unfinished);
        for (index, id) in std::mem::take(&mut self.expected).into_values() {
            self.problem(format!("execution {id} lacks its entry under {index:?}"));
        }
        for (id, History { version, seen }) in std::mem::take(&mut self.executions) {
            if version != seen {
                self.problem(format!("the history of {id} ends at {seen} and not at {version}"));
            }
        }
        if !self.mails.is_empty() {
            self.problem(format!("{} mails are not there", self.mails.len()));
        }
        if !self.workflows.is_empty() {
            self.problem(format!("{} workflows lead nowhere", self.workflows.len()));
        }
        for digest in std::mem::take(&mut self.digests) {
            if let Err(error) = files.get(digest) {
                self.problem(format!("component {digest}: {error}"));
            }
        }
        self.report
    }
}

/// A key as people can read it: its tag, and the rest in hex digits.
fn shown(key: &[u8]) -> String {
    let (tag, rest) = key.split_first().unwrap_or((&b'?', &[]));
    let rest: String = rest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{} {rest}", char::from(*tag))
}
