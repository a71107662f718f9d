//! What can be built.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::{BuildError, Language};

/// What a path holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A step in Python.
    Python(PythonSource),
    /// A step in JavaScript or TypeScript: the module whose default export it is. Modules are
    /// found from there, as Node finds them.
    JavaScript(PathBuf),
    /// A Cargo package.
    Cargo {
        /// Its `Cargo.toml`.
        manifest: PathBuf,
    },
    /// A Go module.
    Go {
        /// The folder of its `go.mod`.
        folder: PathBuf,
    },
    /// A step in C.
    C(CSource),
}

/// A step in Python.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PythonSource {
    /// One file; modules that stand beside it come along when they are imported.
    File(PathBuf),
    /// A package: a folder with `__init__.py`.
    Package(PathBuf),
}

/// A step in C.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CSource {
    /// One file; headers that stand beside it can be included.
    File(PathBuf),
    /// A folder: all `.c` files in it.
    Folder(PathBuf),
}

/// The stem of the file that holds the handler in a folder that says nothing else.
const MAIN_STEMS: [&str; 3] = ["step", "handler", "main"];
/// Extensions of JavaScript and TypeScript.
const JAVASCRIPT: [&str; 5] = ["ts", "mts", "js", "mjs", "cjs"];

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
        let parent = full.parent().unwrap_or(&full).to_path_buf();
        match (full.file_name().and_then(OsStr::to_str), full.extension().and_then(OsStr::to_str)) {
            (Some("Cargo.toml"), _) => Ok(Self::Cargo { manifest: full }),
            (Some("go.mod"), _) => Ok(Self::Go { folder: parent }),
            (Some("package.json"), _) => {
                Self::in_folder(&parent).map_or_else(|| unknown("the package holds no step"), Ok)
            }
            (_, Some("py")) => Ok(Self::Python(PythonSource::File(full))),
            (_, Some(kind)) if JAVASCRIPT.contains(&kind) => Ok(Self::JavaScript(full)),
            (_, Some("go")) if parent.join("go.mod").is_file() => Ok(Self::Go { folder: parent }),
            (_, Some("go")) => unknown("there is no go.mod beside it"),
            (_, Some("c")) => Ok(Self::C(CSource::File(full))),
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
        if folder.join("go.mod").is_file() {
            return Some(Self::Go { folder: folder.to_path_buf() });
        }
        if folder.join("__init__.py").is_file() {
            return Some(Self::Python(PythonSource::Package(folder.to_path_buf())));
        }
        if let Some(main) = package_main(folder) {
            return Some(Self::JavaScript(main));
        }
        let mains = MAIN_STEMS.iter().flat_map(|stem| {
            ["py"]
                .into_iter()
                .chain(JAVASCRIPT)
                .map(move |kind| folder.join(stem).with_extension(kind))
        });
        if let Some(file) = mains.into_iter().find(|file| file.is_file()) {
            let python = file.extension() == Some(OsStr::new("py"));
            return Some(if python {
                Self::Python(PythonSource::File(file))
            } else {
                Self::JavaScript(file)
            });
        }
        let c = MAIN_STEMS.iter().any(|stem| folder.join(stem).with_extension("c").is_file());
        c.then(|| Self::C(CSource::Folder(folder.to_path_buf())))
    }

    /// What it is written in.
    #[must_use]
    pub fn language(&self) -> Language {
        match self {
            Self::Python(_) => Language::Python,
            Self::JavaScript(file) => match file.extension().and_then(OsStr::to_str) {
                Some("ts" | "mts") => Language::TypeScript,
                _ => Language::JavaScript,
            },
            Self::Cargo { .. } => Language::Rust,
            Self::Go { .. } => Language::Go,
            Self::C(_) => Language::C,
        }
    }

    /// A name for the component: the package's, or the file's stem, or the folder's name where
    /// the file is only called `step.py` or the like.
    pub(crate) fn name(&self) -> String {
        let stem = match self {
            Self::Cargo { manifest } => {
                let package = fs::read_to_string(manifest).ok();
                if let Some(name) = package.as_deref().and_then(package_name) {
                    return name.into();
                }
                manifest.parent().and_then(Path::file_name)
            }
            Self::Python(PythonSource::Package(folder))
            | Self::Go { folder }
            | Self::C(CSource::Folder(folder)) => folder.file_name(),
            Self::Python(PythonSource::File(file))
            | Self::JavaScript(file)
            | Self::C(CSource::File(file)) => {
                let generic = file.file_stem().is_some_and(|stem| {
                    stem == "index" || MAIN_STEMS.iter().any(|main| stem == *main)
                });
                let mut folders = file.ancestors().skip(1).filter_map(Path::file_name);
                if generic { folders.find(|name| *name != "src") } else { file.file_stem() }
            }
        };
        stem.map_or_else(|| "step".into(), |stem| stem.to_string_lossy().into_owned())
    }
}

