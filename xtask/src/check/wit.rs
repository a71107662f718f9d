//! The libraries carry copies of the WIT, so that each stands alone. They are copies, of as many
//! files as each needs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

const ORIGINAL: &str = "wit";
/// What every copy has.
const STEP: &str = "step.wit";
const COPIES: [&str; 1] = ["guest-sdk/rust/wit"];

pub(super) fn check(root: &Path) -> Result<()> {
    let original = wit_files(&root.join(ORIGINAL))?;
    for copy in COPIES {
        let files = wit_files(&root.join(copy))?;
        ensure!(files.contains_key(STEP), "{copy}/{STEP} is missing");
        let differ: Vec<&str> = files
            .iter()
            .filter(|(name, text)| original.get(*name) != Some(*text))
            .map(|(name, _)| name.as_str())
            .collect();
        ensure!(differ.is_empty(), "{copy} differs from {ORIGINAL}: {}", differ.join(", "));
    }
    Ok(())
}

/// The `.wit` files of a folder and those of its `deps`, by name.
fn wit_files(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for (folder, prefix) in [(folder.to_owned(), ""), (folder.join("deps"), "deps/")] {
        if !folder.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.extension().is_some_and(|kind| kind == "wit") {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                files.insert(format!("{prefix}{name}"), fs::read(&path)?);
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_step_wit_and_nothing_that_differs() {
        let dir = tempfile::tempdir().unwrap();
        let put = |file: &str, text: &str| {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put("wit/step.wit", "world step {}");
        put("wit/deps/http.wit", "package wasi:http;");
        let said = || check(dir.path()).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(said().contains("step.wit is missing"), "{}", said());
        put("guest-sdk/rust/wit/step.wit", "world step {}");
        assert_eq!(said(), "");
        put("guest-sdk/rust/wit/deps/http.wit", "package wasi:other;");
        assert!(said().contains("deps/http.wit"), "{}", said());
    }
}
