//! clang, with a linker and a C library for WebAssembly.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::{BuildError, tool};

/// What is told when there is none.
const MISSING: BuildError = BuildError::ToolMissing {
    tool: "clang with a C library for WebAssembly",
    install: "apt-get install clang-19 lld-19 libclang-rt-19-dev-wasm32 wasi-libc, or set \
              WASI_SDK_PATH to the folder of a WASI SDK",
};
/// Where a WASI SDK is, by its own convention.
const SDK_VARIABLE: &str = "WASI_SDK_PATH";
/// The newest and oldest version that is looked for by name: Debian's packages are called so.
const VERSIONS: [u32; 2] = [30, 14];
/// The same target, by its new name and its old one: a C library is installed for either.
const TARGETS: [&str; 2] = ["wasm32-wasip1", "wasm32-wasi"];
/// What can be compiled and linked when everything is there.
const PROBE: &str = "#include <stdio.h>\nint probe(void) { return puts(\"\"); }\n";

/// For the size of the module.
const COMPILE: [&str; 4] = ["-Os", "-Wall", "-ffunction-sections", "-fdata-sections"];
/// No entry but the handler. The names of functions stay: they are in the stack of a trap.
/// 1 MiB of stack, before all data: what runs over it traps.
const LINK: [&str; 5] = [
    "-mexec-model=reactor",
    "-Wl,--gc-sections",
    "-Wl,--strip-debug",
    "-Wl,-z,stack-size=1048576",
    "-Wl,--stack-first",
];

/// A clang that can.
#[derive(Debug)]
pub(super) struct Clang {
    pub(super) program: PathBuf,
    target: &'static str,
}

impl Clang {
    /// That of the SDK that the environment names, else one on the search path, the plain name
    /// first and then the newest, else one among the private toolchains.
    pub(super) fn find(toolchains: Option<&Path>, work: &Path) -> Result<Self, BuildError> {
        let probe = work.join("probe.c");
        fs::write(&probe, PROBE).map_err(BuildError::io(&probe))?;
        candidates(toolchains)
            .flat_map(|program| TARGETS.map(|target| Self { program: program.clone(), target }))
            .find(|clang| clang.works(&probe))
            .ok_or(MISSING)
    }

    fn works(&self, probe: &Path) -> bool {
        let mut command = self.command();
        command.args(LINK).arg("-Wl,--export=probe").arg(probe);
        command.arg("-o").arg(probe.with_extension("wasm"));
        command.output().is_ok_and(|output| output.status.success())
    }

    /// Compiles `sources` into `folder`, and gives the objects. Warnings are told.
    pub(super) fn compile(
        &self,
        sources: &[PathBuf],
        library: &Path,
        folder: &Path,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Vec<PathBuf>, BuildError> {
        fs::create_dir_all(folder).map_err(BuildError::io(folder))?;
        let mut command = self.command();
        command.current_dir(folder).arg("-c").args(COMPILE).arg("-I").arg(library);
        for parent in sources.iter().filter_map(|source| source.parent()) {
            // What `__FILE__` says must not depend on where the folder is.
            command.arg(format!("-ffile-prefix-map={}/=", parent.display()));
        }
        command.args(sources);
        let output = tool::output("clang", &mut command)?;
        let said = tool::said(&output);
        if !output.status.success() {
            return Err(tool::failed("clang", &said));
        }
        said.trim().lines().for_each(progress);
        let object = |source: &PathBuf| {
            let name = Path::new(source.file_name().unwrap_or_default());
            folder.join(name).with_extension("o")
        };
        Ok(sources.iter().map(object).collect())
    }

    /// Links `objects` to a core module.
    pub(super) fn link(&self, objects: &[PathBuf], module: &Path) -> Result<Output, BuildError> {
        // Without an option for size: clang would then run any wasm-opt that is on the path.
        let mut command = self.command();
        tool::output("clang", command.args(LINK).args(objects).arg("-o").arg(module))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(format!("--target={}", self.target));
        // These add folders to look for headers in, and options.
        for variable in ["CPATH", "C_INCLUDE_PATH", "LIBRARY_PATH", "CCC_OVERRIDE_OPTIONS"] {
            command.env_remove(variable);
        }
        command
    }
}

fn candidates(toolchains: Option<&Path>) -> impl Iterator<Item = PathBuf> {
    let sdk = env::var_os(SDK_VARIABLE).map(|folder| PathBuf::from(folder).join("bin/clang"));
    let private = toolchains.map(|folder| folder.join("c/bin/clang"));
    let [newest, oldest] = VERSIONS;
    let versions = (oldest..=newest).rev().map(|version| format!("clang-{version}"));
    let installed = std::iter::once("clang".to_owned()).chain(versions);
    sdk.into_iter()
        .chain(installed.filter_map(|name| tool::on_path(&name)))
        .chain(private)
        .filter(|program| program.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    /// A program that is called as clang is, and ends with `code`.
    fn fake(folder: &Path, code: u8) -> PathBuf {
        let program = folder.join("c/bin/clang");
        fs::create_dir_all(program.parent().unwrap()).unwrap();
        fs::write(&program, format!("#!/bin/sh\nexit {code}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        program
    }

    #[test]
    fn only_a_clang_that_makes_modules_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let probe = dir.path().join("probe.c");
        for (code, can) in [(0, true), (1, false)] {
            let clang = Clang { program: fake(dir.path(), code), target: TARGETS[0] };
            assert_eq!(clang.works(&probe), can);
        }
        let none = Clang { program: dir.path().join("none"), target: TARGETS[0] };
        assert!(!none.works(&probe));
    }

    #[test]
    fn the_private_one_is_the_last_choice() {
        let dir = tempfile::tempdir().unwrap();
        let private = fake(dir.path(), 0);
        assert_eq!(candidates(Some(dir.path())).last(), Some(private));
    }

    #[test]
    fn what_is_missing_is_told_with_the_command() {
        let said = MISSING.to_string();
        assert!(said.contains("apt-get install clang-19") && said.contains("wasi-libc"), "{said}");
    }
}
