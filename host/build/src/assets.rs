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

/// The Rust library, as a package that steps depend on by its path. What its build leaves there
/// stays behind, and its lock file: a step has its own.
#[derive(RustEmbed)]
#[folder = "../../guest-sdk/rust"]
#[include = "src/**/*.rs"]
#[include = "macros/src/**/*.rs"]
#[include = "macros/Cargo.toml"]
#[include = "wit/*.wit"]
#[include = "Cargo.toml"]
#[include = "README.md"]
#[exclude = "target/**"]
pub(crate) struct RustLibrary;

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

    #[test]
    fn the_rust_library_is_carried_whole_and_alone() {
        let dir = tempfile::tempdir().unwrap();
        write::<RustLibrary>(dir.path()).unwrap();
        let mut tops: Vec<_> = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        tops.sort();
        assert_eq!(tops, ["Cargo.toml", "README.md", "macros", "src", "wit"]);
        for file in ["src/lib.rs", "src/host/wire.rs", "macros/src/lib.rs", "wit/step.wit"] {
            assert!(dir.path().join(file).is_file(), "{file}");
        }
        // A workspace in it could not be a part of the step's.
        let manifest = fs::read_to_string(dir.path().join("Cargo.toml")).unwrap();
        assert!(!manifest.lines().any(|line| line.starts_with("[workspace")), "{manifest}");
        let sources = ["src", "macros"].map(|folder| dir.path().join(folder));
        for source in sources.iter().flat_map(|folder| fs::read_dir(folder).unwrap()) {
            let path = source.unwrap().path();
            let words = fs::read_to_string(&path).unwrap_or_default();
            assert!(!words.contains("include_str!(\"../../"), "{}", path.display());
        }
    }
}
