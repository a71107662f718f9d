//! Sets up what is missing, then does it: `cargo xtask toolchain`.

mod toolchain;

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

const USAGE: &str = "usage: cargo xtask COMMAND

commands:
  toolchain    set up what the guests' languages and the tests need";

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["toolchain"] => toolchain::all(&root()),
        _ => bail!(USAGE),
    }
}

/// The repository's folder.
fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_path_buf()
}
