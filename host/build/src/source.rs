//! What can be built.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::BuildError;

/// What a path holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A step in Python.
    Python(PythonSource),
    /// A Cargo package.
    Cargo {
        /// Its `Cargo.toml`.
        manifest: PathBuf,
    },
}

/// A step in Python.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PythonSource {
    /// One file; modules that stand beside it come along when they are imported.
    File(PathBuf),
    /// A package: a folder with `__init__.py`.
    Package(PathBuf),
}

/// The file that holds the handler in a folder of Python files that is no package.
const MAIN_FILES: [&str; 3] = ["step.py", "handler.py", "main.py"];

impl Source {
    /// Looks at `path`.
    ///
    /// # Errors
    ///
    /// Nothing is there, or nothing that can be built.
    pub fn at(path: &Path) -> Result<Self, BuildError> {
        let unknown = |reason: &str| {
            Err(BuildError::Unknown { path: path.to_path_buf(), reason: reason.into() })
        };
        // Absolute, so that `.` has a name and tools may run elsewhere.
        let full = path.canonicalize().map_err(|_| BuildError::NotFound(path.to_path_buf()))?;
        if full.is_dir() {
            return Self::in_folder(&full).map_or_else(|| unknown("the folder holds no step"), Ok);
        }
        match (full.file_name().and_then(OsStr::to_str), full.extension().and_then(OsStr::to_str)) {
            (Some("Cargo.toml"), _) => Ok(Self::Cargo { manifest: full }),
            (_, Some("py")) => Ok(Self::Python(PythonSource::File(full))),
            (_, Some("wasm")) => unknown("it is built already"),
            (_, Some(other)) => unknown(&format!(".{other} is none of the languages it knows")),
            (_, None) => unknown("the file has no extension"),
        }
    }

    fn in_folder(folder: &Path) -> Option<Self> {
        let manifest = folder.join("Cargo.toml");
        if manifest.is_file() {
            return Some(Self::Cargo { manifest });
        }
        if folder.join("__init__.py").is_file() {
            return Some(Self::Python(PythonSource::Package(folder.to_path_buf())));
        }
        MAIN_FILES
            .iter()
            .map(|name| folder.join(name))
            .find(|file| file.is_file())
            .map(|file| Self::Python(PythonSource::File(file)))
    }

    /// A name for the component: the Cargo package's, or the file's stem, or the folder's name where the file is only
    /// called `step.py`.
    pub(crate) fn name(&self) -> String {
        let stem = match self {
            Self::Cargo { manifest } => {
                let package = fs::read_to_string(manifest).ok();
                if let Some(name) = package.as_deref().and_then(package_name) {
                    return name.into();
                }
                manifest.parent().and_then(Path::file_name)
            }
            Self::Python(PythonSource::Package(folder)) => folder.file_name(),
            Self::Python(PythonSource::File(file)) => {
                let generic = file
                    .file_name()
                    .is_some_and(|name| MAIN_FILES.iter().any(|main| name == *main));
                if generic { file.parent().and_then(Path::file_name) } else { file.file_stem() }
            }
        };
        stem.map_or_else(|| "step".into(), |stem| stem.to_string_lossy().into_owned())
    }
}

/// The package's name in a `Cargo.toml`.
fn package_name(manifest: &str) -> Option<&str> {
    let mut lines = manifest.lines().map(str::trim).skip_while(|line| *line != "[package]");
    let (_, value) = lines
        .by_ref()
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once('='))
        .find(|(key, _)| key.trim() == "name")?;
    value.trim().strip_prefix('"')?.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_its_language() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for file in ["ask.py", "pkg/__init__.py", "poll/Cargo.toml", "wait/step.py", "none/x.txt"] {
            fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            fs::write(root.join(file), "").unwrap();
        }
        let file = PythonSource::File(root.join("ask.py"));
        assert_eq!(Source::at(&root.join("ask.py")).unwrap(), Source::Python(file));
        let package = PythonSource::Package(root.join("pkg"));
        assert_eq!(Source::at(&root.join("pkg")).unwrap(), Source::Python(package));
        let manifest = root.join("poll/Cargo.toml");
        assert_eq!(Source::at(&root.join("poll")).unwrap(), Source::Cargo { manifest });
        assert_eq!(Source::at(&root.join("poll/Cargo.toml")).unwrap().name(), "poll");
        assert_eq!(Source::at(&root.join("wait")).unwrap().name(), "wait");
        assert_eq!(Source::at(&root.join("ask.py")).unwrap().name(), "ask");
    }

    #[test]
    fn a_cargo_package_has_its_own_name() {
        let manifest = "[lib]\nname = \"x\"\n[package]\nversion = \"1\"\nname = \"poll\" # it\n";
        assert_eq!(package_name(manifest), Some("poll"));
        assert_eq!(package_name("[package]\n[lib]\nname = \"x\""), None);
    }

    #[test]
    fn what_cannot_be_built_is_told_with_what_can() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("step.rb"), "").unwrap();
        let error = Source::at(&dir.path().join("step.rb")).unwrap_err().to_string();
        assert!(error.contains(".rb") && error.contains("Python file"), "{error}");
        let error = Source::at(dir.path()).unwrap_err().to_string();
        assert!(error.contains("holds no step"), "{error}");
        let error = Source::at(&dir.path().join("gone.py")).unwrap_err();
        assert!(matches!(error, BuildError::NotFound(_)));
    }
}
