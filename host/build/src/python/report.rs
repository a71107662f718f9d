//! What componentize-py says when the step can't be imported.

use serde::Deserialize;

use crate::{BuildError, tool};

/// Begins the line in which the library tells what is wrong; `waystation/component/entry.py`
/// writes it.
const MARK: &str = "waystation-step-error: ";

#[derive(Deserialize)]
struct StepError {
    message: String,
}

/// The failure in componentize-py's output: the step's own, where it says so.
pub(super) fn read(output: &str) -> BuildError {
    let told = output.split_once(MARK).and_then(|(_, rest)| {
        serde_json::from_str::<StepError>(rest.lines().next().unwrap_or_default()).ok()
    });
    match told {
        Some(StepError { message }) => BuildError::Step(message),
        None => tool::failed("componentize-py", without_machinery(output)),
    }
}

/// `output` without componentize-py's own stack, which comes last.
fn without_machinery(output: &str) -> &str {
    let end = ["\n\nCaused by:", "\n\nStack backtrace:"]
        .iter()
        .filter_map(|mark| output.find(mark))
        .min()
        .unwrap_or(output.len());
    &output[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_own_error_is_told_alone() {
        let output = "Traceback …\nAssertionError: a print\nwaystation-step-error: \
                      {\"kind\":\"module\",\"message\":\"no module named `x`\"}\nTraceback …\n\n\
                      Caused by:\n 0: wasm";
        assert_eq!(read(output).to_string(), "no module named `x`");
    }

    #[test]
    fn any_other_error_is_componentize_pys() {
        let error = read("out of memory\n\nCaused by:\n 0: wasm").to_string();
        assert_eq!(error, "componentize-py failed:\nout of memory");
    }
}
