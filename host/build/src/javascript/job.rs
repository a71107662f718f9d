//! The folder that a step is built in, and the programs that run there.
//!
//! ```text
//! *.mjs             the programs
//! node_modules      the tools, a link into the cache
//! waystation/       the library
//! component/wit/    the world
//! component/step.js the step, its modules and the library in one
//! job.json          what to do
//! result.json       what came of it
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::node::Node;
use super::report::{Bundled, Report};
use super::tools;
use crate::{BuildError, assets, tool};

/// What the world is made of: it names no HTTP, which the engine adds by itself.
const WIT_FILES: [&str; 2] = ["step.wit", "deps/cli.wit"];

/// A step that is being built.
pub(super) struct Job {
    step: PathBuf,
    /// Removed with the job.
    work: tempfile::TempDir,
    /// Where packages are that the step's own `node_modules` lack.
    modules: Vec<PathBuf>,
    /// Names the programs and tools.
    recipe: String,
}

impl Job {
    /// Lays out the folder for `step`, with the tools in `tools`.
    pub(super) fn lay_out(step: &Path, tools: &Path) -> Result<Self, BuildError> {
        let nowhere = Path::new("a temporary folder");
        let work = tempfile::tempdir().map_err(BuildError::io(nowhere))?;
        let folder = work.path();
        assets::write::<assets::JavaScriptTools>(folder)?;
        assets::write::<assets::JavaScriptLibrary>(&folder.join("waystation"))?;
        link(&tools.join("node_modules"), &folder.join("node_modules"))?;
        let wit = folder.join("component/wit");
        write(&wit.join("world.wit"), assets::JavaScriptTools::get("world.wit"))?;
        for name in WIT_FILES {
            write(&wit.join(name), assets::Wit::get(name))?;
        }
        let names = tools.file_name().unwrap_or_default().to_string_lossy();
        let programs = programs();
        let recipe = format!("{names} {}", tools::key(&borrowed(&programs)));
        Ok(Self { step: step.to_path_buf(), work, modules: Vec::new(), recipe })
    }

    /// Looks for packages in `folder`, too.
    pub(super) fn add_modules(&mut self, folder: PathBuf) {
        self.modules.push(folder);
    }

    /// Makes one module of the step, its modules and the library; tells what packages it lacks.
    pub(super) fn bundle(
        &self,
        node: &Node,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Bundled, BuildError> {
        let report = self.run("bundle", node)?;
        for warning in report.warnings() {
            progress(warning);
        }
        report.bundled(&self.step)
    }

    /// Makes the component of what was bundled.
    pub(super) fn componentize(&self, node: &Node) -> Result<Vec<u8>, BuildError> {
        self.run("componentize", node)?.bundled(&self.step)?;
        let wasm = self.work.path().join("step.wasm");
        fs::read(&wasm).map_err(BuildError::io(&wasm))
    }

    /// The folder of everything that the component depends on, but for [`Self::recipe`].
    pub(super) fn component(&self) -> PathBuf {
        self.work.path().join("component")
    }

    /// Names the programs and tools that make the component.
    pub(super) fn recipe(&self) -> &str {
        &self.recipe
    }

    fn run(&self, phase: &str, node: &Node) -> Result<Report, BuildError> {
        // Node tells files by their real path.
        let work = self.work.path();
        let work = work.canonicalize().map_err(BuildError::io(work))?;
        let job = json!({
            "phase": phase,
            "step": self.step,
            "work": work,
            "library": work.join("waystation"),
            "modules": self.modules,
        });
        let file = work.join("job.json");
        fs::write(&file, job.to_string()).map_err(BuildError::io(&file))?;
        let output = node.run(&work, "build.mjs", &file)?;
        let result = fs::read_to_string(work.join("result.json")).unwrap_or_default();
        match serde_json::from_str(&result) {
            Ok(report) if output.status.success() => Ok(report),
            _ => Err(tool::failed("node", &tool::said(&output))),
        }
    }
}

/// The programs, by name.
fn programs() -> Vec<(String, String)> {
    let mut programs: Vec<_> = assets::JavaScriptTools::iter()
        .filter_map(|name| {
            let text = assets::JavaScriptTools::get(&name)?.data;
            Some((name.to_string(), String::from_utf8_lossy(&text).into_owned()))
        })
        .collect();
    programs.sort();
    programs
}

fn borrowed(files: &[(String, String)]) -> Vec<(&str, &str)> {
    files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect()
}

fn write(path: &Path, file: Option<rust_embed::EmbeddedFile>) -> Result<(), BuildError> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(BuildError::io(folder))?;
    let bytes = file.map(|file| file.data).unwrap_or_default();
    fs::write(path, bytes).map_err(BuildError::io(path))
}

#[cfg(unix)]
fn link(target: &Path, link: &Path) -> Result<(), BuildError> {
    std::os::unix::fs::symlink(target, link).map_err(BuildError::io(link))
}

#[cfg(not(unix))]
fn link(target: &Path, link: &Path) -> Result<(), BuildError> {
    std::os::windows::fs::symlink_dir(target, link).map_err(BuildError::io(link))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_has_the_programs_the_library_and_the_world() {
        let tools = tempfile::tempdir().unwrap();
        fs::create_dir(tools.path().join("node_modules")).unwrap();
        let job = Job::lay_out(Path::new("/x/step.js"), tools.path()).unwrap();
        let work = job.work.path();
        for file in [
            "build.mjs",
            "waystation/component/entry.js",
            "component/wit/world.wit",
            "component/wit/step.wit",
            "component/wit/deps/cli.wit",
        ] {
            assert!(work.join(file).metadata().is_ok_and(|about| about.len() > 0), "{file}");
        }
        assert!(work.join("node_modules").is_dir());
    }
}
