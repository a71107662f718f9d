//! A component from a Cargo package.

mod flags;
mod toolchain;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::{BuildError, Options, tool};
use toolchain::Toolchain;
pub use toolchain::target_is_installed;

/// The target whose linker makes components.
const TARGET: &str = "wasm32-wasip2";
/// How a component begins, apart from the `\0asm` that core modules share: version 13, layer 1.
const COMPONENT_VERSION: [u8; 4] = [0x0d, 0, 1, 0];

/// Builds the package of `manifest`.
pub(crate) fn build(
    manifest: &Path,
    options: &Options,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<u8>, BuildError> {
    let folder = manifest.parent().unwrap_or(manifest);
    let toolchain = Toolchain::find(folder, options.toolchains.as_deref())?;
    progress("cargo build --release --target wasm32-wasip2");
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(folder)
        .args(["build", "--release", "--target", TARGET])
        .args(["--message-format", "json-render-diagnostics", "--manifest-path"])
        .arg(manifest)
        .arg("--config")
        .arg(flags::config(folder, toolchain.target_dir())?);
    tool::without_outer_cargo(&mut cargo);
    toolchain.apply(&mut cargo);
    let output = tool::output("cargo", &mut cargo)?;
    if !output.status.success() {
        return Err(tool::failed("cargo", &String::from_utf8_lossy(&output.stderr)));
    }
    let wasm = artifact(&String::from_utf8_lossy(&output.stdout), manifest).ok_or_else(|| {
        BuildError::Step(format!(
            "{}: the package makes no component: write `[lib] crate-type = [\"cdylib\"]`",
            manifest.display()
        ))
    })?;
    let component = fs::read(&wasm).map_err(BuildError::io(&wasm))?;
    if component.get(4..8) != Some(COMPONENT_VERSION.as_slice()) {
        return Err(BuildError::Step(format!("{}: is not a component", wasm.display())));
    }
    Ok(component)
}

/// A line of cargo's messages, as far as it matters here.
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// The file that the package of `manifest` became, by cargo's messages.
fn artifact(messages: &str, manifest: &Path) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok())
        .filter(|message| {
            message.reason == "compiler-artifact" && message.manifest_path == manifest
        })
        .flat_map(|message| message.filenames)
        .find(|file| file.extension().is_some_and(|extension| extension == "wasm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packages_own_file_is_picked_from_cargos_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","manifest_path":"/d/Cargo.toml","filenames":["/t/d.wasm"]}"#,
            "\nnot json\n",
            r#"{"reason":"compiler-artifact","manifest_path":"/s/Cargo.toml","filenames":["/t/s.rlib","/t/s.wasm"]}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        let found = artifact(messages, Path::new("/s/Cargo.toml"));
        assert_eq!(found, Some(PathBuf::from("/t/s.wasm")));
        assert_eq!(artifact(messages, Path::new("/x/Cargo.toml")), None);
    }
}
