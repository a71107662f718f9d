//! The run failed: once more if its step's policy, or the host's own, says so; else the end.

use super::{Change, Rejected, Transition};
use crate::{Failure, FailureKind, Note, Pause, PauseKind, RetryPolicy, Run};

pub(super) fn fail(
    mut change: Change,
    run: &Run,
    compute_ms: u64,
    failure: Failure,
) -> Result<Transition, Rejected> {
    change.add_compute(compute_ms);
    let failures = run.failures.saturating_add(1);
    let asked_for = change.next.step(run.id.step).and_then(|step| step.retry.as_ref());
    let policy = policy(failure.kind, asked_for);
    match policy.filter(|policy| failure.retryable && failures < policy.attempts) {
        Some(policy) => {
            let deadline = change.now.plus_millis(policy.backoff_after(failures));
            let attempt = run.attempt.saturating_add(1);
            let next = Run { attempt, failures, ..run.clone() };
            change.note(Note::RetryAt { at: deadline });
            change.pause(Pause {
                id: run.id,
                kind: PauseKind::Retry { next },
                since: change.now,
                deadline,
                message: Some(failure.cut().message),
            });
        }
        None => {
            change.fail(run.id.step, failure);
            change.drop_early_call();
        }
    }
    Ok(change.done())
}

/// What the step asks for; of what was the host's fault, at least what the host allows itself.
fn policy(kind: FailureKind, asked_for: Option<&RetryPolicy>) -> Option<&RetryPolicy> {
    match (kind, asked_for) {
        (FailureKind::HostFault, asked_for) => {
            let hosts = &RetryPolicy::AFTER_HOST_FAULT;
            asked_for.filter(|asked| asked.attempts >= hosts.attempts).or(Some(hosts))
        }
        (_, asked_for) => asked_for,
    }
}
