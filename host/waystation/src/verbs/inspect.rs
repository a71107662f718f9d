//! `waystation component inspect`: what a file is, without a server.

use std::path::Path;

use crate::failure::{Done, Failure};
use crate::output;
use crate::verbs::component;

pub(super) fn run(file: &Path, json: bool) -> Done {
    let failed = |why: String| Failure::new(format!("{}: {why}", file.display()));
    let bytes = std::fs::read(file).map_err(|error| failed(error.to_string()))?;
    let manifest =
        waystation_sandbox::inspect(&bytes).map_err(|error| failed(error.to_string()))?;
    let manifest = serde_json::to_value(manifest).map_err(Failure::new)?;
    if json {
        output::json(&manifest);
    } else {
        output::line(component::describe(&manifest));
    }
    Ok(())
}
