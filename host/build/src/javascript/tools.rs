//! The pinned tools: componentize-js, esbuild and what stands for Node's modules.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::node::Node;
use crate::BuildError;
use crate::kept::hex;

/// Which they are.
const LIST: &str = include_str!("tools/package.json");
/// With everything they depend on, by version and hash.
const LOCK: &str = include_str!("tools/package-lock.json");

/// The folder with their `node_modules`. Fetches them when they are not in `cache` yet.
pub(super) fn install(
    node: &Node,
    cache: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<PathBuf, BuildError> {
    let files = [("package.json", LIST), ("package-lock.json", LOCK)];
    folder("tools", &files, node, cache, || progress("installing componentize-js and esbuild"))
}

/// The folder in `cache` with what `files`, a `package.json` and perhaps its lock file, list;
/// its name begins with `kind`. `tell` is called when it has to be fetched.
pub(super) fn folder(
    kind: &str,
    files: &[(&str, &str)],
    node: &Node,
    cache: &Path,
    tell: impl FnOnce(),
) -> Result<PathBuf, BuildError> {
    let home = cache.join("javascript");
    let folder = home.join(format!("{kind}-{}", key(files)));
    if folder.is_dir() {
        return Ok(folder);
    }
    tell();
    fs::create_dir_all(&home).map_err(BuildError::io(&home))?;
    // Beside its place, then renamed: what is there is whole.
    let aside = tempfile::tempdir_in(&home).map_err(BuildError::io(&home))?;
    for (name, text) in files {
        let file = aside.path().join(name);
        fs::write(&file, text).map_err(BuildError::io(&file))?;
    }
    node.install(aside.path())?;
    match fs::rename(aside.keep(), &folder) {
        Err(error) if !folder.is_dir() => Err(BuildError::io(&folder)(error)),
        // Done, or another build was first with the same.
        _ => Ok(folder),
    }
}

/// Names a folder after what it holds.
pub(super) fn key(files: &[(&str, &str)]) -> String {
    let mut hash = Sha256::new();
    for (name, text) in files {
        hash.update(format!("{name}\0{}\0{text}", text.len()));
    }
    hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_is_pinned_and_locked_by_its_hash() {
        let list: serde_json::Value = serde_json::from_str(LIST).unwrap();
        let lock: serde_json::Value = serde_json::from_str(LOCK).unwrap();
        for (name, version) in list["dependencies"].as_object().unwrap() {
            let locked = &lock["packages"][format!("node_modules/{name}")];
            assert_eq!(locked["version"], *version, "{name}");
        }
        for (path, package) in lock["packages"].as_object().unwrap() {
            assert!(path.is_empty() || package["integrity"].is_string(), "{path}");
            assert!(package["resolved"].is_null(), "{path} names a registry");
        }
    }

    #[test]
    fn other_packages_have_another_place() {
        let list = [("package.json", "{}")];
        assert_eq!(key(&list), key(&list));
        assert_ne!(key(&list), key(&[("package.json", "{ }")]));
        assert_ne!(key(&list), key(&[list[0], ("package-lock.json", "")]));
    }
}
