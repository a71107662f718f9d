//! `waystation build`.

use std::path::{Path, PathBuf};

use serde_json::json;
use waystation_build::Options;
use waystation_core::Digest;

use crate::failure::{Done, Failure};
use crate::{output, progress};

/// Names the folder with privately set up toolchains, as `cargo xtask toolchain` makes it.
const TOOLCHAINS: &str = "WAYSTATION_TOOLCHAINS";

pub(super) fn run(path: &Path, file: Option<&Path>, json: bool) -> Done {
    let options =
        Options { toolchains: std::env::var_os(TOOLCHAINS).map(PathBuf::from), cache: cache()? };
    let spinner = progress::spinner("building");
    let built = waystation_build::build(path, &options, &mut |line| {
        progress::say(&spinner, line);
    });
    spinner.finish_and_clear();
    let built = built.map_err(Failure::new)?;
    let file = file.map_or_else(|| PathBuf::from(format!("{}.wasm", built.name)), Path::to_owned);
    std::fs::write(&file, &built.component)
        .map_err(|error| Failure::new(format!("{}: {error}", file.display())))?;
    let (digest, size) = (Digest::of(&built.component), built.component.len());
    if json {
        let language = built.language.name();
        output::json(&json!({"file": file, "language": language, "digest": digest, "size": size}));
    } else {
        output::line(format!("{} ({}, {size} bytes, {digest})", file.display(), built.language));
        output::note(format!("next: waystation component push {}", file.display()));
    }
    Ok(())
}

/// Where what was fetched is kept, by the XDG base directory specification.
fn cache() -> Done<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let base = folder("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| folder("HOME").map(|home| PathBuf::from(home).join(".cache")));
    base.map(|base| base.join("waystation"))
        .ok_or_else(|| Failure::new("neither XDG_CACHE_HOME nor HOME is set: no place for a cache"))
}
