//! Running programs.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::terminal::note;

/// How often a program is looked at that may not take too long.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The cargo that runs this program, in `root`, as if it were called by hand: what this run of
/// cargo set for its own program goes. Some build scripts are run anew when it changes, and so
/// half of the dependencies would be built again for each way to call cargo.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root);
    let set_by_cargo = |name: &str| {
        ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
    };
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(set_by_cargo) || name == "OUT_DIR" || name == "CARGO" {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// Runs `command` to its end. It is told before, and its output is shown.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    note(&format!("$ {shown}"));
    let status = command.status().with_context(|| shown.clone())?;
    ensure!(status.success(), "{shown}: {status}");
    Ok(())
}

/// Runs `command` silently and gives what it wrote to stdout.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let shown = shown(command);
    let output = command.output().with_context(|| shown.clone())?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{shown}: {}\n{}", output.status, said.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Did `command` succeed within `time`? Its output is dropped; after the time it is killed.
pub(crate) fn succeeds_within(command: &mut Command, time: Duration) -> bool {
    let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut child) = silent.spawn() else { return false };
    let started = Instant::now();
    while started.elapsed() < time {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) => thread::park_timeout(LOOK_EVERY),
            Err(_) => break,
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    false
}

/// The command as one would type it.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words: Vec<OsString> =
        [program].into_iter().chain(command.get_args()).map(Into::into).collect();
    words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_program_and_what_it_said() {
        let error = output(Command::new("sh").args(["-c", "echo no >&2; exit 3"])).unwrap_err();
        assert!(error.to_string().starts_with("sh -c") && error.to_string().ends_with("no"));
        assert_eq!(output(Command::new("echo").arg("yes")).unwrap(), "yes\n");
    }

    #[test]
    fn what_takes_too_long_is_stopped() {
        assert!(succeeds_within(&mut Command::new("true"), Duration::from_secs(10)));
        assert!(!succeeds_within(Command::new("sleep").arg("60"), Duration::from_millis(60)));
    }
}
