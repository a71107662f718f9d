//! componentize-py: finding and running it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::{environment, layout};
use crate::{BuildError, Options, tool};

/// The module that [`Componentize::compile`] has imported.
const COMPILER: &str = r#""""Compiles the folder /1: what is compiled while a component is built stays in its memory."""

import compileall
import py_compile

MODE = py_compile.PycInvalidationMode.UNCHECKED_HASH
compileall.compile_dir("/1", quiet=2, invalidation_mode=MODE)
raise SystemExit("compiled: there is nothing to make a component of")
"#;

/// A componentize-py of the version that the library is written for.
pub(super) struct Componentize {
    program: PathBuf,
}

impl Componentize {
    /// The one on the search path or among the private toolchains, when it is the right
    /// version; else one of our own, which is set up in the cache.
    pub(super) fn find(
        options: &Options,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Self, BuildError> {
        let private =
            options.toolchains.as_ref().map(|home| home.join("python/bin/componentize-py"));
        let there = tool::on_path("componentize-py")
            .into_iter()
            .chain(private)
            .find(|program| environment::version(program).as_deref() == Some(environment::VERSION));
        let program = match there {
            Some(program) => program,
            None => environment::ensure(&options.cache, progress)?.join("bin/componentize-py"),
        };
        Ok(Self { program })
    }

    /// A Python with pip: the one that componentize-py is installed in, else one of our own.
    pub(super) fn python(
        &self,
        cache: &Path,
        progress: &mut dyn FnMut(&str),
    ) -> Result<PathBuf, BuildError> {
        // What is on the search path may be a link into an environment.
        let program = self.program.canonicalize().map_err(BuildError::io(&self.program))?;
        let beside = program.with_file_name("python3");
        if environment::has_pip(&beside) {
            return Ok(beside);
        }
        Ok(environment::ensure(cache, progress)?.join("bin/python3"))
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
