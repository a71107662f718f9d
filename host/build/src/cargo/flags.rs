//! What the compiler is told beside what the package says, so that the same source makes the
//! same bytes wherever it is.
//!
//! A panic names its source file, and the files of dependencies lie in cargo's home: without
//! these flags the name of the builder's home folder would be in every component. Sources in the
//! package's workspace are named from its root by cargo itself. What remains is a dependency by
//! a path that leads out of the workspace: cargo makes that path part of every name in it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use toml::{Table, Value};

use super::TARGET;
use crate::{BuildError, tool};

/// Where the component's panics say that dependencies are.
const HOME_SHOWN: &str = "/cargo";
/// And where they say that the workspace is, with the sources that build scripts make.
const WORKSPACE_SHOWN: &str = "/step";

/// The argument of cargo's `--config` for a package in `folder`. `target_dir` is where cargo
/// builds, when that is not in the workspace.
pub(super) fn config(folder: &Path, target_dir: Option<&Path>) -> Result<String, BuildError> {
    let home = cargo_home(folder);
    let mut flags = ignored_flags(folder, home.as_deref());
    if let Some(home) = &home {
        flags.push(remap(home, HOME_SHOWN));
    }
    flags.push(remap(&workspace(folder)?, WORKSPACE_SHOWN));
    if let Some(target_dir) = target_dir {
        flags.push(remap(target_dir, &format!("{WORKSPACE_SHOWN}/target")));
    }
    let flags = Value::Array(flags.into_iter().map(Value::String).collect());
    // Lists from the command line, from files and from the environment are joined.
    Ok(format!("target.{TARGET}.rustflags={flags}"))
}

fn remap(from: &Path, to: &str) -> String {
    format!("--remap-path-prefix={}={to}", from.display())
}

/// Where cargo keeps what it fetches.
fn cargo_home(folder: &Path) -> Option<PathBuf> {
    let given = env::var_os("CARGO_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    // Relative to where cargo runs.
    given.map(|home| folder.join(home)).or_else(|| Some(env::home_dir()?.join(".cargo")))
}

/// The folder of the workspace that the package in `folder` belongs to.
fn workspace(folder: &Path) -> Result<PathBuf, BuildError> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(folder).args(["locate-project", "--workspace", "--message-format", "plain"]);
    tool::without_outer_cargo(&mut cargo);
    let output = tool::run("cargo", &mut cargo)?;
    let manifest = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    Ok(manifest.parent().unwrap_or(folder).to_path_buf())
}

/// Flags that the user's configuration has for all targets, under `build.rustflags`: cargo
/// ignores them as soon as there are flags for one target, which ours are.
fn ignored_flags(folder: &Path, home: Option<&Path>) -> Vec<String> {
    let configs: Vec<Table> = config_files(folder, home)
        .iter()
        // What can't be read is cargo's to complain about.
        .filter_map(|file| fs::read_to_string(file).ok()?.parse().ok())
        .collect();
    let of_target = |config: &Table| {
        let targets = config.get("target")?;
        targets.get(TARGET)?.get("rustflags").map(|_| ())
    };
    if configs.iter().any(|config| of_target(config).is_some()) {
        return Vec::new();
    }
    configs
        .iter()
        .filter_map(|config| config.get("build")?.get("rustflags"))
        .flat_map(list)
        .collect()
}

/// Cargo's configuration files for a package in `folder`, the weakest first.
fn config_files(folder: &Path, home: Option<&Path>) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        folder.ancestors().map(|ancestor| ancestor.join(".cargo")).collect();
    folders.extend(
        home.filter(|home| !folders.iter().any(|folder| folder == home)).map(PathBuf::from),
    );
    folders.reverse();
    folders
        .iter()
        .filter_map(|folder| {
            ["config", "config.toml"]
                .map(|name| folder.join(name))
                .into_iter()
                .find(|file| file.is_file())
        })
        .collect()
}

/// A list of flags, or one text of them.
fn list(flags: &Value) -> Vec<String> {
    match flags {
        Value::String(text) => text.split_whitespace().map(str::to_owned).collect(),
        Value::Array(flags) => {
            flags.iter().filter_map(|flag| flag.as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(file: &Path, text: &str) {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    #[test]
    fn flags_for_all_targets_are_kept_where_cargo_would_have_used_them() {
        let dir = tempfile::tempdir().unwrap();
        let step = dir.path().join("work/step");
        let home = dir.path().join("home");
        put(&home.join("config.toml"), "[build]\nrustflags = \"--cfg home -Ca=b\"\n");
        put(&step.join(".cargo/config.toml"), "[build]\nrustflags = [\"--cfg\", \"step\"]\n");
        put(&dir.path().join("work/.cargo/config.toml"), "not toml");
        let flags = ["--cfg", "home", "-Ca=b", "--cfg", "step"];
        assert_eq!(ignored_flags(&step, Some(&home)), flags);
        let target = "[target.wasm32-wasip2]\nrustflags = [\"-Cc=d\"]\n";
        put(&dir.path().join("work/.cargo/config.toml"), target);
        assert_eq!(ignored_flags(&step, Some(&home)), Vec::<String>::new());
    }

    #[test]
    fn folders_are_named_alike_wherever_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let step = dir.path().canonicalize().unwrap().join("a step");
        put(&step.join("Cargo.toml"), "[package]\nname = 'a'\n[lib]\npath = 'a.rs'\n");

        let read: Table =
            config(&step, Some(Path::new("/t/rust target"))).unwrap().parse().unwrap();
        let flags = list(&read["target"][TARGET]["rustflags"]);
        assert!(flags.iter().any(|flag| flag.ends_with("=/cargo")), "{flags:?}");
        let workspace = format!("--remap-path-prefix={}=/step", step.display());
        assert!(flags.contains(&workspace), "{flags:?}");
        // The last one that fits counts.
        assert_eq!(flags.last().unwrap(), "--remap-path-prefix=/t/rust target=/step/target");
    }
}
