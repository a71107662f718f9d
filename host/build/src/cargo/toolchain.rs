//! The compiler for `wasm32-wasip2`: the installed one, or a private one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::TARGET;
use crate::{BuildError, tool};

/// What cargo needs to be told.
#[derive(Debug)]
pub(super) enum Toolchain {
    /// Nothing: the installed toolchain has the target.
    Installed,
    /// A compiler of its own.
    Private {
        /// `RUSTC` and the target's linker and flags.
        variables: Vec<(String, String)>,
        /// Artefacts of another compiler don't mix with those of the installed one.
        target_dir: PathBuf,
    },
}

impl Toolchain {
    /// Finds it, for the package in `folder`.
    pub(super) fn find(folder: &Path, toolchains: Option<&Path>) -> Result<Self, BuildError> {
        if tool::on_path("cargo").is_none() {
            return Err(BuildError::ToolMissing {
                tool: "cargo",
                install: "get Rust with rustup, see rust-lang.org/tools/install",
            });
        }
        if target_is_installed(folder) {
            return Ok(Self::Installed);
        }
        toolchains.and_then(Self::private).ok_or(BuildError::ToolMissing {
            tool: "the Rust target wasm32-wasip2",
            install: "rustup target add wasm32-wasip2",
        })
    }

    fn private(toolchains: &Path) -> Option<Self> {
        let variables = variables(&fs::read_to_string(toolchains.join("rust/env")).ok()?);
        let compiler = variables.iter().find(|(name, _)| name == "RUSTC")?;
        // Moved or half removed: as good as missing.
        Path::new(&compiler.1)
            .is_file()
            .then(|| Self::Private { variables, target_dir: toolchains.join("rust-target") })
    }

    /// Where it builds, when that is not where cargo does so by itself.
    pub(super) fn target_dir(&self) -> Option<&Path> {
        match self {
            Self::Installed => None,
            Self::Private { target_dir, .. } => Some(target_dir),
        }
    }

    /// Sets it for one run of cargo.
    pub(super) fn apply(&self, cargo: &mut Command) {
        if let Self::Private { variables, target_dir } = self {
            cargo.envs(variables.iter().map(|(name, value)| (name, value)));
            cargo.arg("--target-dir").arg(target_dir);
        }
    }
}

/// Has the installed Rust compiler, as seen from `folder`, the target `wasm32-wasip2`?
#[must_use]
pub fn target_is_installed(folder: &Path) -> bool {
    let mut rustc = Command::new("rustc");
    rustc.current_dir(folder).args(["--print", "target-libdir", "--target", TARGET]);
    tool::without_outer_cargo(&mut rustc);
    let Ok(output) = tool::run("rustc", &mut rustc) else { return false };
    let libraries = String::from_utf8_lossy(&output.stdout);
    fs::read_dir(libraries.trim()).is_ok_and(|mut files| {
        files.any(|file| {
            file.is_ok_and(|file| {
                let name = file.file_name();
                let name = name.to_string_lossy();
                name.starts_with("libstd-") && name.ends_with(".rlib")
            })
        })
    })
}

/// The variables of a file with lines `export NAME=VALUE`.
fn variables(file: &str) -> Vec<(String, String)> {
    file.lines()
        .filter_map(|line| line.trim().strip_prefix("export ")?.split_once('='))
        .map(|(name, value)| (name.into(), value.trim_matches('\'').into()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_private_compiler_is_used_only_while_it_is_there() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Toolchain::private(dir.path()).is_none());
        let rustc = dir.path().join("rust/rustc");
        fs::create_dir(dir.path().join("rust")).unwrap();
        let env = format!("export RUSTC='{}'\nexport FLAGS='-C a=b'\n", rustc.display());
        fs::write(dir.path().join("rust/env"), env).unwrap();
        assert!(Toolchain::private(dir.path()).is_none());
        fs::write(&rustc, "").unwrap();
        let Some(Toolchain::Private { variables, .. }) = Toolchain::private(dir.path()) else {
            panic!("not found")
        };
        assert_eq!(variables[1], ("FLAGS".into(), "-C a=b".into()));
    }
}
