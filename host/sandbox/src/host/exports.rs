//! `exports`: named results.

use waystation_core::{BoundedJson, JsonError, Limits};

use crate::bindings::waystation::step::exports::{Error, Host};
use crate::guest::Guest;

/// The one name of the host's that a step may set.
const SUMMARY: &str = "$summary";

impl Host for Guest {
    fn set(&mut self, name: String, value: String) -> Result<(), Error> {
        check_name(&name).map_err(Error::InvalidName)?;
        let limits = &self.may.limits;
        let value = BoundedJson::parse(value, limits.payload_bytes_max).map_err(|error| {
            let message = format!("{name}: {error}");
            match error {
                JsonError::TooLarge { .. } => Error::TooLarge(message),
                JsonError::TooDeep | JsonError::Malformed(_) => Error::InvalidJson(message),
            }
        })?;
        if name == SUMMARY && !value.to_value().is_string() {
            return Err(Error::InvalidJson(
                "$summary: a line of text, as a JSON string, is allowed".into(),
            ));
        }
        let others =
            self.asked.exports.keys().filter(|key| *key != SUMMARY && **key != name).count();
        if name != SUMMARY && others >= limits.exports_max {
            let max = limits.exports_max;
            return Err(Error::TooLarge(format!(
                "{name}: one export too many; at most {max} are allowed"
            )));
        }
        let bytes = self.asked.bytes_without(Some(&name)) + name.len() + value.len();
        if bytes > limits.asked_bytes_max {
            let max = limits.asked_bytes_max;
            return Err(Error::TooLarge(format!(
                "{name}: with it, the run's exports and mails have {bytes} bytes; at most {max} \
                 are allowed"
            )));
        }
        self.asked.exports.insert(name, value);
        Ok(())
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let max = Limits::EXPORT_NAME_BYTES_MAX;
    let shown: String = name.chars().take(max).collect();
    if name.len() > max {
        return Err(format!("{shown:?}…: {} bytes; at most {max} are allowed", name.len()));
    }
    let mut bytes = name.bytes();
    let first_ok = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_' || b == b'$');
    if !first_ok || !bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err(format!("{shown:?}: a letter or _, then letters, digits and _ are allowed"));
    }
    if name.starts_with('$') && name != SUMMARY {
        return Err(format!("{shown:?}: names with $ are the host's; $summary alone may be set"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_rules_at_the_edges() {
        let long = "a".repeat(128);
        for good in ["a", "_", "A1_", "$summary", long.as_str()] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        let too_long = "a".repeat(129);
        for bad in
            ["", "1a", "a-b", "ä", "a b", "$", "$return_value", "$$", "a$", too_long.as_str()]
        {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
