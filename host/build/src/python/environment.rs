//! A virtual environment of our own, in the cache, with componentize-py and pip in it.
//!
//! It is made where it stays, since what is installed into it names its own path. A stamp that
//! is written last says that it is whole; a lock keeps two builds from making it at once.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::pip;
use crate::{BuildError, tool};

/// The version that the library and the WIT are written for.
pub(super) const VERSION: &str = "0.25.1";
/// Written last. It holds the recipe: one that was made otherwise, or moved, is made again.
const STAMP: &str = ".ready";

/// What a machine without a fitting Python is told.
const NO_PYTHON: BuildError = BuildError::ToolMissing {
    tool: "python3 (3.10 or newer, with its module venv)",
    install: "apt-get install python3-venv",
};

/// Gives the environment's folder; makes it when it is not there or out of order.
pub(super) fn ensure(cache: &Path, progress: &mut dyn FnMut(&str)) -> Result<PathBuf, BuildError> {
    let home = cache.join("python");
    fs::create_dir_all(&home).map_err(BuildError::io(&home))?;
    let folder = home.join(format!("tools-{VERSION}"));
    let file = folder.with_extension("lock");
    // The lock goes with the file, at the end of this function.
    let lock = File::create(&file).map_err(BuildError::io(&file))?;
    lock.lock().map_err(BuildError::io(&file))?;
    if !is_whole(&folder) {
        make(&folder, progress)?;
    }
    Ok(folder)
}

fn is_whole(folder: &Path) -> bool {
    fs::read_to_string(folder.join(STAMP)).is_ok_and(|stamp| stamp == recipe(folder))
        // Gone when the machine's Python was replaced by another version.
        && version(&folder.join("bin/componentize-py")).as_deref() == Some(VERSION)
}

fn recipe(folder: &Path) -> String {
    format!("componentize-py=={VERSION}\n{}\n", folder.display())
}

fn make(folder: &Path, progress: &mut dyn FnMut(&str)) -> Result<(), BuildError> {
    let python = machines_python().ok_or(NO_PYTHON)?;
    progress(&format!("setting up componentize-py {VERSION} in {}, once", folder.display()));
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(BuildError::io(folder))?;
    }
    tool::run("python3 -m venv", Command::new(python).args(["-m", "venv"]).arg(folder))?;
    let mut install = pip::install(&folder.join("bin/python3"));
    install.arg(format!("componentize-py=={VERSION}"));
    let output = tool::output("pip", &mut install)?;
    if !output.status.success() {
        let said = tool::said(&output);
        return Err(match pip::unreachable(&said) {
            Some(sentence) => BuildError::Step(sentence.into()),
            None => tool::failed("pip", &said),
        });
    }
    let stamp = folder.join(STAMP);
    fs::write(&stamp, recipe(folder)).map_err(BuildError::io(&stamp))
}

/// The `python3` on the search path, if it is new enough and can make environments.
fn machines_python() -> Option<PathBuf> {
    const CHECK: &str = "import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 10))";
    let python = tool::on_path("python3")?;
    runs(Command::new(&python).args(["-c", CHECK])).then_some(python)
}

/// Can this Python install packages?
pub(super) fn has_pip(python: &Path) -> bool {
    runs(Command::new(python).args(["-c", "import pip"]))
}

/// The version of a componentize-py; none when it can't be run.
pub(super) fn version(program: &Path) -> Option<String> {
    let output = tool::run("componentize-py", Command::new(program).arg("--version")).ok()?;
    Some(String::from_utf8_lossy(&output.stdout).split_whitespace().last()?.into())
}

fn runs(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// An environment whose componentize-py says that it has `version`.
    fn made(home: &Path, version: &str, recipe: &str) -> PathBuf {
        let folder = home.join("tools");
        let program = folder.join("bin/componentize-py");
        fs::create_dir_all(folder.join("bin")).unwrap();
        fs::write(&program, format!("#!/bin/sh\necho componentize-py {version}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.join(STAMP), recipe).unwrap();
        folder
    }

    #[test]
    fn one_that_is_whole_is_used_again_and_any_other_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let right = recipe(&dir.path().join("tools"));
        let folder = made(dir.path(), VERSION, &right);
        assert!(is_whole(&folder));
        let moved = recipe(&dir.path().join("elsewhere"));
        assert!(!is_whole(&made(dir.path(), VERSION, &moved)));
        assert!(!is_whole(&made(dir.path(), "0.1.0", &right)));
        fs::remove_file(folder.join(STAMP)).unwrap();
        assert!(!is_whole(&folder));
    }

    #[test]
    fn a_program_that_is_no_componentize_py_has_no_version() {
        assert_eq!(version(Path::new("/bin/false")), None);
        assert_eq!(version(Path::new("/nowhere")), None);
    }
}
