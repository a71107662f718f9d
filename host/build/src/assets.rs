//! The files that the binary carries for its builds.

use std::fs;
use std::path::Path;

use rust_embed::RustEmbed;

use crate::BuildError;

/// The worlds a step is built for, with the WASI packages they name.
#[derive(RustEmbed)]
#[folder = "../../wit"]
pub(crate) struct Wit;

/// The Python library.
#[derive(RustEmbed)]
#[folder = "../../guest-sdk/python/waystation"]
pub(crate) struct PythonLibrary;

/// The library for JavaScript and TypeScript.
#[derive(RustEmbed)]
#[folder = "../../guest-sdk/javascript/src"]
pub(crate) struct JavaScriptLibrary;

/// The programs for Node that build a step in JavaScript.
#[derive(RustEmbed)]
#[folder = "src/javascript/tools"]
pub(crate) struct JavaScriptTools;

/// Writes all files of `Assets` under `folder`.
pub(crate) fn write<Assets: RustEmbed>(folder: &Path) -> Result<(), BuildError> {
    for name in Assets::iter().filter(|name| !name.contains("__pycache__")) {
        let Some(asset) = Assets::get(&name) else { continue };
        let path = folder.join(name.as_ref());
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(BuildError::io(parent))?;
        }
        fs::write(&path, asset.data).map_err(BuildError::io(&path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_and_its_worlds_are_carried() {
        let dir = tempfile::tempdir().unwrap();
        write::<Wit>(dir.path()).unwrap();
        write::<PythonLibrary>(dir.path()).unwrap();
        for file in ["step.wit", "step-http.wit", "deps/http.wit", "component/entry.py"] {
            assert!(dir.path().join(file).is_file(), "{file}");
        }
    }
}
