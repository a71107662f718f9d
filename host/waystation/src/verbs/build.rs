//! `waystation build`.

use std::path::{Path, PathBuf};

use serde_json::json;
use waystation_build::{BuildError, Options};

use crate::failure::{Done, Failure};
use crate::table::size;
use crate::{output, progress};

pub(super) fn run(path: &Path, output: Option<&Path>, json: bool) -> Done {
    let options = Options {
        toolchains: std::env::var_os("WAYSTATION_TOOLCHAINS").map(PathBuf::from),
        cache: cache(),
    };
    let spinner = progress::spinner("looking at the source");
    let built = waystation_build::build(path, &options, &mut |text| {
        spinner.set_message(text.to_owned());
    });
    spinner.finish_and_clear();
    let built = built.map_err(|error| match error {
        BuildError::NotFound(_) | BuildError::Unknown { .. } => Failure::usage(error),
        _ => Failure::new(error),
    })?;
    let file = output.map_or_else(|| PathBuf::from(format!("{}.wasm", built.name)), Path::to_owned);
    let shown = file.display().to_string();
    std::fs::write(&file, &built.component)
        .map_err(|error| Failure::new(format!("{shown}: {error}")))?;
    let bytes = built.component.len() as u64;
    if json {
        let (language, name) = (built.language, built.name);
        output::json(&json!({"file": shown, "language": language, "name": name, "size": bytes}));
    } else {
        output::line(format!("built {shown} from {} ({})", built.language, size(bytes)));
        output::note(format!("next: waystation component push {shown}"));
    }
    Ok(())
}

/// Where builds keep what they fetched.
fn cache() -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_CACHE_HOME")
        .or_else(|| Some(set("HOME")?.join(".cache")))
        .unwrap_or_else(std::env::temp_dir)
        .join("waystation")
}