/// The module that a folder's `package.json` names as `main`.
fn package_main(folder: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(folder.join("package.json")).ok()?;
    let package: serde_json::Value = serde_json::from_str(&text).ok()?;
    let main = folder.join(package.get("main")?.as_str()?).canonicalize().ok()?;
    let kind = main.extension().and_then(OsStr::to_str)?;
    (main.is_file() && JAVASCRIPT.contains(&kind)).then_some(main)
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

    /// A folder with these files, and its canonical path.
    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for (file, text) in files {
            fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            fs::write(root.join(file), text).unwrap();
        }
        (dir, root)
    }

    #[test]
    fn a_path_says_its_language() {
        let (_dir, root) = folder(&[
            ("ask.py", ""),
            ("pkg/__init__.py", ""),
            ("poll/Cargo.toml", ""),
            ("wait/step.py", ""),
            ("ship/package.json", r#"{"main": "src/ship.ts"}"#),
            ("ship/src/ship.ts", ""),
            ("note/step.mjs", ""),
            ("sum/go.mod", ""),
            ("sum/sum.go", ""),
            ("add/step.c", ""),
            ("one.c", ""),
        ]);
        let at = |path: &str| Source::at(&root.join(path)).unwrap();
        let python = |path: &str| Source::Python(PythonSource::File(root.join(path)));
        assert_eq!(at("ask.py"), python("ask.py"));
        assert_eq!(at("pkg"), Source::Python(PythonSource::Package(root.join("pkg"))));
        assert_eq!(at("wait"), python("wait/step.py"));
        let manifest = root.join("poll/Cargo.toml");
        assert_eq!(at("poll"), Source::Cargo { manifest });
        assert_eq!(at("ship"), Source::JavaScript(root.join("ship/src/ship.ts")));
        assert_eq!(at("ship/package.json"), at("ship"));
        assert_eq!(at("note"), Source::JavaScript(root.join("note/step.mjs")));
        assert_eq!(at("sum"), Source::Go { folder: root.join("sum") });
        assert_eq!(at("sum/sum.go"), at("sum"));
        assert_eq!(at("add"), Source::C(CSource::Folder(root.join("add"))));
        assert_eq!(at("one.c"), Source::C(CSource::File(root.join("one.c"))));
        let languages =
            ["ask.py", "ship", "note", "poll", "sum", "add"].map(|path| at(path).language());
        use Language::{C, Go, JavaScript, Python, Rust, TypeScript};
        assert_eq!(languages, [Python, TypeScript, JavaScript, Rust, Go, C]);
    }

    #[test]
    fn a_component_is_named_after_what_it_is_made_of() {
        let (_dir, root) = folder(&[
            ("wait/src/step.ts", ""),
            ("wait/step.py", ""),
            ("ask.py", ""),
            ("poll/Cargo.toml", ""),
            ("add/main.c", ""),
        ]);
        let names =
            ["wait", "wait/src/step.ts", "ask.py", "poll", "poll/Cargo.toml", "add", "add/main.c"]
                .map(|path| Source::at(&root.join(path)).unwrap().name());
        assert_eq!(names, ["wait", "wait", "ask", "poll", "poll", "add", "add"]);
    }

    #[test]
    fn a_cargo_package_has_its_own_name() {
        let manifest = "[lib]\nname = \"x\"\n[package]\nversion = \"1\"\nname = \"poll\" # it\n";
        assert_eq!(package_name(manifest), Some("poll"));
        assert_eq!(package_name("[package]\n[lib]\nname = \"x\""), None);
    }

    #[test]
    fn what_cannot_be_built_is_told_with_what_can() {
        let (dir, root) = folder(&[("step.rb", ""), ("none/x.txt", ""), ("lone/x.go", "")]);
        let message = |path: &str| Source::at(&root.join(path)).unwrap_err().to_string();
        let error = message("step.rb");
        assert!(error.contains(".rb") && error.contains("Python file"), "{error}");
        assert!(message("none").contains("holds no step"));
        assert!(message("lone/x.go").contains("no go.mod"));
        let error = Source::at(&dir.path().join("gone.py")).unwrap_err();
        assert!(matches!(error, BuildError::NotFound(_)));
    }
}
