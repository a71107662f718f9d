//! All tests: `cargo xtask test`.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::terminal::{Took, note};
use crate::{guests, program, toolchain};

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
    // The tests run the binary, which `cargo test` does not build.
    parts.run("binary", || program::run(program::cargo(root).args(["build", "--workspace"])));
    parts.run("workspace", || {
        let mut cargo = program::cargo(root);
        cargo.args(["test", "--workspace", "--no-fail-fast"]);
        // Most tests wait for servers, so more of them fit than there are cores.
        cargo.env("RUST_TEST_THREADS", "4");
        program::run(cargo.env("WAYSTATION_TOOLCHAINS", toolchain::folder(root)))
    });
    parts.run("Python library", || {
        let python = toolchain::folder(root).join("python/bin/python3");
        let discover = ["-m", "unittest", "discover", "--start-directory", "tests"];
        program::run(Command::new(python).args(discover).current_dir(root.join("guest-sdk/python")))
    });
    parts.run("Rust library", || {
        // Not a part of the workspace: a folder of its own, below this target folder.
        let target = root.join("target/guest-sdk-rust");
        let mut cargo = program::cargo(&root.join("guest-sdk/rust"));
        program::run(cargo.args(["test", "--workspace", "--target-dir"]).arg(target))
    });
    parts.report()
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
                Ok(()) => note(&format!("{name:<16} ok      {took}")),
                Err(error) => {
                    note(&format!("{name:<16} FAILED  {took}: {error:#}"));
                    failed.push(name);
                }
            }
        }
        if failed.is_empty() { Ok(()) } else { bail!("failed: {}", failed.join(", ")) }
    }
}
