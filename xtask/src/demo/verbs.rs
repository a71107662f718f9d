//! The binary's verbs, told as one would type them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::server::Server;
use crate::program;
use crate::terminal::line;

/// Calls the binary for one server.
pub(super) struct Verbs {
    binary: PathBuf,
    url: String,
    data: PathBuf,
}

impl Verbs {
    pub(super) fn new(binary: &Path, server: &Server) -> Verbs {
        let (url, data) = (server.url().to_owned(), server.data().to_owned());
        Verbs { binary: binary.to_owned(), url, data }
    }

    /// Calls a verb, shows it and what it says.
    pub(super) fn tell(&self, words: &[&str]) -> Result<String> {
        self.show(words);
        let said = self.call(words)?;
        told(&said);
        Ok(said)
    }

    /// The same, but shows only the first line of a long answer.
    pub(super) fn tell_head(&self, words: &[&str]) -> Result<()> {
        self.show(words);
        let said = self.call(words)?;
        let mut lines = said.lines();
        told(lines.next().unwrap_or_default());
        told(&format!("({} more lines say what it can do)", lines.count()));
        Ok(())
    }

    /// Calls a verb silently and reads its JSON.
    pub(super) fn json(&self, words: &[&str]) -> Result<Value> {
        let said = self.call(&[words, &["--json"]].concat())?;
        serde_json::from_str(&said).with_context(|| format!("this is not JSON: {said}"))
    }

    fn show(&self, words: &[&str]) {
        let shown: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        line(&format!("$ waystation {}", shown.join(" ")));
    }

    fn call(&self, words: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.binary);
        // Besides the verb itself, what shortens it on the screen.
        without_settings(&mut command)
            .args(words)
            .env("WAYSTATION_URL", &self.url)
            .env("WAYSTATION_DATA", &self.data);
        program::output(&mut command)
    }
}

/// Shows what was said, indented.
pub(super) fn told(text: &str) {
    for said in text.lines() {
        line(format!("   {said}").trim_end());
    }
}

/// Takes out of a command's environment what would set up another server than the demo's.
pub(super) fn without_settings(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("WAYSTATION_") {
            command.env_remove(name);
        }
    }
    command
}

/// A word as a shell wants it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=".contains(c);
    if word.chars().all(plain) { word.into() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quoted("--data"), "--data");
        assert_eq!(quoted("{\"a\": 1}"), "'{\"a\": 1}'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
    }
}
