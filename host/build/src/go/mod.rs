//! A component from Go, by the Go compiler.
//!
//! Go makes a core module for WASI preview 1, which [`component`] makes a component of. A module
//! that says where `waystation/step` is, by a `replace` or a workspace, is built as it stands.
//! Any other gets the library that this crate carries. Go's own caches make the next build quick.

mod toolchain;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{BuildError, Options, assets, component, tool};
use toolchain::Go;
pub use toolchain::find as find_go;

/// The library's module.
const LIBRARY: &str = "waystation/step";
/// What the linker is told: no symbols, nothing that differs from build to build, and that the
/// library's use of the runtime's `sbrk` is meant.
const LINK: &str = "-s -w -buildid= -checklinkname=0";
/// A file that is added to the step when it uses net/http: it brings the way through the host.
const HTTP: &str = "package main\n\nimport _ \"waystation/step/stephttp\"\n";
/// Its name in the step's folder, where it never is.
const HTTP_FILE: &str = "waystation_stephttp.go";

/// Builds the module of `folder`.
pub(crate) fn build(
    folder: &Path,
    options: &Options,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<u8>, BuildError> {
    let go = Go::find(options.toolchains.as_deref())?;
    let work = tempfile::tempdir().map_err(BuildError::io(Path::new("a temporary folder")))?;
    let step = Step { go, folder, workspace: None, work: work.path() };
    let step = step.with_library()?;
    let packages = step.packages()?;
    if packages.lines().last() != Some("main") {
        return Err(BuildError::Step(format!(
            "{}: the module's folder has no package main with a func main that calls step.Run",
            folder.display()
        )));
    }
    progress("go build for wasip1");
    step.compile(packages.lines().any(|package| package == "net/http"))
}

/// A step on its way.
struct Step<'a> {
    go: Go,
    folder: &'a Path,
    /// Brings the step and the library together.
    workspace: Option<PathBuf>,
    work: &'a Path,
}

impl Step<'_> {
    /// Supplies the library, unless the module knows where it is.
    fn with_library(mut self) -> Result<Self, BuildError> {
        let mut list = self.command("list");
        list.args(["-m", "-f", "{{.Dir}}", LIBRARY]);
        let listed = tool::output("go", &mut list)?;
        if listed.status.success() && !listed.stdout.trim_ascii().is_empty() {
            return Ok(self);
        }
        let library = self.work.join("waystation-step");
        assets::write::<assets::GoLibrary>(&library)?;
        // Not a `replace` in a copy of go.mod: that folder's name would be in the component.
        let workspace = self.work.join("go.work");
        let mut init = self.command("work");
        init.arg("init").arg(self.folder).arg(&library).env("GOWORK", &workspace);
        tool::run("go", &mut init)?;
        self.workspace = Some(workspace);
        Ok(self)
    }

    /// The packages that the step is made of, and last the name of its own.
    fn packages(&self) -> Result<String, BuildError> {
        let mut list = self.command("list");
        list.args(["-deps", "-f", "{{if .DepOnly}}{{.ImportPath}}{{else}}{{.Name}}{{end}}", "."]);
        let output = tool::output("go", &mut list)?;
        if !output.status.success() {
            // It lists what it found all the same.
            return Err(tool::failed("go", &String::from_utf8_lossy(&output.stderr)));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn compile(&self, uses_http: bool) -> Result<Vec<u8>, BuildError> {
        let module = self.work.join("step.wasm");
        let mut go = self.command("build");
        // `-trimpath`: no folder of this machine is in the module.
        go.args(["-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-ldflags", LINK]);
        if uses_http {
            go.arg("-overlay").arg(self.overlay()?);
        }
        go.arg("-o").arg(&module).arg(".");
        let output = tool::output("go", &mut go)?;
        if !output.status.success() {
            return Err(tool::failed("go", &tool::said(&output)));
        }
        component::from_core_module(fs::read(&module).map_err(BuildError::io(&module))?)
    }

    /// Tells Go of the file that stands for one in the step's folder.
    fn overlay(&self) -> Result<PathBuf, BuildError> {
        let file = self.work.join(HTTP_FILE);
        fs::write(&file, HTTP).map_err(BuildError::io(&file))?;
        let place = self.folder.join(HTTP_FILE);
        let overlay = self.work.join("overlay.json");
        let text = serde_json::json!({ "Replace": { (place.to_string_lossy()): file } });
        fs::write(&overlay, text.to_string()).map_err(BuildError::io(&overlay))?;
        Ok(overlay)
    }

    /// `go WHAT` in the step's folder, with the library where it was supplied.
    fn command(&self, what: &str) -> Command {
        let mut go = self.go.command();
        go.current_dir(self.folder).arg(what);
        if let Some(workspace) = &self.workspace {
            go.env("GOWORK", workspace);
        }
        go
    }
}
