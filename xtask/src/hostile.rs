//! Hostile guests and callers against a server: `cargo xtask hostile`.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::terminal::{line, note};
use crate::{program, torture};

/// Makes all attacks, and prints what came of them, also when something did not hold.
pub(crate) fn run(root: &Path) -> Result<()> {
    torture::prepare(root)?;
    let table = root.join("target/hostile.md");
    // A table of another time says nothing of this one.
    if table.exists() {
        fs::remove_file(&table).with_context(|| table.display().to_string())?;
    }
    let mut cargo = program::cargo(root);
    let attacked = program::run(cargo.args(["test", "--workspace", "--test", "hostile"]));
    if let Ok(text) = fs::read_to_string(&table) {
        line(&text);
        note(&format!("also in {}", table.display()));
    }
    attacked
}
