//! A component from Python, by componentize-py.
//!
//! componentize-py is the machine's, or one that is set up in the cache ([`environment`]). The
//! step is laid out in a folder of its own ([`layout`]), beside the library and the WIT
//! that this crate carries; its dependencies are installed into the cache ([`requirements`]);
//! componentize-py then imports all of it once and keeps the memory. What is wrong with the
//! step comes out of that import as a line that [`report`] reads.

mod componentize;
mod environment;
mod imports;
mod layout;
mod pip;
mod report;
mod requirements;
mod times;

use std::fs;
use std::path::Path;

use crate::kept::{Kept, hex};
use crate::source::PythonSource;
use crate::{BuildError, Options, assets, tool};
use componentize::Componentize;
use layout::Layout;

/// Builds `step`.
pub(crate) fn build(
    step: &PythonSource,
    options: &Options,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<u8>, BuildError> {
    let componentize = Componentize::find(options, progress)?;
    let work = tempfile::tempdir().map_err(BuildError::io(Path::new("a temporary folder")))?;
    let work = work.path();

    let layout = Layout::write(step, &work.join("app"))?;
    assets::write::<assets::PythonLibrary>(&work.join("library/waystation"))?;
    assets::write::<assets::Wit>(&work.join("wit"))?;
    let dependencies = requirements::install(&layout, &componentize, &options.cache, progress)?;
    let dependencies = dependencies.as_deref();

    let which = dependencies.map_or_else(String::new, |folder| folder.display().to_string());
    let kept = Kept::at(&options.cache, work, &[environment::VERSION, &which])?;
    if let Some(component) = kept.get() {
        progress("nothing has changed since it was built");
        return Ok(component);
    }

    progress("building with componentize-py");
    times::settle(work)?;
    let wasm = work.join("step.wasm");
    let output = componentize.run(work, dependencies, &wasm)?;
    if !output.status.success() {
        return Err(report::read(&tool::said(&output)));
    }
    let component = fs::read(&wasm).map_err(BuildError::io(&wasm))?;
    kept.put(&component)?;
    Ok(component)
}
