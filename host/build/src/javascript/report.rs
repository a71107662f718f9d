//! What came of a build: the JSON that `tools/build.mjs` leaves.

use std::path::Path;

use serde::Deserialize;

use crate::{BuildError, tool};

/// The step as one module.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Bundled {
    /// It is made.
    Done,
    /// Packages are missing.
    Lacks(Vec<Missing>),
}

/// A package that is imported and nowhere found.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Missing {
    /// Its name in the registry, such as `@scope/name`.
    pub(super) name: String,
    /// Where it is imported: `step.js:3`.
    pub(super) place: String,
}

/// The whole of it.
#[derive(Debug, Deserialize)]
pub(super) struct Report {
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    missing: Vec<Missing>,
    error: Option<Wrong>,
}

#[derive(Debug, Deserialize)]
struct Wrong {
    kind: Kind,
    message: String,
    #[serde(default)]
    stack: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// The source can't be read; the message names the file and the line.
    Syntax,
    /// The module has no step in it.
    Component,
    /// The module throws when it is loaded.
    Load,
    /// A tool failed.
    Tool,
}

impl Report {
    /// What the author may want to know.
    pub(super) fn warnings(&self) -> impl Iterator<Item = &str> {
        self.warnings.iter().map(String::as_str)
    }

    /// What came of the step in the file `step`.
    pub(super) fn bundled(self, step: &Path) -> Result<Bundled, BuildError> {
        let file = step.file_name().unwrap_or_default().to_string_lossy();
        match self.error {
            None if self.missing.is_empty() => Ok(Bundled::Done),
            None => Ok(Bundled::Lacks(self.missing)),
            Some(Wrong { kind: Kind::Syntax, message, .. }) => Err(BuildError::Step(message)),
            Some(Wrong { kind: Kind::Component, message, .. }) => {
                Err(BuildError::Step(format!("{file}: {message}")))
            }
            Some(Wrong { kind: Kind::Load, stack, .. }) => {
                Err(BuildError::Step(format!("{file} fails when it is loaded:\n{stack}")))
            }
            Some(Wrong { kind: Kind::Tool, message, .. }) => {
                Err(tool::failed("componentize-js", &message))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Bundled, BuildError> {
        serde_json::from_str::<Report>(json).unwrap().bundled(Path::new("/home/a/step.ts"))
    }

    #[test]
    fn what_is_wrong_with_the_step_is_told_in_its_terms() {
        let error = |json| read(json).unwrap_err().to_string();
        assert_eq!(
            error(r#"{"error": {"kind": "syntax", "message": "step.ts:3: Unexpected \"}\""}}"#),
            "step.ts:3: Unexpected \"}\""
        );
        assert_eq!(
            error(r#"{"error": {"kind": "component", "message": "there is no default export"}}"#),
            "step.ts: there is no default export"
        );
        assert_eq!(
            error(
                r#"{"error": {"kind": "load", "message": "no", "stack": "Error: no\n    at f (step.ts:1)"}}"#
            ),
            "step.ts fails when it is loaded:\nError: no\n    at f (step.ts:1)"
        );
    }

    #[test]
    fn missing_packages_are_no_error_yet() {
        assert_eq!(read("{}").unwrap(), Bundled::Done);
        let missing = Missing { name: "axios".into(), place: "step.ts:1".into() };
        let json = r#"{"missing": [{"name": "axios", "place": "step.ts:1"}]}"#;
        assert_eq!(read(json).unwrap(), Bundled::Lacks(vec![missing]));
    }
}
