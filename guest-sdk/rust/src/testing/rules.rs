//! The rules of a real host that a step meets most.

use serde_json::Value;

use crate::Failure;
use crate::http_response::Response;

/// 365 days.
const WAIT_MS_MAX: u64 = 31_536_000_000;
/// A name's longest.
const EXPORT_NAME_BYTES_MAX: usize = 128;
/// The one name of the host's that a step may set.
const SUMMARY: &str = "$summary";

/// How long a pause may be.
pub(super) fn wait(argument: &str, ms: u64) -> Result<(), Failure> {
    if (1..=WAIT_MS_MAX).contains(&ms) {
        return Ok(());
    }
    let words = format!("{argument}: {ms} ms; 1 to {WAIT_MS_MAX} (365 days) are allowed");
    Err(Failure::new("InvalidArgument", words))
}

/// What exports may be called.
pub(super) fn export(name: &str, value: &Value) -> Result<(), Failure> {
    if name == SUMMARY {
        let words = "$summary: a line of text, as a JSON string, is allowed";
        return value.as_str().map(|_| ()).ok_or(Failure::permanent("InvalidJson", words));
    }
    let words = if name.len() > EXPORT_NAME_BYTES_MAX {
        format!("{} bytes; at most {EXPORT_NAME_BYTES_MAX} are allowed", name.len())
    } else if name.starts_with('$') {
        "names with $ are the host's; $summary alone may be set".into()
    } else if !is_identifier(name) {
        "a letter or _, then letters, digits and _ are allowed".into()
    } else {
        return Ok(());
    };
    Err(Failure::permanent("InvalidName", format!("{name:?}: {words}")))
}

fn is_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// What may be answered.
pub(super) fn response(response: &Response) -> Result<(), Failure> {
    if (200..=599).contains(&response.status) {
        return Ok(());
    }
    let words = format!("status: {}; 200 to 599 is allowed", response.status);
    Err(Failure::permanent("InvalidResponse", words))
}
