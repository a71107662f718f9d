//! `waystation component inspect`: what a file is, without a server.

use std::path::Path;

use serde_json::json;
use waystation_sandbox::Manifest;

use crate::failure::{Done, Failure};
use crate::output;

pub(super) fn run(file: &Path, json: bool) -> Done {
    let at = |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", file.display()));
    let bytes = std::fs::read(file).map_err(|error| at(&error))?;
    let manifest = waystation_sandbox::inspect(&bytes).map_err(|error| at(&error))?;
    if json {
        output::json(&json!(manifest));
    } else {
        output::line(describe(&manifest));
    }
    Ok(())
}

fn describe(manifest: &Manifest) -> String {
    let Manifest { digest, size, imports, exports, abilities } = manifest;
    let list = |lines: &[String]| {
        let lines: Vec<String> = lines.iter().map(|line| format!("  {line}")).collect();
        if lines.is_empty() { "  nothing".to_owned() } else { lines.join("\n") }
    };
    format!(
        "A component that runs as a step: {digest}, {size} bytes.\n\nWhat it can do:\n{}\n\n\
         It imports:\n{}\n\nIt exports:\n{}",
        list(abilities),
        list(imports),
        list(exports)
    )
}
