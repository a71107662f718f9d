//! What came back from a guest, in the host's words.

use std::time::Duration;

use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};
use wasmtime_wasi::{I32Exit, ResourceTableError};
use wasmtime_wasi_http::FieldMapError;
use waystation_core::{BoundedJson, Failure, FailureKind, JsonError, RunLimits, RunOutcome};

use crate::bindings;
use crate::guest::Guest;
use crate::held::HeldTooMuch;
use crate::logs::RunLog;

/// What the handler gave back.
pub(crate) type Answer = Result<Option<String>, bindings::Failure>;

/// Lines of standard error in which a language runtime says why it gave up.
const LAST_WORDS: usize = 12;

/// A function's name in a stack, in bytes. The guest's author gave it, and each frame has one.
const FRAME_BYTES_MAX: usize = 256;

/// The handler returned.
pub(crate) fn of_answer(answer: Answer, guest: &mut Guest) -> RunOutcome {
    let text = match answer {
        Ok(text) => text,
        Err(failure) => return RunOutcome::Failed(of_guest(failure)),
    };
    let bytes_max = guest.may.limits.payload_bytes_max;
    match text.map(|text| BoundedJson::parse(text, bytes_max)).transpose() {
        Ok(result) => RunOutcome::Returned {
            result,
            flow: guest.asked.flow(),
            exports: std::mem::take(&mut guest.asked.exports).into_iter().collect(),
        },
        Err(error) => {
            let (kind, name) = match error {
                JsonError::TooLarge { .. } => (FailureKind::OutputLimit, "OutputLimit"),
                JsonError::TooDeep | JsonError::Malformed(_) => {
                    (FailureKind::InvalidOutput, "InvalidOutput")
                }
            };
            RunOutcome::Failed(Failure::new(kind, name, format!("the return value: {error}")))
        }
    }
}

fn of_guest(failure: bindings::Failure) -> Failure {
    let bindings::Failure { name, message, stack, retryable } = failure;
    Failure { kind: FailureKind::GuestError, name, message, stack, retryable }
}

/// The outcome as it is kept, once nothing more has to be found in its texts.
pub(crate) fn cut(outcome: RunOutcome) -> RunOutcome {
    match outcome {
        RunOutcome::Failed(failure) => RunOutcome::Failed(failure.cut()),
        RunOutcome::Returned { .. } | RunOutcome::HostBusy => outcome,
    }
}

/// The guest was stopped, by itself or by the host.
pub(crate) fn of_error(
    error: &wasmtime::Error,
    memory_denied: bool,
    limits: &RunLimits,
    log: &RunLog,
) -> RunOutcome {
    if error.is::<PoolConcurrencyLimitError>() {
        return RunOutcome::HostBusy;
    }
    let stack = error.downcast_ref::<WasmBacktrace>().and_then(stack);
    let failure = sort(error, memory_denied, limits, log);
    RunOutcome::Failed(Failure { stack, ..failure })
}

fn sort(error: &wasmtime::Error, memory_denied: bool, limits: &RunLimits, log: &RunLog) -> Failure {
    let trap = error.downcast_ref::<Trap>().copied();
    match trap {
        Some(Trap::Interrupt) => return cpu_limit(limits),
        Some(Trap::StackOverflow) => {
            let message = "the step's calls are nested too deep: the stack is used up";
            return Failure::new(FailureKind::StackOverflow, "StackOverflow", message);
        }
        _ => {}
    }
    if let Some(failure) = host_limit(error) {
        return failure;
    }
    let exit = error.downcast_ref::<I32Exit>().map(|exit| exit.0);
    let said = last_words(log);
    // Whoever is refused memory and does not get by gives up: by `unreachable`, or by an exit,
    // or there never was an instance. Another trap, or a panic that says why, is another fault,
    // however long ago a refusal was.
    let gave_up = matches!(trap, None | Some(Trap::UnreachableCodeReached)) && exit != Some(0);
    if memory_denied && gave_up && said.is_none() {
        return memory_limit(limits);
    }
    if let Some(code) = exit {
        let message = format!("the step called exit({code}) instead of returning");
        return Failure::new(FailureKind::GuestExit, "Exit", message).retryable();
    }
    let message = said.unwrap_or_else(|| match trap {
        Some(trap) => {
            let text = trap.to_string();
            format!("the step trapped: {}", text.strip_prefix("wasm trap: ").unwrap_or(&text))
        }
        // The outermost layer only names where it happened, and that is in the stack.
        None => format!("the step trapped: {}", error.root_cause()),
    });
    Failure::new(FailureKind::GuestTrap, "Trap", message).retryable()
}

