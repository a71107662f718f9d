//! The settings file: TOML, with a line number for every key.

use std::path::Path;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::given::{Given, keys};
use crate::failure::{Done, Failure};

/// Reads the file at `path`.
pub(super) fn read(path: &Path, given: &mut Given) -> Done {
    let name = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("{name}: can't be read: {error}")))?;
    let table = DeTable::parse(&text).map_err(|error| {
        let line = line(&text, error.span().map_or(0, |span| span.start));
        let message = error.message().replace('\n', ", ");
        Failure::usage(format!("{name}:{line}: not TOML: {message}"))
    })?;
    let file = File { name: name.to_string(), text: &text, keys: keys() };
    file.table(table.get_ref(), "", given)
}

struct File<'a> {
    name: String,
    text: &'a str,
    keys: Vec<String>,
}

impl File<'_> {
    fn table(&self, table: &DeTable<'_>, prefix: &str, given: &mut Given) -> Done {
        for (name, value) in table {
            let key = format!("{prefix}{}", name.get_ref());
            let source = format!("{}:{}", self.name, line(self.text, name.span().start));
            let section = format!("{key}.");
            let is_section = self.keys.iter().any(|known| known.starts_with(&section));
            match value.get_ref() {
                DeValue::Table(inner) if is_section => self.table(inner, &section, given)?,
                _ if self.keys.contains(&key) => {
                    let value = self.value(value).ok_or_else(|| {
                        Failure::usage(format!(
                            "{source}: {key}: text, a whole number or a list of texts is allowed"
                        ))
                    })?;
                    given.set(&key, source, value);
                }
                _ => {
                    let near = self.keys.iter().filter(|known| known.starts_with(prefix));
                    let near: Vec<&str> = near.map(String::as_str).collect();
                    let near = near.join(", ");
                    return Err(Failure::usage(format!(
                        "{source}: unknown key {key}; there are {near}"
                    )));
                }
            }
        }
        Ok(())
    }

    fn value(&self, value: &Spanned<DeValue<'_>>) -> Option<Value> {
        match value.get_ref() {
            DeValue::String(text) => Some(Value::from(&**text)),
            DeValue::Integer(_) => {
                let digits = self.text.get(value.span())?.replace('_', "");
                digits.parse::<i64>().ok().map(Value::from)
            }
            DeValue::Array(values) => values
                .iter()
                .map(|value| self.value(value))
                .collect::<Option<Vec<_>>>()
                .map(Value::Array),
            _ => None,
        }
    }
}

/// The line of the byte at `at`, from 1.
fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}
