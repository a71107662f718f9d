//! Where everything lies in the one tree. Numbers are big-endian and of fixed width, so that
//! byte order is their order; names end with a zero byte, which no name holds.
//!
//! | key | value |
//! |---|---|
//! | `e` execution | the execution, its number in `r`, and the digest of its idempotency key |
//! | `p` execution, payload u32 | a payload's JSON |
//! | `h` execution, seq u64 | a history entry |
//! | `l` execution, seq u64 | the log of the run whose end is that entry |
//! | `z` execution, step u16, run u32 | how a pause ended |
//! | `r` workflow 0, number u64, execution | since when (u64): a run is due or under way since that commit |
//! | `t` deadline u64, execution | step u16, run u32: the pause that ends then |
//! | `x` time u64, execution | – (who ended when) |
//! | `w` workflow 0, execution | – (list by workflow) |
//! | `s` status u8, execution | – (list by status) |
//! | `b` workflow 0, status u8, execution | – (list by both) |
//! | `a` workflow 0, version u32, execution | – (executions that have not ended) |
//! | `d` execution | – (it is being removed) |
//! | `k` workflow 0, SHA-256 of the idempotency key | the execution |
//! | `q` time u64, execution, seq u64, index u16 | a queued mail |
//! | `i` execution, seq u64, index u16 | the time a mail is listed under in `q` |
//! | `c` component name 0 | a component record |
//! | `u` token id | a token of the API, its secret as a digest |
//! | `f` workflow 0, version u32 | a workflow version |
//! | `n` workflow 0 | its latest version, and whether that is live |
//! | `v` secret name 0 | a secret, sealed |
//! | `m` word | the store's own: `format`, and `commit`, the number of the last commit |
//!
//! Keys of JSON records and payloads are followed by the part's number (u16): see `value.rs`.

use waystation_core::{
    ComponentName, Digest, ExecutionId, PauseId, PayloadId, SecretName, Status, Timestamp, TokenId,
    WorkflowName,
};
use waystation_store::MailId;

pub(crate) type Key = Vec<u8>;

/// The tags of values that are cut into parts.
pub(crate) const CUT: &[u8] = b"ehiklnpqzcufv";

fn key(tag: u8, parts: &[&[u8]]) -> Key {
    let mut key = vec![tag];
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}

pub(crate) fn execution(id: ExecutionId) -> Key {
    key(b'e', &[id.as_bytes()])
}

pub(crate) fn executions() -> Key {
    key(b'e', &[])
}

pub(crate) fn payload(id: ExecutionId, payload: PayloadId) -> Key {
    key(b'p', &[id.as_bytes(), &payload.0.to_be_bytes()])
}

pub(crate) fn history(id: ExecutionId) -> Key {
    key(b'h', &[id.as_bytes()])
}

pub(crate) fn history_entry(id: ExecutionId, seq: u64) -> Key {
    key(b'h', &[id.as_bytes(), &seq.to_be_bytes()])
}

pub(crate) fn logs(id: ExecutionId) -> Key {
    key(b'l', &[id.as_bytes()])
}

pub(crate) fn log(id: ExecutionId, seq: u64) -> Key {
    key(b'l', &[id.as_bytes(), &seq.to_be_bytes()])
}

/// The number at the end of a key of `h` or `l`.
pub(crate) fn read_seq(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>().map(|seq| u64::from_be_bytes(*seq))
}

pub(crate) fn payloads(id: ExecutionId) -> Key {
    key(b'p', &[id.as_bytes()])
}

pub(crate) fn pause_ends(id: ExecutionId) -> Key {
    key(b'z', &[id.as_bytes()])
}

pub(crate) fn mails_of(id: ExecutionId) -> Key {
    key(b'i', &[id.as_bytes()])
}

pub(crate) fn pause_end(id: ExecutionId, pause: PauseId) -> Key {
    key(b'z', &[id.as_bytes(), &pause.step.to_be_bytes(), &pause.run.to_be_bytes()])
}

/// `time`, then the execution: an entry of an index by time, or by the number of a commit.
fn entry_at(tag: u8, number: u64, id: ExecutionId) -> Key {
    key(tag, &[&number.to_be_bytes(), id.as_bytes()])
}

/// The number and the execution in a key of such an index.
pub(crate) fn read_entry_at(key: &[u8]) -> Option<(u64, ExecutionId)> {
    let (number, id) = key.get(1..)?.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*number), ExecutionId::from_bytes(id.try_into().ok()?)))
}

pub(crate) fn ready_of(workflow: &WorkflowName) -> Key {
    key(b'r', &[workflow.as_str().as_bytes(), &[0]])
}

/// Where the workflows begin that come after this one.
pub(crate) fn ready_past(workflow: &WorkflowName) -> Key {
    key(b'r', &[workflow.as_str().as_bytes(), &[1]])
}

pub(crate) fn ready(workflow: &WorkflowName, number: u64, id: ExecutionId) -> Key {
    key(b'r', &[workflow.as_str().as_bytes(), &[0], &number.to_be_bytes(), id.as_bytes()])
}

/// The workflow, the number and the execution in a key of `r`.
pub(crate) fn read_ready(key: &[u8]) -> Option<(WorkflowName, u64, ExecutionId)> {
    let (name, id) = key.get(1..)?.split_last_chunk::<16>()?;
    let (name, number) = name.split_last_chunk::<8>()?;
    let name = std::str::from_utf8(name.strip_suffix(&[0])?).ok()?;
    Some((name.parse().ok()?, u64::from_be_bytes(*number), ExecutionId::from_bytes(*id)))
}

