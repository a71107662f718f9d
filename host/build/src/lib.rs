//! Makes a component from a step's source, with the toolchain of its language.
//!
//! [`build`] looks at the path, finds the tools, and gives the component's bytes. It carries
//! the WIT and the libraries that it needs, so it works wherever the binary is.
//!
//! # Layout
//!
//! - what a path holds: [`Source`], [`Language`]
//! - one folder a language: `python`, `javascript`, `cargo`, `go`, `c`
//! - a folder to start from: [`new_step`]
//! - a component from a core module, for compilers that know no components: `component`
//! - running a tool and showing why it failed: `tool`
//! - components that were built before: `kept`
//!
//! Knows nothing of hosts, stores and workflows.

mod assets;
mod c;
mod cargo;
mod component;
mod error;
mod go;
mod javascript;
mod kept;
mod language;
mod new;
mod python;
mod source;
mod tool;

use std::path::{Path, PathBuf};

pub use c::find_clang;
pub use cargo::target_is_installed;
pub use error::BuildError;
pub use go::find_go;
pub use language::Language;
pub use new::new_step;
pub use source::{CSource, PythonSource, Source};

/// Where tools and what was fetched are.
#[derive(Clone, Debug)]
pub struct Options {
    /// Toolchains that were set up privately, as `cargo xtask toolchain` does: `python` is a
    /// virtual environment, `rust` a compiler for `wasm32-wasip2`. What is installed on the
    /// machine goes first.
    pub toolchains: Option<PathBuf>,
    /// Keeps what was fetched, so that the next build needs no network. Made when missing.
    pub cache: PathBuf,
}

impl Options {
    fn absolute(&self) -> Result<Self, BuildError> {
        let absolute = |path: &Path| std::path::absolute(path).map_err(BuildError::io(path));
        Ok(Self {
            toolchains: self.toolchains.as_deref().map(absolute).transpose()?,
            cache: absolute(&self.cache)?,
        })
    }
}

/// A component.
#[derive(Clone, Debug)]
pub struct Built {
    /// The component's bytes.
    pub component: Vec<u8>,
    /// What it was written in.
    pub language: Language,
    /// What the source calls itself: the file's stem, the package's or folder's name.
    pub name: String,
}

/// Builds what `source` holds; `progress` is told, in a line each, what takes long.
///
/// The same source gives the same bytes, with the same tools and cache.
///
/// # Errors
///
/// A [`BuildError`] that is written for the step's author.
pub fn build(
    source: &Path,
    options: &Options,
    progress: &mut dyn FnMut(&str),
) -> Result<Built, BuildError> {
    let source = Source::at(source)?;
    let name = source.name();
    // Tools run in other folders.
    let options = &options.absolute()?;
    let component = match &source {
        Source::Python(step) => python::build(step, options, progress),
        Source::JavaScript(file) => javascript::build(file, options, progress),
        Source::Cargo { manifest } => cargo::build(manifest, options, progress),
        Source::Go { folder } => go::build(folder, options, progress),
        Source::C(step) => c::build(step, options, progress),
    }?;
    Ok(Built { component, language: source.language(), name })
}