fn cpu_limit(limits: &RunLimits) -> Failure {
    let message = format!("the step used more than {} of processor time", shown(limits.cpu_time));
    Failure::new(FailureKind::CpuLimit, "CpuLimit", message).retryable()
}

fn memory_limit(limits: &RunLimits) -> Failure {
    let message =
        format!("the step needs more than its {} MiB of memory", limits.memory_bytes_max >> 20);
    Failure::new(FailureKind::MemoryLimit, "MemoryLimit", message)
}

/// The run's time is over.
pub(crate) fn time_limit(limits: &RunLimits) -> RunOutcome {
    let message = format!("the step was still running after {}", shown(limits.wall_time));
    RunOutcome::Failed(Failure::new(FailureKind::TimeLimit, "TimeLimit", message).retryable())
}

/// A function of the host's panicked.
pub(crate) fn host_fault(panic: &str) -> RunOutcome {
    tracing::error!(panic, "a function of the host's panicked under a run");
    let message = "the host failed while it ran the step";
    RunOutcome::Failed(Failure::new(FailureKind::HostFault, "HostFault", message).retryable())
}

fn shown(time: Duration) -> String {
    if time.subsec_millis() == 0 {
        format!("{} s", time.as_secs())
    } else {
        format!("{} ms", time.as_millis())
    }
}

/// Texts of errors for which wasmtime has no types. `tests/sandbox/limits.rs` meets each of them
/// with a guest.
const RESOURCE_TEXTS: [&str; 1] = ["handle limit exceeded"];
const HOST_CALL_TEXTS: [&str; 2] = ["fuel allocated for hostcalls", "requested len"];

/// Was one of the bounds on what the host does for a guest met?
fn host_limit(error: &wasmtime::Error) -> Option<Failure> {
    let table = error.downcast_ref::<ResourceTableError>();
    let text = error.root_cause().to_string();
    let one_of = |known: &[&str]| known.iter().any(|part| text.contains(part));
    if matches!(table, Some(ResourceTableError::Full)) || one_of(&RESOURCE_TEXTS) {
        let message = format!("the step holds too many of the host's resources: {text}");
        return Some(Failure::new(FailureKind::ResourceLimit, "ResourceLimit", message));
    }
    if let Some(held) = error.downcast_ref::<HeldTooMuch>() {
        let message = format!("the step has the host hold too much: {held}");
        return Some(Failure::new(FailureKind::ResourceLimit, "ResourceLimit", message));
    }
    let fields = matches!(
        error.downcast_ref::<FieldMapError>(),
        Some(FieldMapError::TotalSizeTooBig | FieldMapError::TooManyFields)
    );
    (fields || one_of(&HOST_CALL_TEXTS)).then(|| {
        let message = format!("the step asked too much of the host: {text}");
        Failure::new(FailureKind::HostCallLimit, "HostCallLimit", message)
    })
}

/// What the guest's language runtime said before it gave up, where that tells more than the
/// trap does.
fn last_words(log: &RunLog) -> Option<String> {
    let lines = log.last_errors(LAST_WORDS);
    if lines.iter().any(|line| line.contains("event loop error")) {
        return Some(
            "the handler waits for a promise that never settles: nothing is left that could \
             settle it"
                .into(),
        );
    }
    let panicked = lines.iter().rposition(|line| line.contains(" panicked at "))?;
    let said = lines.get(panicked + 1).map(String::as_str).unwrap_or_default();
    let place = lines.get(panicked)?.split(" panicked at ").nth(1).unwrap_or_default();
    Some(format!("the step panicked at {} {said}", place.trim()))
}

/// The guest's frames, the innermost first.
fn stack(backtrace: &WasmBacktrace) -> Option<String> {
    let mut lines = Vec::new();
    for frame in backtrace.frames() {
        let symbol = frame.symbols().first().and_then(|symbol| symbol.name());
        let name = symbol.or_else(|| frame.func_name());
        let name = name.map(|name| &name[..name.floor_char_boundary(FRAME_BYTES_MAX)]);
        let name = name.map(str::to_owned);
        let name = name.unwrap_or_else(|| format!("function {}", frame.func_index()));
        lines.push(format!("at {name}"));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_once_nothing_has_to_be_found_in_them_any_more() {
        let message = "x".repeat(waystation_core::Limits::FAILURE_TEXT_BYTES_MAX + 1);
        let failure = bindings::Failure {
            name: "E".into(),
            message: message.clone(),
            stack: None,
            retryable: false,
        };
        let failure = of_guest(failure);
        assert_eq!(failure.message, message);
        let RunOutcome::Failed(failure) = cut(RunOutcome::Failed(failure)) else {
            panic!("failed")
        };
        assert!(failure.message.len() < message.len());
    }
}
