//! What the languages of steps cost, and that each can do everything: `cargo xtask languages` writes the tables of
//! `docs/languages.md`.

mod document;
mod measure;

use std::path::Path;

use anyhow::Result;
use waystation_build::Language;

use crate::terminal::note;
use crate::{guests, program, toolchain};

/// Measures, runs the conformance programs, and writes the document.
pub(crate) fn run(root: &Path) -> Result<()> {
    toolchain::all(root)?;
    guests::build(root, &guests::all(root)?)?;
    program::run(program::cargo(root).args(["build", "--workspace", "--examples"]))?;
    let mut measured = Vec::new();
    for language in Language::ALL {
        note(&format!("\n== {language}"));
        measured.push(measure::of(root, language)?);
    }
    // Its results are in the table also when a cell says that it failed.
    let conformance = conformance(root);
    document::write(root, &measured)?;
    note(&format!("written: {}", document::PATH));
    conformance
}

fn conformance(root: &Path) -> Result<()> {
    let mut cargo = program::cargo(root);
    cargo.args(["test", "--workspace", "--test", "conformance", "--no-fail-fast"]);
    cargo.env("WAYSTATION_TOOLCHAINS", toolchain::folder(root));
    program::run(&mut cargo)
}
