//! Who may look into this process.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Keeps what is in memory, keys among it, from files of crashes and from other processes of the
/// same user. Whoever is root, or has `CAP_SYS_PTRACE`, still sees it.
pub(super) fn keep_memory_private() {
    let closed = close_to_others();
    // A file of a crash is written elsewhere by some systems, which ask nothing but the former.
    let no_core = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    if closed.is_err() || no_core.is_err() {
        tracing::warn!(
            "the memory of this process can't be closed: a crash may leave keys in a file"
        );
    }
}

#[cfg(target_os = "linux")]
fn close_to_others() -> rustix::io::Result<()> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};

    set_dumpable_behavior(DumpableBehavior::NotDumpable)
}

#[cfg(not(target_os = "linux"))]
fn close_to_others() -> rustix::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use rustix::process::getrlimit;

    use super::*;

    #[test]
    fn memory_is_kept_private() {
        keep_memory_private();
        let Rlimit { current, maximum } = getrlimit(Resource::Core);
        assert_eq!((current, maximum), (Some(0), Some(0)));
        #[cfg(target_os = "linux")]
        assert_eq!(
            rustix::process::dumpable_behavior(),
            Ok(rustix::process::DumpableBehavior::NotDumpable)
        );
    }
}
