//! What the guests' languages and the tests need, set up once and privately where that is
//! possible: in `target/toolchains`. What is ready costs a look and no network; what was
//! interrupted is done again.

mod c;
mod debian;
mod go;
mod javascript;
mod prefix;
mod python;
mod rust;
mod say;

use std::path::{Path, PathBuf};

use anyhow::Result;
use waystation_build::Language;

use say::say;

/// What the tests need of Debian.
const TEST_PACKAGES: [&str; 7] =
    ["chromium", "chromium-driver", "e2fsprogs", "faketime", "mount", "openssl", "strace"];

/// Sets up everything. `false` when all was there.
pub(crate) fn all(root: &Path) -> Result<bool> {
    let mut worked = false;
    for language in Language::ALL.into_iter().filter(|one| *one != Language::TypeScript) {
        worked |= of(language, root)?; // TypeScript has JavaScript's tools
    }
    worked |= debian_packages(&TEST_PACKAGES)?;
    Ok(worked)
}

/// Sets up packages of Debian; elsewhere it says what is needed. `false` when all was there.
pub(crate) fn debian_packages(packages: &[&str]) -> Result<bool> {
    if debian::is_debian() {
        return debian::install(packages);
    }
    say(&format!("tests: install what belongs to {}", packages.join(", ")));
    Ok(false)
}

/// Sets up what guests in `language` need. `false` when it was there.
pub(crate) fn of(language: Language, root: &Path) -> Result<bool> {
    match language {
        Language::Python => python::set_up(root),
        Language::JavaScript | Language::TypeScript => javascript::set_up(root),
        Language::Rust => rust::set_up(root),
        Language::Go => go::set_up(root),
        Language::C => c::set_up(root),
    }
}

/// Where the private toolchains are; `waystation_build::Options::toolchains` wants it.
pub(crate) fn folder(root: &Path) -> PathBuf {
    root.join("target/toolchains")
}

/// What builds fetched and made; `waystation_build::Options::cache` wants it. The tests let the
/// binary use it too, by `XDG_CACHE_HOME`.
pub(crate) fn cache(root: &Path) -> PathBuf {
    root.join("target/cache/waystation")
}
