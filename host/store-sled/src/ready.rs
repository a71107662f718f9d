//! Who is ready, over all workflows in one order.
//!
//! Each workflow has a line of its own, so that one can be left out whatever its length. What
//! the lines have in front is compared; the one that came first is taken, and the next in its
//! line comes to the front. That takes one look for each workflow with anybody ready, and one
//! for each that is taken.

use std::collections::BTreeMap;

use waystation_core::{ExecutionId, Timestamp, WorkflowName};
use waystation_store::{Ready, ReadyCounts, StoreError};

use crate::keys;
use crate::store::odd_entry;
use crate::view::broken;

/// A workflow's line.
struct Line {
    workflow: WorkflowName,
    /// Since when the one in front is ready.
    since: Timestamp,
    behind: sled::Iter,
}

/// Lines by who is in front: number and execution.
type Lines = BTreeMap<(u64, ExecutionId), Line>;

/// How many are ready. An entry that is none counts as nobody: reading the list says what it is.
pub(crate) fn count(tree: &sled::Tree) -> Result<ReadyCounts, StoreError> {
    let mut counts = ReadyCounts::default();
    for entry in tree.range(keys::ready_begins()..) {
        let (key, _) = entry.map_err(broken)?;
        if key.first() != Some(&b'r') {
            break;
        }
        if let Some((workflow, ..)) = keys::read_ready(&key) {
            counts.add(&workflow);
        }
    }
    Ok(counts)
}

/// The first `limit` that are ready, those of `except` left out.
pub(crate) fn first(
    tree: &sled::Tree,
    limit: usize,
    except: &[WorkflowName],
) -> Result<Vec<Ready>, StoreError> {
    let mut lines = lines(tree, except)?;
    let mut ready = Vec::new();
    while ready.len() < limit
        && let Some(((_, id), Line { workflow, since, behind })) = lines.pop_first()
    {
        ready.push(Ready { id, workflow: workflow.clone(), since });
        bring_forward(&mut lines, workflow, behind)?;
    }
    Ok(ready)
}

fn lines(tree: &sled::Tree, except: &[WorkflowName]) -> Result<Lines, StoreError> {
    let mut lines = Lines::new();
    let mut from = keys::ready_begins();
    while let Some(front) = tree.range(from..).next() {
        let (key, _) = front.map_err(broken)?;
        if key.first() != Some(&b'r') {
            break;
        }
        let (workflow, ..) = keys::read_ready(&key).ok_or_else(|| odd_entry("r"))?;
        from = keys::ready_past(&workflow);
        if !except.contains(&workflow) {
            let line = tree.scan_prefix(keys::ready_of(&workflow));
            bring_forward(&mut lines, workflow, line)?;
        }
    }
    Ok(lines)
}

/// Puts the line in its place by the one that is now in front, if there is one.
fn bring_forward(
    lines: &mut Lines,
    workflow: WorkflowName,
    mut line: sled::Iter,
) -> Result<(), StoreError> {
    let Some(front) = line.next() else { return Ok(()) };
    let (key, since) = front.map_err(broken)?;
    let read = keys::read_ready(&key).zip(since.first_chunk::<8>());
    let ((_, number, id), since) = read.ok_or_else(|| odd_entry("r"))?;
    let since = Timestamp::from_millis(u64::from_be_bytes(*since));
    lines.insert((number, id), Line { workflow, since, behind: line });
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn name(name: &str) -> WorkflowName {
        name.parse().unwrap()
    }

    /// Ids go down as numbers go up: nothing is in order by its id.
    fn id(number: u64) -> ExecutionId {
        ExecutionId::from_parts(1_000_000 - number, [7; 10])
    }

    fn list(tree: &sled::Tree, workflow: &WorkflowName, number: u64) {
        let since = [0; 8];
        tree.insert(keys::ready(workflow, number, id(number)), &since).unwrap();
    }

    fn numbers(ready: &[Ready]) -> Vec<ExecutionId> {
        ready.iter().map(|one| one.id).collect()
    }

    #[test]
    fn the_order_is_that_of_numbers_over_many_lines() {
        let db = sled::Config::new().temporary(true).open().unwrap();
        db.insert(b"q", b"before it").unwrap();
        db.insert(b"s", b"behind it").unwrap();
        // 256 executions each of 20 workflows, dealt out in turn.
        for number in 0..5120 {
            list(&db, &name(&format!("w{}", number * 7 % 20)), number);
        }
        let all = first(&db, usize::MAX, &[]).unwrap();
        assert_eq!(numbers(&all), (0..5120).map(id).collect::<Vec<_>>());
        assert_eq!(numbers(&first(&db, 33, &[]).unwrap()), numbers(&all)[..33]);
    }

    #[test]
    fn whoever_is_left_out_costs_nothing() {
        let db = sled::Config::new().temporary(true).open().unwrap();
        let (flood, other) = (name("flood"), name("other"));
        for number in 0..100_000 {
            list(&db, &flood, number);
        }
        list(&db, &other, 100_000);
        let started = Instant::now();
        for _ in 0..500 {
            let found = first(&db, 34, std::slice::from_ref(&flood)).unwrap();
            assert_eq!(numbers(&found), [id(100_000)]);
        }
        // To read past all of them so often takes half a minute.
        let took = started.elapsed();
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
}
