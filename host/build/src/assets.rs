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
}
