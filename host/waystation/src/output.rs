//! Everything that is printed. Answers go to stdout, errors to stderr.
//!
//! Much of it comes from steps, and from servers: strangers. A terminal obeys some characters, and
//! others turn what is seen around. Nothing of that gets through here, whatever it is part of.

use std::io::Write;

use serde_json::Value;

use crate::failure::Failure;

/// A line, or several.
pub(crate) fn line(text: impl AsRef<str>) {
    let text = printable(text.as_ref());
    let mut out = std::io::stdout().lock();
    let written = out
        .write_all(text.as_bytes())
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

/// JSON for programs that read line by line.
pub(crate) fn json_line(value: &Value) {
    line(compact(value));
}

/// JSON for people.
pub(crate) fn pretty(value: &Value) -> String {
    escaped(&serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string()))
}

/// JSON in one line.
pub(crate) fn compact(value: &Value) -> String {
    escaped(&value.to_string())
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

/// `text` with a mark in place of each character that a terminal obeys.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if is_obeyed(c) { '\u{fffd}' } else { c }).collect()
}

/// The same, on one line: what looks like a line of ours is one.
pub(crate) fn one_line(text: &str) -> String {
    printable(text).replace('\n', " ")
}

/// The same JSON, with such characters as JSON writes them in ASCII. They stand in its texts alone.
fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if is_obeyed(c) {
            escaped.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Does it command a terminal, or change the direction of what is around it?
fn is_obeyed(c: char) -> bool {
    let command = c.is_control() && c != '\n' && c != '\t';
    let direction = matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    command || direction
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};

    use super::*;

    #[test]
    fn no_text_commands_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\tc\n"), "a\u{fffd}[31mb\tc\n");
        assert_eq!(printable("\u{7f}\u{9b}2J\r\u{202e}"), "\u{fffd}\u{fffd}2J\u{fffd}\u{fffd}");
        assert_eq!(one_line("a\nerror: b"), "a error: b");
    }

    #[test]
    fn json_keeps_its_value() {
        let value = Value::from("\u{1b}\u{9b}\u{7f}\u{202e}é");
        assert_eq!(compact(&value), r#""\u001b\u009b\u007f\u202eé""#);
        assert_eq!(pretty(&value), compact(&value));
    }

    /// Texts that are half made of what a terminal obeys.
    fn text() -> impl Strategy<Value = String> {
        let bidi = "\u{61c}\u{200e}\u{200f}\u{202a}\u{202e}\u{2066}\u{2069}";
        let bidi = prop::sample::select(bidi.chars().collect::<Vec<_>>());
        let char = prop_oneof![prop::char::range('\0', '\u{9f}'), bidi, any::<char>()];
        prop::collection::vec(char, 0..32).prop_map(String::from_iter)
    }

    fn value() -> impl Strategy<Value = Value> {
        text().prop_map(Value::from).prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((text(), inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    fn is_tame(printed: &str) -> bool {
        let wild = |c: char| {
            let code = u32::from(c);
            (code < 0x20 && c != '\n' && c != '\t')
                || (0x7f..0xa0).contains(&code)
                || [0x61c, 0x200e, 0x200f].contains(&code)
                || (0x202a..=0x202e).contains(&code)
                || (0x2066..=0x2069).contains(&code)
        };
        !printed.chars().any(wild)
    }

    proptest! {
        #[test]
        fn whatever_is_printed_is_tame(text in text()) {
            assert!(is_tame(&printable(&text)));
            let line = one_line(&text);
            assert!(is_tame(&line) && !line.contains('\n'));
        }

        #[test]
        fn whatever_json_is_printed_is_tame_and_means_the_same(value in value()) {
            for json in [pretty(&value), compact(&value)] {
                assert!(is_tame(&json));
                assert_eq!(printable(&json), json, "it is printed as it is");
                assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value);
            }
        }
    }
}
