//! How many files and connections the process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is open beside connections to the server, at the most: the store, calls out, components.
const BESIDE: u64 = 2048;

/// Asks the system for as many open files as `connections` and all else may take. Systems give
/// 1024 to who does not ask, and clients who take all of them would leave none to the steps.
pub(super) fn make_room(connections: usize) {
    let wanted = BESIDE.saturating_add(connections as u64);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // None is without a limit.
    let Some(now) = current.filter(|now| *now < wanted) else { return };
    let more = maximum.map_or(wanted, |maximum| wanted.min(maximum));
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(more), maximum });
    if raised.is_err() || more < wanted {
        tracing::warn!(
            open_files = now.max(more),
            wanted,
            "the system allows few open files; raise its limit, or lower limits.connections_max"
        );
    }
}
