//! How many may be ready, so that one more is accepted.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use waystation_core::WorkflowName;

/// The room that there has to be for one more execution: so many may be ready before it, those
/// with a run under way included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Of its workflow, fewer than these.
    pub of_workflow: usize,
    /// Of all workflows together, fewer than these.
    pub of_all: usize,
    /// What a workflow has beyond these does not count among all: it came without being asked,
    /// and is no other's fault.
    pub of_each: usize,
}

impl Room {
    /// There is none.
    pub const NONE: Room = Room { of_workflow: 0, of_all: 0, of_each: 0 };

    /// There is always room.
    pub const ANY: Room = Room { of_workflow: usize::MAX, of_all: usize::MAX, of_each: usize::MAX };
}

/// Where there was no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoom {
    /// The workflow has as many as it may.
    OfWorkflow,
    /// All together are as many as they may be.
    OfAll,
}

/// How many are ready, of each workflow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadyCounts {
    /// A workflow with none is not in it.
    of_workflow: HashMap<WorkflowName, usize>,
    all: usize,
}

impl ReadyCounts {
    /// One more of the workflow is ready.
    pub fn add(&mut self, workflow: &WorkflowName) {
        *self.of_workflow.entry(workflow.clone()).or_default() += 1;
        self.all += 1;
    }

    /// One less is.
    pub fn remove(&mut self, workflow: &WorkflowName) {
        let Entry::Occupied(mut count) = self.of_workflow.entry(workflow.clone()) else { return };
        *count.get_mut() -= 1;
        self.all -= 1;
        if *count.get() == 0 {
            count.remove();
        }
    }

    /// Is there `room` for one more of the workflow?
    ///
    /// # Errors
    ///
    /// No; and where not.
    pub fn check(&self, workflow: &WorkflowName, room: &Room) -> Result<(), NoRoom> {
        let of_workflow = self.of_workflow.get(workflow).copied().unwrap_or_default();
        if of_workflow >= room.of_workflow {
            return Err(NoRoom::OfWorkflow);
        }
        // Only where it looks full each workflow is looked at.
        if self.all >= room.of_all && self.within(room.of_each) >= room.of_all {
            return Err(NoRoom::OfAll);
        }
        Ok(())
    }

    /// How many are ready when no workflow counts for more than `of_each`.
    fn within(&self, of_each: usize) -> usize {
        self.of_workflow.values().map(|count| of_each.min(*count)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> WorkflowName {
        name.parse().unwrap()
    }

    fn counts(of: &[(&str, usize)]) -> ReadyCounts {
        let mut counts = ReadyCounts::default();
        for (workflow, count) in of {
            (0..*count).for_each(|_| counts.add(&name(workflow)));
        }
        counts
    }

    #[test]
    fn a_workflow_has_room_up_to_its_edge_and_others_beside_it() {
        let counts = counts(&[("a", 3)]);
        let room = |of_workflow| Room { of_workflow, ..Room::ANY };
        assert_eq!(counts.check(&name("a"), &room(4)), Ok(()));
        assert_eq!(counts.check(&name("a"), &room(3)), Err(NoRoom::OfWorkflow));
        assert_eq!(counts.check(&name("b"), &room(3)), Ok(()));
        assert_eq!(counts.check(&name("b"), &room(0)), Err(NoRoom::OfWorkflow));
    }

    #[test]
    fn all_have_room_up_to_their_edge() {
        let counts = counts(&[("a", 3), ("b", 2)]);
        let room = |of_all| Room { of_all, ..Room::ANY };
        assert_eq!(counts.check(&name("c"), &room(6)), Ok(()));
        assert_eq!(counts.check(&name("c"), &room(5)), Err(NoRoom::OfAll));
        let both = Room { of_workflow: 3, ..room(5) };
        assert_eq!(counts.check(&name("a"), &both), Err(NoRoom::OfWorkflow));
    }

    #[test]
    fn what_a_workflow_has_beyond_its_part_does_not_count_among_all() {
        let counts = counts(&[("a", 100), ("b", 2)]);
        let room = |of_all| Room { of_all, of_each: 3, ..Room::ANY };
        assert_eq!(counts.check(&name("b"), &room(6)), Ok(()));
        assert_eq!(counts.check(&name("b"), &room(5)), Err(NoRoom::OfAll));
    }

    #[test]
    fn who_goes_leaves_room_and_nothing_else() {
        let mut counts = counts(&[("a", 1), ("b", 1)]);
        counts.remove(&name("a"));
        counts.remove(&name("a"));
        assert_eq!(counts, self::counts(&[("b", 1)]));
        counts.remove(&name("b"));
        assert_eq!(counts, ReadyCounts::default());
    }
}
