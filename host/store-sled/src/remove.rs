//! Removes executions that have ended, in commits of bounded size.
//!
//! The first commit takes an execution out of every list and answer, and leaves a mark that it
//! is being removed. The commits after it take away what else is stored for it, and at last
//! the mark. A crash in between leaves the mark, and the next removal goes on from there.

use waystation_core::{ExecutionId, Timestamp};
use waystation_store::StoreError;

use crate::keys;
use crate::view::{Read as _, Stage};
use crate::write::StoredExecution;

/// Executions that one commit takes out of the lists.
pub(crate) const EXECUTIONS_MAX: usize = 64;

/// Executions that one commit looks at: some may have to stay.
const LOOKED_AT_MAX: usize = 1000;

/// Keys that one commit takes away.
const KEYS_MAX: usize = 500;

/// Takes out those that ended before `before`, the first to end first, at most `limit`, and
/// leaves their marks. One that has a mail to send stays.
pub(crate) fn begin(
    stage: &mut Stage<'_>,
    before: Timestamp,
    limit: usize,
) -> Result<usize, StoreError> {
    let mut gone = 0;
    let end = keys::ended_since(before);
    let over = |key: &[u8]| key >= end.as_slice();
    for key in stage.keys_until(&keys::all_ended(), over, LOOKED_AT_MAX)? {
        let Some((_, id)) = keys::read_entry_at(&key) else { continue };
        if gone >= limit.min(EXECUTIONS_MAX) {
            break;
        }
        if !stage.any_with_prefix(&keys::mails_of(id))? {
            take_out(stage, id)?;
            stage.unlist(key);
            stage.list(keys::removal(id));
            gone += 1;
        }
    }
    Ok(gone)
}

fn take_out(stage: &mut Stage<'_>, id: ExecutionId) -> Result<(), StoreError> {
    let stored: Option<StoredExecution> = stage.record(&keys::execution(id))?;
    let Some(StoredExecution { idempotency_key, execution, .. }) = stored else { return Ok(()) };
    let (workflow, status) = (&execution.workflow, execution.status());
    stage.remove(&keys::execution(id))?;
    stage.unlist(keys::entry(keys::by_workflow(workflow), id));
    stage.unlist(keys::entry(keys::by_status(status), id));
    stage.unlist(keys::entry(keys::by_both(workflow, status), id));
    match idempotency_key {
        Some(key) => stage.remove(&keys::idempotency(workflow, &key)),
        None => Ok(()),
    }
}

/// Takes away a part of what marked executions left. `false`: there is none any more.
pub(crate) fn go_on(stage: &mut Stage<'_>) -> Result<bool, StoreError> {
    let Some(mark) = stage.keys(&keys::all_removals(), 1)?.pop() else { return Ok(false) };
    let Some(id) = keys::read_entry(&mark) else { return Ok(false) };
    let mut room = KEYS_MAX;
    for prefix in [keys::payloads(id), keys::history(id), keys::logs(id), keys::pause_ends(id)] {
        let keys = stage.keys(&prefix, room)?;
        room -= keys.len();
        keys.into_iter().for_each(|key| stage.unlist(key));
    }
    if room > 0 {
        stage.unlist(mark);
    }
    Ok(true)
}
