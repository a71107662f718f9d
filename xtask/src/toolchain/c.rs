//! clang, its linker and a C library for WebAssembly, from Debian.

use std::path::Path;

use anyhow::{Result, bail};

use super::say::say;
use super::{debian, folder};

/// What Debian's releases have since bookworm.
const PACKAGES: [&str; 4] = ["clang-19", "lld-19", "libclang-rt-19-dev-wasm32", "wasi-libc"];

/// Makes sure that guests can be built. `false` when they could be before.
pub(crate) fn set_up(root: &Path) -> Result<bool> {
    if let Err(missing) = waystation_build::find_clang(Some(&folder(root))) {
        if !debian::is_debian() {
            bail!("{missing}");
        }
        return debian::install(&PACKAGES);
    }
    say("c: ready (clang makes modules for WASI)");
    Ok(false)
}
