//! The step that `waystation new` makes, in one language: how large, how fast, and the same twice?

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::Value;
use waystation_build::{Built, Language, Options};

use crate::terminal::{Took, note};
use crate::{program, toolchain};

/// Runs for the median.
const TIMES: &str = "200";

/// What was measured of one language.
pub(super) struct Measured {
    pub(super) language: Language,
    pub(super) bytes: usize,
    /// With nothing fetched before.
    pub(super) first_build: Duration,
    /// With everything fetched, in another folder.
    pub(super) build: Duration,
    /// Did both builds give the same bytes?
    pub(super) reproducible: bool,
    /// What an upload takes: checks and compilation.
    pub(super) upload: Duration,
    pub(super) first_run: Duration,
    pub(super) warm_run: Duration,
}

/// Measures `language`, in `target/languages`.
pub(super) fn of(root: &Path, language: Language) -> Result<Measured> {
    let home = root.join("target/languages").join(language.word());
    if home.exists() {
        fs::remove_dir_all(&home).with_context(|| home.display().to_string())?;
    }
    let cache = home.join("cache");
    let (first, first_build) = build(root, language, &home.join("one"), &cache)?;
    // What was built is kept there, and would be given out again.
    let kept = cache.join("components");
    if kept.exists() {
        fs::remove_dir_all(&kept).with_context(|| kept.display().to_string())?;
    }
    let (second, build) = build(root, language, &home.join("two"), &cache)?;
    let wasm = home.join("hello.wasm");
    fs::write(&wasm, &second.component)?;
    let run = runs(root, &wasm, &home.join("compiled"))?;
    let number = |pointer: &str| {
        run.pointer(pointer).and_then(Value::as_u64).with_context(|| format!("no {pointer}: {run}"))
    };
    Ok(Measured {
        language,
        bytes: second.component.len(),
        first_build,
        build,
        reproducible: first.component == second.component,
        upload: Duration::from_millis(number("/admit_ms")?),
        first_run: Duration::from_micros(number("/run_us/first")?),
        warm_run: Duration::from_micros(number("/run_us/median")?),
    })
}

/// Makes a new step in `folder` and builds it.
fn build(
    root: &Path,
    language: Language,
    folder: &Path,
    cache: &Path,
) -> Result<(Built, Duration)> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let step = waystation_build::new_step(language, "hello", folder)?;
    let options = Options { toolchains: Some(toolchain::folder(root)), cache: cache.to_path_buf() };
    let started = Instant::now();
    let built = waystation_build::build(&step, &options, &mut |line| note(line))?;
    let took = started.elapsed();
    note(&format!("{}: {} bytes, in {}", step.display(), built.component.len(), Took(took)));
    Ok((built, took))
}

/// The report of the sandbox's example `run_step`.
fn runs(root: &Path, wasm: &Path, compiled: &Path) -> Result<Value> {
    fs::DirBuilder::new().mode(0o700).create(compiled)?;
    let mut run_step = Command::new(root.join("target/debug/examples/run_step"));
    run_step.arg(wasm).args(["--props", r#"{"name": "Ada"}"#, "--times", TIMES]);
    let report = program::output(run_step.arg("--compiled").arg(compiled))?;
    Ok(serde_json::from_str(&report)?)
}
