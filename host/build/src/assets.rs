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

/// What [`new_step`](crate::new_step) writes: `common/` for all, and a folder a language.
#[derive(RustEmbed)]
#[folder = "templates"]
pub(crate) struct Templates;

impl Templates {
    /// The files of one part, with their paths in it.
    pub(crate) fn under(part: &str) -> Vec<(String, String)> {
        Self::iter()
            .filter_map(|name| {
                let path = name.strip_prefix(part)?.strip_prefix('/')?.to_owned();
                let text = String::from_utf8_lossy(&Self::get(&name)?.data).into_owned();
                Some((path, text))
            })
            .collect()
    }
}

/// The C library, with the bindings it stands on.
#[derive(RustEmbed)]
#[folder = "../../guest-sdk/c/waystation"]
pub(crate) struct CLibrary;

/// The Go library: the module `waystation/step`.
#[derive(RustEmbed)]
#[folder = "../../guest-sdk/go"]
pub(crate) struct GoLibrary;

/// The text files of `Assets` with their names.
pub(crate) fn texts<Assets: RustEmbed>() -> impl Iterator<Item = (String, String)> {
    Assets::iter().filter_map(|name| {
        let data = Assets::get(&name)?.data;
        Some((name.into_owned(), String::from_utf8_lossy(&data).into_owned()))
    })
}

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
    for name in Assets::iter().filter(|name| is_carried(name)) {
        let Some(asset) = Assets::get(&name) else { continue };
        write_file(&folder.join(name.as_ref()), &asset.data)?;
    }
    Ok(())
}

/// Writes a file, and makes its folder.
pub(crate) fn write_file(path: &Path, contents: &[u8]) -> Result<(), BuildError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(BuildError::io(parent))?;
    }
    fs::write(path, contents).map_err(BuildError::io(path))
}

/// Is it a part of what steps are built with? A library's tests and what Python leaves are not.
fn is_carried(name: &str) -> bool {
    !name.contains("__pycache__") && !name.ends_with("_test.go")
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
    fn the_libraries_for_c_and_go_come_without_their_tests() {
        let dir = tempfile::tempdir().unwrap();
        write::<CLibrary>(&dir.path().join("c")).unwrap();
        write::<GoLibrary>(&dir.path().join("go")).unwrap();
        for file in ["c/waystation.h", "c/bindings/step_http.c", "go/go.mod", "go/step.go"] {
            assert!(dir.path().join(file).is_file(), "{file}");
        }
        assert!(dir.path().join("go/internal/wit/runtime/empty.s").is_file());
        assert!(!dir.path().join("go/step_test.go").exists());
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
