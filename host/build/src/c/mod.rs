//! A component from C, by clang.
//!
//! The step's files and the library that this crate carries are compiled to one core module,
//! which [`component`] makes a component of.

mod clang;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::{BuildError, CSource, Options, assets, component, tool};
use clang::Clang;

/// What the linker says when the step has no handler.
const NO_HANDLER: &str = "undefined symbol: ws_handler";
/// What is told instead.
const WRITE_ONE: &str =
    "the step has no handler: write a function `ws_json *ws_handler(const ws_json *props)`";

/// Builds `step`.
pub(crate) fn build(
    step: &CSource,
    options: &Options,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<u8>, BuildError> {
    let work = tempfile::tempdir().map_err(BuildError::io(Path::new("a temporary folder")))?;
    let work = work.path();
    let clang = Clang::find(options.toolchains.as_deref(), work)?;
    let library = work.join("library");
    assets::write::<assets::CLibrary>(&library)?;

    progress("compiling with clang");
    let mut objects = clang.compile(&files_of(step)?, &library, &work.join("step"), progress)?;
    let mut carried = c_files(&library)?;
    carried.extend(c_files(&library.join("bindings"))?);
    objects.extend(clang.compile(&carried, &library, &work.join("objects"), progress)?);
    let module = work.join("step.wasm");
    let output = clang.link(&objects, &module)?;
    if !output.status.success() {
        let said = tool::said(&output);
        return Err(if said.contains(NO_HANDLER) {
            BuildError::Step(WRITE_ONE.into())
        } else {
            tool::failed("wasm-ld", &said)
        });
    }
    component::from_core_module(fs::read(&module).map_err(BuildError::io(&module))?)
}

/// The clang that steps in C would be built with. A look takes a tenth of a second.
///
/// # Errors
///
/// None of those that are installed makes modules for WASI; the message has the command.
pub fn find_clang(toolchains: Option<&Path>) -> Result<PathBuf, BuildError> {
    let work = tempfile::tempdir().map_err(BuildError::io(Path::new("a temporary folder")))?;
    Clang::find(toolchains, work.path()).map(|clang| clang.program)
}

/// The files that the step is made of.
fn files_of(step: &CSource) -> Result<Vec<PathBuf>, BuildError> {
    match step {
        CSource::File(file) => Ok(vec![file.clone()]),
        CSource::Folder(folder) => c_files(folder),
    }
}

/// The `.c` files of a folder, in one order on all machines.
fn c_files(folder: &Path) -> Result<Vec<PathBuf>, BuildError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(BuildError::io(folder))? {
        let path = entry.map_err(BuildError::io(folder))?.path();
        if path.extension() == Some(OsStr::new("c")) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_all_its_c_files_in_order() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["step.c", "add.c", "add.h", "README.md"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        fs::create_dir(dir.path().join("waystation-step")).unwrap();
        fs::write(dir.path().join("waystation-step/json.c"), "").unwrap();
        let files = files_of(&CSource::Folder(dir.path().into())).unwrap();
        assert_eq!(files, [dir.path().join("add.c"), dir.path().join("step.c")]);
    }
}
