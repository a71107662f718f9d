//! What is wrong with an argument: "argument: what it was, what is allowed".

use waystation_core::{BoundedJson, JsonError, Limits};

use crate::secrets::Secrets;

/// A wait in milliseconds.
pub(super) fn wait_ms(argument: &str, millis: u64) -> Result<u64, String> {
    let max = Limits::WAIT_MS_MAX;
    if (1..=max).contains(&millis) {
        return Ok(millis);
    }
    Err(format!("{argument}: {millis} ms; 1 to {max} (365 days) are allowed"))
}

/// One line of text.
pub(super) fn line(argument: &str, text: &str) -> Result<(), String> {
    let max = Limits::MESSAGE_BYTES_MAX;
    if text.len() > max {
        return Err(format!(
            "{argument}: {} bytes; one line of at most {max} is allowed",
            text.len()
        ));
    }
    if text.contains(char::is_control) {
        return Err(format!(
            "{argument}: more than one line, or control characters; one line of text is allowed"
        ));
    }
    Ok(())
}

/// JSON text.
pub(super) fn json(argument: &str, text: String, bytes_max: usize) -> Result<BoundedJson, String> {
    BoundedJson::parse(text, bytes_max).map_err(|error| match error {
        JsonError::Malformed(why) => format!("{argument}: not JSON ({why}); JSON text is allowed"),
        error @ (JsonError::TooLarge { .. } | JsonError::TooDeep) => format!("{argument}: {error}"),
    })
}

/// Text made to one line that fits, where there is no way to say no. Secrets are hidden first: one
/// of several lines, or a piece of one, would not be recognized in what is left.
pub(super) fn one_line(text: String, secrets: &Secrets) -> String {
    let text = secrets.hide(text);
    let mut line: String = text.trim().replace(char::is_control, " ");
    line.truncate(line.floor_char_boundary(Limits::MESSAGE_BYTES_MAX));
    line
}

#[cfg(test)]
mod tests {
    use waystation_core::{RunSecret, SecretValue};

    use super::*;

    #[test]
    fn waits_are_checked_at_their_edges() {
        assert_eq!(wait_ms("delay-ms", 1), Ok(1));
        assert_eq!(wait_ms("delay-ms", 31_536_000_000), Ok(31_536_000_000));
        assert_eq!(
            wait_ms("delay-ms", 0),
            Err("delay-ms: 0 ms; 1 to 31536000000 (365 days) are allowed".into())
        );
        assert!(wait_ms("delay-ms", 31_536_000_001).is_err());
    }

    #[test]
    fn a_line_is_one_line() {
        assert!(line("message", &"é".repeat(512)).is_ok());
        assert!(line("message", &"é".repeat(513)).is_err());
        assert!(line("message", "a\nb").is_err());
        let one_line = |text: &str| one_line(text.to_owned(), &Secrets::default());
        assert_eq!(one_line(" a\nb "), "a b");
        assert_eq!(one_line(&"é".repeat(600)).len(), 1024);
    }

    #[test]
    fn secrets_are_hidden_before_a_line_is_made() {
        let given = RunSecret {
            name: "KEY".parse().unwrap(),
            value: SecretValue::new("one\ntwo three".to_owned().into()).unwrap(),
            destinations: vec![],
            reveal: true,
        };
        let secrets = Secrets::new(vec![given]).unwrap();
        assert_eq!(one_line("a\none\ntwo three".into(), &secrets), "a [secret KEY]");
        let across = format!("{}one\ntwo three", "x".repeat(1020));
        let line = one_line(across, &secrets);
        assert!(line.len() <= 1024 && !line.contains("one"), "{line}");
    }
}
