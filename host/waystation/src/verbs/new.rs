//! `waystation new`.

use std::path::Path;

use serde_json::json;
use waystation_build::Language;

use crate::failure::{Done, Failure};
use crate::output;

pub(super) fn run(language: Language, name: &str, json: bool) -> Done {
    let made = waystation_build::new_step(language, name, Path::new("."));
    let folder = made.map_err(Failure::new)?;
    let folder = folder.strip_prefix(".").unwrap_or(&folder);
    if json {
        output::json(&json!({"folder": folder, "language": language.name()}));
    } else {
        output::line(format!("{}/ ({language})", folder.display()));
        output::note(format!("next: cd {name} && waystation build .   (README.md has the rest)"));
        output::note("its links are for who may act: `waystation execution show ID` shows them");
    }
    Ok(())
}