/// What all entries of `r` begin with in the format `waystation-2`, and none of this one: `r`
/// number, execution. No database comes to 2^56 commits, and no name begins with a zero byte.
pub(crate) fn former_ready() -> Key {
    key(b'r', &[&[0]])
}

/// Where the entries of `r` begin that are of this format.
pub(crate) fn ready_begins() -> Key {
    key(b'r', &[&[1]])
}

pub(crate) fn deadlines() -> Key {
    key(b't', &[])
}

pub(crate) fn deadline(at: Timestamp, id: ExecutionId) -> Key {
    entry_at(b't', at.as_millis(), id)
}

/// The value of a deadline's entry.
pub(crate) fn pause_bytes(pause: PauseId) -> [u8; 6] {
    let ([s0, s1], [r0, r1, r2, r3]) = (pause.step.to_be_bytes(), pause.run.to_be_bytes());
    [s0, s1, r0, r1, r2, r3]
}

pub(crate) fn read_pause(bytes: &[u8]) -> Option<PauseId> {
    let [s0, s1, r0, r1, r2, r3] = *<&[u8; 6]>::try_from(bytes).ok()?;
    let (step, run) = (u16::from_be_bytes([s0, s1]), u32::from_be_bytes([r0, r1, r2, r3]));
    Some(PauseId { step, run })
}

pub(crate) fn all_ended() -> Key {
    key(b'x', &[])
}

pub(crate) fn ended(at: Timestamp, id: ExecutionId) -> Key {
    entry_at(b'x', at.as_millis(), id)
}

/// Where the executions begin that ended at `at` or later.
pub(crate) fn ended_since(at: Timestamp) -> Key {
    key(b'x', &[&at.as_millis().to_be_bytes()])
}

pub(crate) fn all_removals() -> Key {
    key(b'd', &[])
}

pub(crate) fn removal(id: ExecutionId) -> Key {
    key(b'd', &[id.as_bytes()])
}

pub(crate) fn by_workflow(workflow: &WorkflowName) -> Key {
    key(b'w', &[workflow.as_str().as_bytes(), &[0]])
}

pub(crate) fn by_status(status: Status) -> Key {
    key(b's', &[&[status_code(status)]])
}

pub(crate) fn by_both(workflow: &WorkflowName, status: Status) -> Key {
    key(b'b', &[workflow.as_str().as_bytes(), &[0, status_code(status)]])
}

pub(crate) fn live(workflow: &WorkflowName, version: u32) -> Key {
    key(b'a', &[workflow.as_str().as_bytes(), &[0], &version.to_be_bytes()])
}

/// `list` and the execution: an entry of an index.
pub(crate) fn entry(mut list: Key, id: ExecutionId) -> Key {
    list.extend_from_slice(id.as_bytes());
    list
}

/// The execution at the end of an index's key.
pub(crate) fn read_entry(key: &[u8]) -> Option<ExecutionId> {
    key.last_chunk::<16>().map(|id| ExecutionId::from_bytes(*id))
}

pub(crate) fn idempotency(workflow: &WorkflowName, idempotency_key: &Digest) -> Key {
    key(b'k', &[workflow.as_str().as_bytes(), &[0], idempotency_key.as_bytes()])
}

pub(crate) fn mails() -> Key {
    key(b'q', &[])
}

pub(crate) fn mail(at: Timestamp, id: MailId) -> Key {
    let MailId { execution, seq, index } = id;
    let at = at.as_millis().to_be_bytes();
    key(b'q', &[&at, execution.as_bytes(), &seq.to_be_bytes(), &index.to_be_bytes()])
}

pub(crate) fn mail_time(id: MailId) -> Key {
    let MailId { execution, seq, index } = id;
    key(b'i', &[execution.as_bytes(), &seq.to_be_bytes(), &index.to_be_bytes()])
}

pub(crate) fn components() -> Key {
    key(b'c', &[])
}

pub(crate) fn component(name: &ComponentName) -> Key {
    key(b'c', &[name.as_str().as_bytes(), &[0]])
}

pub(crate) fn tokens() -> Key {
    key(b'u', &[])
}

pub(crate) fn token(id: TokenId) -> Key {
    key(b'u', &[id.as_bytes()])
}

pub(crate) fn workflow_versions(name: &WorkflowName) -> Key {
    key(b'f', &[name.as_str().as_bytes(), &[0]])
}

pub(crate) fn all_workflow_versions() -> Key {
    key(b'f', &[])
}

pub(crate) fn workflow_version(name: &WorkflowName, version: u32) -> Key {
    key(b'f', &[name.as_str().as_bytes(), &[0], &version.to_be_bytes()])
}

pub(crate) fn workflow_heads() -> Key {
    key(b'n', &[])
}

pub(crate) fn workflow_head(name: &WorkflowName) -> Key {
    key(b'n', &[name.as_str().as_bytes(), &[0]])
}

pub(crate) fn secrets() -> Key {
    key(b'v', &[])
}

pub(crate) fn secret(name: &SecretName) -> Key {
    key(b'v', &[name.as_str().as_bytes(), &[0]])
}

pub(crate) fn meta(word: &str) -> Key {
    key(b'm', &[word.as_bytes()])
}

fn status_code(status: Status) -> u8 {
    match status {
        Status::Queued => 0,
        Status::Running => 1,
        Status::Suspended => 2,
        Status::Completed => 3,
        Status::Failed => 4,
        Status::Canceled => 5,
    }
}
