//! Running other people's tools.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::BuildError;

/// How much of a failed tool's output is shown, from its end: a screen or two.
const OUTPUT_LINES_MAX: usize = 60;

/// The program `name` on the search path.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Runs `command` to its end and gives what it wrote.
pub(crate) fn output(tool: &'static str, command: &mut Command) -> Result<Output, BuildError> {
    command.output().map_err(|error| did_not_start(tool, command, &error))
}

/// As [`output`], and an exit code other than 0 is a failure with what the tool said.
pub(crate) fn run(tool: &'static str, command: &mut Command) -> Result<Output, BuildError> {
    let output = output(tool, command)?;
    if output.status.success() { Ok(output) } else { Err(failed(tool, &said(&output))) }
}

/// The failure of a tool that said `output`.
pub(crate) fn failed(tool: &'static str, output: &str) -> BuildError {
    BuildError::ToolFailed { tool, output: tail(output) }
}

/// Everything a tool wrote, errors last.
pub(crate) fn said(output: &Output) -> String {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    format!("{}\n{}", stdout.trim_end(), stderr.trim_end())
}

fn did_not_start(tool: &'static str, command: &Command, error: &io::Error) -> BuildError {
    let program = Path::new(command.get_program()).display();
    BuildError::ToolFailed { tool, output: format!("{program}: {error}") }
}

fn tail(output: &str) -> String {
    let lines: Vec<_> = output.trim().lines().collect();
    let cut = lines.len().saturating_sub(OUTPUT_LINES_MAX);
    let mark = if cut > 0 { format!("({cut} lines before)\n") } else { String::new() };
    mark + &lines[cut..].join("\n")
}

/// Takes out of a child's environment what a cargo around this process has put into its own,
/// and what would make the build depend on the shell it is started from.
pub(crate) fn without_outer_cargo(command: &mut Command) -> &mut Command {
    let inside_cargo = env::var_os("CARGO").is_some();
    for (name, _) in env::vars_os() {
        if is_outer_cargos(&name, inside_cargo) {
            command.env_remove(name);
        }
    }
    command
}

fn is_outer_cargos(name: &OsStr, inside_cargo: bool) -> bool {
    // How the user reaches the registry and where cargo keeps it.
    const KEPT: [&str; 7] = [
        "CARGO_HOME",
        "CARGO_HTTP_",
        "CARGO_INCREMENTAL",
        "CARGO_NET_",
        "CARGO_REGISTR",
        "CARGO_SOURCE_",
        "CARGO_TERM_",
    ];
    const LEAKED: [&str; 5] = ["RUSTC", "RUSTDOC", "RUSTFLAGS", "RUSTDOCFLAGS", "OUT_DIR"];
    let Some(name) = name.to_str() else { return false };
    if KEPT.iter().any(|kept| name.starts_with(kept)) {
        return false;
    }
    name.starts_with("CARGO")
        || name.starts_with("RUSTC_")
        || LEAKED.contains(&name)
        // `cargo run` points the loader at its own compiler's libraries.
        || (inside_cargo && name == "LD_LIBRARY_PATH")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_long_output_is_shown() {
        let long: Vec<_> = (1..=100).map(|n| n.to_string()).collect();
        let shown = tail(&long.join("\n"));
        assert!(
            shown.starts_with("(40 lines before)\n41\n") && shown.ends_with("\n100"),
            "{shown}"
        );
        assert_eq!(tail(" short \n"), "short");
    }

    #[test]
    fn an_outer_cargo_does_not_leak() {
        for name in ["RUSTC", "RUSTFLAGS", "CARGO", "CARGO_MANIFEST_DIR", "CARGO_TARGET_DIR"] {
            assert!(is_outer_cargos(OsStr::new(name), false), "{name}");
        }
        for name in ["PATH", "CARGO_HOME", "CARGO_NET_OFFLINE", "RUSTUP_HOME", "LD_LIBRARY_PATH"] {
            assert!(!is_outer_cargos(OsStr::new(name), false), "{name}");
        }
        assert!(is_outer_cargos(OsStr::new("LD_LIBRARY_PATH"), true));
    }
}
