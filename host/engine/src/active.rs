//! Who is moved right now, and how many of each workflow.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use tokio::sync::Notify;
use waystation_core::{ExecutionId, WorkflowName};

/// Executions that a task of this engine moves right now.
#[derive(Default)]
pub(crate) struct Active {
    moved: HashMap<ExecutionId, Moved>,
    /// How many; a workflow with none is not in it.
    of_workflow: HashMap<WorkflowName, usize>,
}

struct Moved {
    workflow: WorkflowName,
    /// How to interrupt it.
    interrupt: Arc<Notify>,
}

impl Active {
    pub(crate) fn len(&self) -> usize {
        self.moved.len()
    }

    pub(crate) fn contains(&self, id: ExecutionId) -> bool {
        self.moved.contains_key(&id)
    }

    /// How many there are of the workflow.
    pub(crate) fn of(&self, workflow: &WorkflowName) -> usize {
        self.of_workflow.get(workflow).copied().unwrap_or_default()
    }

    /// The workflows of which there are `share` or more.
    pub(crate) fn with_share(&self, share: usize) -> Vec<WorkflowName> {
        let full = self.of_workflow.iter().filter(|(_, count)| **count >= share);
        full.map(|(workflow, _)| workflow.clone()).collect()
    }

    /// Adds one that is not there; how to interrupt it.
    pub(crate) fn add(&mut self, id: ExecutionId, workflow: WorkflowName) -> Arc<Notify> {
        let interrupt = Arc::new(Notify::new());
        *self.of_workflow.entry(workflow.clone()).or_default() += 1;
        self.moved.insert(id, Moved { workflow, interrupt: interrupt.clone() });
        interrupt
    }

    pub(crate) fn remove(&mut self, id: ExecutionId) {
        let Some(Moved { workflow, .. }) = self.moved.remove(&id) else { return };
        if let Entry::Occupied(mut count) = self.of_workflow.entry(workflow) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }

    /// Stops the run under way, if there is one.
    pub(crate) fn interrupt(&self, id: ExecutionId) {
        if let Some(moved) = self.moved.get(&id) {
            moved.interrupt.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_workflow_is_counted_for_itself_and_forgotten_at_none() {
        let (a, b): (WorkflowName, WorkflowName) = ("a".parse().unwrap(), "b".parse().unwrap());
        let id = |n: u8| ExecutionId::from_bytes([n; 16]);
        let mut active = Active::default();
        for (n, workflow) in [(1, &a), (2, &a), (3, &b)] {
            active.add(id(n), workflow.clone());
        }
        assert_eq!((active.len(), active.of(&a), active.of(&b)), (3, 2, 1));
        assert_eq!(active.with_share(3), []);
        assert_eq!(active.with_share(2), std::slice::from_ref(&a));
        active.remove(id(1));
        active.remove(id(1));
        assert_eq!((active.len(), active.of(&a)), (2, 1));
        active.remove(id(2));
        active.remove(id(3));
        assert!(active.of_workflow.is_empty() && active.moved.is_empty());
    }
}
