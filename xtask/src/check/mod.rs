//! Everything that is checked without running the product: `cargo xtask check`.

mod codes;
pub(crate) mod deny;
mod wit;

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, bail, ensure};

use crate::program::{cargo, output, run as execute};
use crate::terminal::{Took, note};

/// What `waystation-core` must not depend on: it decides, and does nothing else.
const NOT_IN_CORE: [&str; 4] = ["axum", "sled", "tokio", "wasmtime"];

type Check = fn(&Path) -> Result<()>;

const CHECKS: [(&str, Check); 7] = [
    ("error codes", codes::check),
    ("copies of the WIT", wit::check),
    ("core's dependencies", core_is_pure),
    ("formatting", |root| execute(cargo(root).args(["fmt", "--all", "--check"]))),
    ("lints", |root| {
        let all = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
        execute(cargo(root).args(all))
    }),
    ("documentation", |root| {
        let doc = ["doc", "--workspace", "--no-deps"];
        execute(cargo(root).args(doc).env("RUSTDOCFLAGS", "-Dwarnings"))
    }),
    ("dependencies", deny::check),
];

/// Runs all checks, also when one fails.
pub(crate) fn run(root: &Path) -> Result<()> {
    let mut failed = Vec::new();
    for (name, check) in CHECKS {
        let start = Instant::now();
        match check(root) {
            Ok(()) => note(&format!("{name}: ok, {}", Took::since(start))),
            Err(error) => {
                note(&format!("{name}: FAILED: {error:#}"));
                failed.push(name);
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("failed: {}", failed.join(", ")) }
}

fn core_is_pure(root: &Path) -> Result<()> {
    let tree = ["tree", "--package", "waystation-core", "--edges", "normal", "--prefix", "none"];
    let tree = output(cargo(root).args(tree))?;
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    let wrong: Vec<&str> = names.filter(|name| NOT_IN_CORE.contains(name)).collect();
    ensure!(wrong.is_empty(), "waystation-core depends on {}", wrong.join(", "));
    Ok(())
}
