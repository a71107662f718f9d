//! Why a build failed.

use std::io;
use std::path::{Path, PathBuf};

/// Why no component was made. Every message says what to do, where there is something to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The path leads nowhere.
    #[error("there is no {}", .0.display())]
    NotFound(PathBuf),
    /// The path holds nothing that can be built.
    #[error("can't build {}: {reason}; a step is a Python file or package, a JavaScript or TypeScript file, a Cargo package, a Go module, or a C file", .path.display())]
    Unknown {
        /// The path.
        path: PathBuf,
        /// What is there instead.
        reason: String,
    },
    /// No name for a new step.
    #[error(
        "{0:?} is no name for a step: lower-case letters, digits and `-`, a letter first, at most 64"
    )]
    InvalidName(String),
    /// A new step's folder would have to replace something.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// A tool is not installed.
    #[error("{tool} is missing: {install}")]
    ToolMissing {
        /// Which.
        tool: &'static str,
        /// The command that installs it.
        install: &'static str,
    },
    /// Something is wrong with the step itself.
    #[error("{0}")]
    Step(String),
    /// A tool failed.
    #[error("{tool} failed:\n{output}")]
    ToolFailed {
        /// Which.
        tool: &'static str,
        /// What it said, cut to what matters.
        output: String,
    },
    /// Reading or writing a file failed.
    #[error("{}: {source}", .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl BuildError {
    /// Names the file in an I/O error.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_path_buf();
        move |source| Self::Io { path, source }
    }
}
