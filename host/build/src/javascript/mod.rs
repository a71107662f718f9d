//! A component from JavaScript or TypeScript, by esbuild and componentize-js.
//!
//! The build's folder holds the library, the WIT and the programs for Node that this crate
//! carries (`tools/`); the tools they use are installed into the cache ([`tools`]). First the
//! step, its modules and the library become one module; packages it lacks are installed, too
//! ([`packages`]). Then componentize-js loads that module once and keeps the engine's memory.
//! What is wrong with the step comes out of either as JSON, which [`report`] reads.

mod job;
mod node;
mod packages;
mod report;
mod tools;

use std::path::Path;

use crate::kept::Kept;
use crate::{BuildError, Options};
use job::Job;
use node::Node;
use packages::Packages;
use report::Bundled;

/// Builds `file`.
pub(crate) fn build(
    file: &Path,
    options: &Options,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<u8>, BuildError> {
    let node = Node::find()?;
    let tools = tools::install(&node, &options.cache, progress)?;
    let mut packages = Packages::new(file, &options.cache);
    let mut job = Job::lay_out(file, &tools)?;
    while let Bundled::Lacks(missing) = job.bundle(&node, progress)? {
        let folder = packages.install(&missing, &node, progress)?;
        job.add_modules(folder);
    }
    let kept = Kept::at(&options.cache, &job.component(), &[job.recipe()])?;
    if let Some(component) = kept.get() {
        progress("nothing has changed since it was built");
        return Ok(component);
    }
    progress("building with componentize-js");
    let component = job.componentize(&node)?;
    kept.put(&component)?;
    Ok(component)
}
