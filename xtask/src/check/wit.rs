//! The libraries carry copies of the WIT, so that each stands alone. They are copies.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

const ORIGINAL: &str = "wit";
const COPIES: [&str; 1] = ["guest-sdk/rust/wit"];

pub(super) fn check(root: &Path) -> Result<()> {
    let original = wit_files(&root.join(ORIGINAL))?;
    ensure!(original.contains_key("step.wit"), "{ORIGINAL}/step.wit is missing");
    for copy in COPIES {
        let files = wit_files(&root.join(copy))?;
        let names = original.keys().chain(files.keys());
        let differ: Vec<&str> = names
            .filter(|name| original.get(*name) != files.get(*name))
            .map(String::as_str)
            .collect();
        ensure!(differ.is_empty(), "{copy} differs from {ORIGINAL}: {}", differ.join(", "));
    }
    Ok(())
}

/// The `.wit` files of a folder and those of its `deps`, by name.
fn wit_files(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for (folder, prefix) in [(folder.to_owned(), ""), (folder.join("deps"), "deps/")] {
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
