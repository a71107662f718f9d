//! All tests: `cargo xtask test`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};

use crate::check::deny;
use crate::terminal::{Took, note};
use crate::{fuzz, guests, program, toolchain};

/// Runs them. All parts run, also when one fails.
pub(crate) fn run(root: &Path) -> Result<()> {
    let mut parts = Parts(Vec::new());
    let mut worked = false;
    parts.run("set up", || {
        worked |= toolchain::all(root)?;
        Ok(())
    });
    parts.run("guests", || {
        worked |= guests::build(root, &guests::all(root)?)?;
        Ok(())
    });
    if !worked {
        note("nothing was left to set up");
    }
    parts.run("dependencies", || deny::check(root));
    // The tests run the binary, which `cargo test` does not build.
    parts.run("binary", || program::run(program::cargo(root).args(["build", "--workspace"])));
    parts.run("workspace", || {
        let mut cargo = program::cargo(root);
        cargo.args(["test", "--workspace", "--no-fail-fast"]);
        // Most tests wait for servers, so more of them fit than there are cores.
        cargo.env("RUST_TEST_THREADS", "4");
        program::run(cargo.env("WAYSTATION_TOOLCHAINS", toolchain::folder(root)))
    });
    parts.run("fuzzing", || {
        let done = fuzz::run(root, &fuzz::Wish::short())?;
        ensure!(done == ExitCode::SUCCESS, "an input breaks a target");
        Ok(())
    });
    parts.run("Python library", || {
        let python = toolchain::folder(root).join("python/bin/python3");
        let discover = ["-m", "unittest", "discover", "--start-directory", "tests"];
        program::run(Command::new(python).args(discover).current_dir(root.join("guest-sdk/python")))
    });
    parts.run("JavaScript library", || {
        let mut node = Command::new("node");
        program::run(node.arg("--test").current_dir(root.join("guest-sdk/javascript")))
    });
    parts.run("Rust library", || {
        // Not a part of the workspace: a folder of its own, below this target folder.
        let target = root.join("target/guest-sdk-rust");
        let mut cargo = program::cargo(&root.join("guest-sdk/rust"));
        program::run(cargo.args(["test", "--workspace", "--target-dir"]).arg(target))
    });
    parts.run("Go library", || {
        let go = waystation_build::find_go(Some(&toolchain::folder(root)))?;
        let mut test = Command::new(go);
        test.args(["test", "./..."]).current_dir(root.join("guest-sdk/go"));
        // It has no dependencies: nothing is fetched.
        program::run(test.envs([("GOTOOLCHAIN", "local"), ("GOPROXY", "off"), ("GOFLAGS", "")]))
    });
    parts.run("C library", || c_library(root));
    parts.report()
}

/// The C library's tests, on this machine and without a host: all of it but HTTP, which needs one.
fn c_library(root: &Path) -> Result<()> {
    let folder = root.join("guest-sdk/c");
    let mut sources = c_files(&folder.join("tests"))?;
    let needs_a_host = |file: &PathBuf| {
        file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"http"))
    };
    sources.extend(c_files(&folder.join("waystation"))?.into_iter().filter(|f| !needs_a_host(f)));
    let test = root.join("target/guest-sdk-c-test");
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-g", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined"]);
    cc.arg("-I").arg(folder.join("waystation")).args(sources).args(["-lm", "-o"]).arg(&test);
    program::run(&mut cc)?;
    program::run(&mut Command::new(test))
}

fn c_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|kind| kind == "c") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// What ran, how it went, and how long it took.
struct Parts(Vec<(&'static str, Took, Result<()>)>);

impl Parts {
    fn run(&mut self, name: &'static str, part: impl FnOnce() -> Result<()>) {
        note(&format!("\n== {name}"));
        let start = Instant::now();
        let result = part();
        self.0.push((name, Took::since(start), result));
    }

    fn report(self) -> Result<()> {
        note("");
        let mut failed = Vec::new();
        for (name, took, result) in self.0 {
            match result {
                Ok(()) => note(&format!("{name:<19} ok      {took}")),
                Err(error) => {
                    note(&format!("{name:<19} FAILED  {took}: {error:#}"));
                    failed.push(name);
                }
            }
        }
        if failed.is_empty() { Ok(()) } else { bail!("failed: {}", failed.join(", ")) }
    }
}
