//! What a component was made of, in one hash.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

use waystation_build::Language;

use super::{Guest, entries};
use crate::{program, toolchain};

/// The hash for `guest` as everything stands.
pub(super) fn of(root: &Path, guest: &Guest) -> Result<String> {
    let mut hash = Sha256::new();
    let toolchains = toolchain::folder(root);
    let source = guest.source.as_path();
    match source.extension().and_then(OsStr::to_str) {
        _ if source.is_dir() => files(&mut hash, source)?,
        // Modules and requirements stand beside a step.
        Some("py") => python_files(&mut hash, source.parent().unwrap_or(source))?,
        _ => files(&mut hash, source.parent().unwrap_or(source))?,
    }
    // Of two steps in one folder each has a stamp of its own.
    hash.update(source.as_os_str().as_encoded_bytes());
    let library = match guest.language {
        Language::Python => "python",
        Language::JavaScript | Language::TypeScript => "javascript",
        Language::Rust => "rust",
        Language::Go => "go",
        Language::C => "c",
    };
    files(&mut hash, &root.join("guest-sdk").join(library))?;
    text(&mut hash, &toolchains.join(library).join(".ready"));
    if guest.language == Language::Rust {
        hash.update(program::output(Command::new("rustc").arg("-vV").current_dir(root))?);
    }
    files(&mut hash, &root.join("wit"))?;
    files(&mut hash, &root.join("host/build/src"))?;
    let mut stamp = String::new();
    for byte in hash.finalize() {
        write!(stamp, "{byte:02x}")?;
    }
    Ok(stamp)
}

/// All files under `folder`, but what builds leave there.
fn files(hash: &mut Sha256, folder: &Path) -> Result<()> {
    for path in entries(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.')
            || ["target", "__pycache__", "node_modules"].contains(&name.as_str())
        {
            continue;
        }
        if path.is_dir() {
            files(hash, &path)?;
        } else {
            add(hash, &path)?;
        }
    }
    Ok(())
}

/// What a step in Python may import or require, in `folder` and the packages in it.
fn python_files(hash: &mut Sha256, folder: &Path) -> Result<()> {
    for path in entries(folder)? {
        if path.join("__init__.py").is_file() {
            python_files(hash, &path)?;
        } else if path.extension().is_some_and(|kind| kind == "py" || kind == "txt") {
            add(hash, &path)?;
        }
    }
    Ok(())
}

fn add(hash: &mut Sha256, file: &Path) -> Result<()> {
    let bytes = fs::read(file).with_context(|| file.display().to_string())?;
    hash.update(file.as_os_str().as_encoded_bytes());
    hash.update([0]);
    hash.update(bytes.len().to_be_bytes());
    hash.update(bytes);
    Ok(())
}

/// A file that need not be there.
fn text(hash: &mut Sha256, file: &Path) {
    hash.update(fs::read_to_string(file).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_changes_with_what_the_component_is_made_of() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let folder = root.join("examples/mail");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("ask.py"), "def handler(pd): pass").unwrap();
        let guest = Guest {
            source: folder.join("ask.py"),
            language: Language::Python,
            wasm: root.join("ask.wasm"),
        };
        let first = of(root, &guest).unwrap();
        fs::write(folder.join("README.md"), "about it").unwrap();
        assert_eq!(of(root, &guest).unwrap(), first);
        fs::write(folder.join("helper.py"), "x = 1").unwrap();
        let second = of(root, &guest).unwrap();
        assert_ne!(second, first);
        fs::create_dir(root.join("wit")).unwrap();
        fs::write(root.join("wit/step.wit"), "world step {}").unwrap();
        assert_ne!(of(root, &guest).unwrap(), second);
    }
}
