//! componentize-py: finding and running it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::layout;
use crate::{BuildError, tool};

/// With the version that the library is written for.
const INSTALL: &str = "pip install componentize-py==0.25.1";

/// The module that [`Componentize::compile`] has imported.
const COMPILER: &str = r#""""Compiles the folder /1: what is compiled while a component is built stays in its memory."""

import compileall
import py_compile

MODE = py_compile.PycInvalidationMode.UNCHECKED_HASH
compileall.compile_dir("/1", quiet=2, invalidation_mode=MODE)
raise SystemExit("compiled: there is nothing to make a component of")
"#;

/// An installed componentize-py.
pub(super) struct Componentize {
    program: PathBuf,
}

impl Componentize {
    /// The one on the search path, else the one among the private toolchains.
    pub(super) fn find(toolchains: Option<&Path>) -> Result<Self, BuildError> {
        tool::on_path("componentize-py")
            .or_else(|| {
                Some(toolchains?.join("python/bin/componentize-py")).filter(|p| p.is_file())
            })
            .map(|program| Self { program })
            .ok_or(BuildError::ToolMissing { tool: "componentize-py", install: INSTALL })
    }

    /// The Python that it is installed in, or the machine's.
    pub(super) fn python(&self) -> Result<PathBuf, BuildError> {
        let beside = self.program.with_file_name("python3");
        if beside.is_file() { Some(beside) } else { tool::on_path("python3") }.ok_or(
            BuildError::ToolMissing { tool: "python3", install: "apt-get install python3-venv" },
        )
    }

    /// Which it is.
    pub(super) fn version(&self) -> Result<String, BuildError> {
        let output = tool::run("componentize-py", Command::new(&self.program).arg("--version"))?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().into())
    }

    /// Makes `wasm` of what is laid out in `work`, and of `dependencies`.
    pub(super) fn run(
        &self,
        work: &Path,
        dependencies: Option<&Path>,
        wasm: &Path,
    ) -> Result<Output, BuildError> {
        let mut command = self.command(work, layout::ENTRY_MODULE)?;
        command.args(["-p", "app", "-p", "library"]).arg("-o").arg(wasm);
        if let Some(folder) = dependencies {
            command.arg("-p").arg(folder);
        }
        tool::output("componentize-py", &mut command)
    }

    /// Compiles the modules in `folder`, by the Python that will import them: a component then
    /// does not carry what its compiler left behind, a third of its size.
    pub(super) fn compile(&self, folder: &Path) -> Result<(), BuildError> {
        let work = tempfile::tempdir().map_err(BuildError::io(folder))?;
        let work = work.path();
        crate::assets::write::<crate::assets::Wit>(&work.join("wit"))?;
        let app = work.join("app");
        fs::create_dir(&app).map_err(BuildError::io(&app))?;
        fs::write(app.join("compiler.py"), COMPILER).map_err(BuildError::io(&app))?;
        let mut command = self.command(work, "compiler")?;
        command.args(["-p", "app", "-p"]).arg(folder).args(["-o", "none.wasm"]);
        // It always fails: no component comes of it. A module that is not compiled here is when
        // it is imported.
        tool::output("componentize-py", &mut command).map(|_| ())
    }

    fn command(&self, work: &Path, module: &str) -> Result<Command, BuildError> {
        // componentize-py adds the packages of the Python around it, unless it is told of a
        // virtual environment: an empty one, so that only what is asked for comes in.
        let none = work.join("no-env/lib/python3/site-packages");
        fs::create_dir_all(&none).map_err(BuildError::io(&none))?;
        let mut command = Command::new(&self.program);
        command
            .current_dir(work)
            .args(["-d", "wit", "-w", "step-http", "componentize", module])
            .env("VIRTUAL_ENV", work.join("no-env"))
            .env("RUST_BACKTRACE", "0")
            .env_remove("PYTHONPATH")
            .env_remove("PYTHONHOME");
        Ok(command)
    }
}
