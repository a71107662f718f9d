//! Everything that is printed. Answers go to stdout, errors to stderr.

use std::io::Write;

use serde_json::Value;

use crate::failure::Failure;

/// A line, or several.
pub(crate) fn line(text: impl AsRef<str>) {
    let mut out = std::io::stdout().lock();
    let written = out
        .write_all(text.as_ref().as_bytes())
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush());
    // Whoever read us has had enough: `waystation execution ls | head -1`.
    if written.is_err() {
        std::process::exit(0);
    }
}

/// JSON for programs.
pub(crate) fn json(value: &Value) {
    line(pretty(value));
}

/// JSON for people.
pub(crate) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}

/// Why it failed.
pub(crate) fn error(failure: &Failure) {
    note(format!("error: {failure}"));
}

/// A remark that is not the answer.
#[expect(clippy::print_stderr, reason = "the one place that does it")]
pub(crate) fn note(text: impl AsRef<str>) {
    eprintln!("{}", printable(text.as_ref()));
}

/// A question, on a terminal. The answer follows on its line.
#[expect(clippy::print_stderr, reason = "not the answer, which goes to stdout")]
pub(crate) fn prompt(text: impl AsRef<str>) {
    eprint!("{}", printable(text.as_ref()));
}

/// `text` without what a terminal would obey. What steps say comes from strangers.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_commands_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\tc\n"), "a\u{fffd}[31mb\tc\n");
    }
}
