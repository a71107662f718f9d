//! A component from Python, by componentize-py.
//!
//! The step is laid out in a folder of its own ([`layout`]), beside the library and the WIT
//! that this crate carries; its dependencies are installed into the cache ([`requirements`]);
//! componentize-py then imports all of it once and keeps the memory. What is wrong with the
//! step comes out of that import as a line that [`report`] reads.

mod imports;
mod layout;
mod report;
mod requirements;
mod times;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::source::PythonSource;
use crate::{BuildError, Options, assets, tool};
use layout::Layout;

/// With the version that the library is written for.
const INSTALL: &str = "pip install componentize-py==0.25.1";

/// Builds `step`.
pub(crate) fn build(
    step: &PythonSource,
    options: &Options,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<u8>, BuildError> {
    let componentize = componentize_py(options.toolchains.as_deref())?;
    let work = tempfile::tempdir().map_err(BuildError::io(Path::new("a temporary folder")))?;
    let work = work.path();

    let layout = Layout::write(step, &work.join("app"))?;
    let dependencies = requirements::install(&layout, &componentize, &options.cache, progress)?;
    assets::write::<assets::PythonLibrary>(&work.join("library/waystation"))?;
    assets::write::<assets::Wit>(&work.join("wit"))?;
    // componentize-py adds the packages of the Python around it, unless it is told of a
    // virtual environment: an empty one, so that only what is asked for comes in.
    fs::create_dir_all(work.join("no-env/site-packages")).map_err(BuildError::io(work))?;
    times::settle(work)?;

    progress("building with componentize-py");
    let wasm = work.join("step.wasm");
    let mut command = Command::new(&componentize);
    command
        .current_dir(work)
        .args(["-d", "wit", "-w", "step-http", "componentize", layout::ENTRY_MODULE])
        .args(["-p", "app", "-p", "library"])
        .arg("-o")
        .arg(&wasm)
        .env("VIRTUAL_ENV", work.join("no-env"))
        .env("PYTHONHASHSEED", "0")
        .env("RUST_BACKTRACE", "0")
        .env_remove("PYTHONPATH")
        .env_remove("PYTHONHOME");
    if let Some(folder) = &dependencies {
        command.arg("-p").arg(folder);
    }
    let output = tool::output("componentize-py", &mut command)?;
    if !output.status.success() {
        return Err(report::read(&tool::said(&output)));
    }
    fs::read(&wasm).map_err(BuildError::io(&wasm))
}

/// The installed one, else the one among the private toolchains.
fn componentize_py(toolchains: Option<&Path>) -> Result<PathBuf, BuildError> {
    tool::on_path("componentize-py")
        .or_else(|| {
            let private = toolchains?.join("python/bin/componentize-py");
            private.is_file().then(|| private.canonicalize().unwrap_or(private))
        })
        .ok_or(BuildError::ToolMissing { tool: "componentize-py", install: INSTALL })
}
