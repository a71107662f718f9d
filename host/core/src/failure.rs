//! Why a run, and with it an execution, failed.

use serde::{Deserialize, Serialize};

use crate::{Limits, StepName};

/// What sort of thing went wrong. A program may branch on it; people read the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The guest returned a failure: its own exception.
    GuestError,
    /// The guest trapped.
    GuestTrap,
    /// The guest called `exit` of the command-line world.
    GuestExit,
    /// More processor time than allowed.
    CpuLimit,
    /// Still running when its time was over.
    TimeLimit,
    /// More memory than allowed.
    MemoryLimit,
    /// Recursion too deep.
    StackOverflow,
    /// More resources of the host's held than allowed.
    ResourceLimit,
    /// Too much data in one call of the host's.
    HostCallLimit,
    /// The return value is larger than allowed.
    OutputLimit,
    /// The return value is not JSON.
    InvalidOutput,
    /// All the execution's data together is larger than allowed.
    DataLimit,
    /// One step wanted more runs than allowed.
    RunLimit,
    /// A template in the step's props could not be filled in.
    Template,
    /// The component could not be loaded or linked.
    Component,
    /// Nobody resumed a `suspend` whose `on_timeout` is `fail`.
    PauseTimeout,
    /// The host died under the run, again and again.
    HostFault,
    /// A secret that the step names is not there, can't be opened, or is not for it.
    Secret,
}

/// One run's failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What sort.
    pub kind: FailureKind,
    /// The error's class, such as `TypeError`.
    pub name: String,
    /// What happened, for people.
    pub message: String,
    /// The guest's own stack trace.
    pub stack: Option<String>,
    /// May the step's retry policy try again?
    pub retryable: bool,
}

impl Failure {
    /// A failure without a stack.
    pub fn new(kind: FailureKind, name: &str, message: impl Into<String>) -> Failure {
        let name = name.to_owned();
        Failure { kind, name, message: message.into(), stack: None, retryable: false }
    }

    /// The same, which a retry policy may repeat.
    #[must_use]
    pub fn retryable(self) -> Failure {
        Failure { retryable: true, ..self }
    }

    /// The same with every text cut to [`Limits::FAILURE_TEXT_BYTES_MAX`].
    #[must_use]
    pub fn cut(mut self) -> Failure {
        cut(&mut self.name, 256);
        cut(&mut self.message, Limits::FAILURE_TEXT_BYTES_MAX);
        if let Some(stack) = &mut self.stack {
            cut(stack, Limits::FAILURE_TEXT_BYTES_MAX);
        }
        self
    }
}

/// Why an execution failed: a failure and the step it happened in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionError {
    /// The step.
    pub step: StepName,
    /// What sort.
    pub kind: FailureKind,
    /// The error's class.
    pub name: String,
    /// What happened, for people.
    pub message: String,
    /// The guest's own stack trace.
    pub stack: Option<String>,
}

/// Cuts `text` to at most `bytes_max` bytes, at a character, with a mark.
fn cut(text: &mut String, bytes_max: usize) {
    const MARK: &str = "… (cut)";
    if text.len() <= bytes_max {
        return;
    }
    text.truncate(text.floor_char_boundary(bytes_max - MARK.len()));
    text.push_str(MARK);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let message = "é".repeat(Limits::FAILURE_TEXT_BYTES_MAX);
        let failure = Failure::new(FailureKind::GuestError, "E", message).cut();
        assert!(failure.message.len() <= Limits::FAILURE_TEXT_BYTES_MAX);
        assert!(failure.message.ends_with("(cut)"));
    }
}
