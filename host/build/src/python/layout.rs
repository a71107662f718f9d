//! The folder that the step is built in.
//!
//! ```text
//! app/waystation_entry.py   made here: what componentize-py imports
//! app/_step/poll.py         a step that is a file, under the name people know it by
//! app/beside.py             modules that stand beside it and are imported
//! app/package/…             a step that is a package
//! ```

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::imports;
use crate::BuildError;
use crate::source::PythonSource;

/// The module that componentize-py is given.
pub(super) const ENTRY_MODULE: &str = "waystation_entry";
/// Where a step's own file is: not on Python's path, so that a step called `email.py` does not
/// hide the library's `email`.
const STEP_FOLDER: &str = "_step";

/// What was laid out.
pub(super) struct Layout {
    /// The modules that the step's files import, by the first part of their names.
    pub(super) imported: BTreeSet<String>,
    /// The step's own list of dependencies.
    pub(super) requirements: Option<PathBuf>,
}

impl Layout {
    /// Lays `step` out in `app`.
    pub(super) fn write(step: &PythonSource, app: &Path) -> Result<Self, BuildError> {
        let mut layout = Self { imported: BTreeSet::new(), requirements: None };
        let (home, finder, label) = match step {
            PythonSource::File(file) => layout.write_file(file, app)?,
            PythonSource::Package(folder) => layout.write_package(folder, app)?,
        };
        layout.requirements = Some(home.join("requirements.txt")).filter(|file| file.is_file());
        write(&app.join(ENTRY_MODULE).with_extension("py"), entry(&finder, &label))?;
        Ok(layout)
    }

    /// Gives the folder the step is from, the Python that finds it, and its name for people.
    fn write_file(
        &mut self,
        file: &Path,
        app: &Path,
    ) -> Result<(PathBuf, String, String), BuildError> {
        let name = file_name(file);
        let home = file.parent().unwrap_or(file).to_path_buf();
        self.copy(file, &app.join(STEP_FOLDER).join(&name))?;
        self.copy_beside(&home, app)?;
        let path = python_text(&format!("{STEP_FOLDER}/{name}"));
        Ok((home, format!("entry.from_file(os.path.join(here, {path}))"), name))
    }

    fn write_package(
        &mut self,
        folder: &Path,
        app: &Path,
    ) -> Result<(PathBuf, String, String), BuildError> {
        let name = file_name(folder);
        let module: String = name
            .chars()
            .map(|letter| if letter.is_alphanumeric() { letter } else { '_' })
            .collect();
        self.copy_folder(folder, &app.join(&module))?;
        let finder = format!("entry.from_package({})", python_text(&module));
        Ok((folder.to_path_buf(), finder, format!("{name}/")))
    }

    /// Copies the modules and packages in `home` that are imported, and what these import.
    fn copy_beside(&mut self, home: &Path, app: &Path) -> Result<(), BuildError> {
        let mut done = BTreeSet::new();
        while let Some(name) = self.imported.difference(&done).next().cloned() {
            let file = home.join(&name).with_extension("py");
            let folder = home.join(&name);
            if folder.join("__init__.py").is_file() {
                self.copy_folder(&folder, &app.join(&name))?;
            } else if file.is_file() {
                self.copy(&file, &app.join(&name).with_extension("py"))?;
            }
            done.insert(name);
        }
        Ok(())
    }

    fn copy_folder(&mut self, from: &Path, to: &Path) -> Result<(), BuildError> {
        for entry in fs::read_dir(from).map_err(BuildError::io(from))? {
            let path = entry.map_err(BuildError::io(from))?.path();
            let name = file_name(&path);
            if name.starts_with('.') || name == "__pycache__" {
                continue;
            }
            if path.is_dir() {
                self.copy_folder(&path, &to.join(name))?;
            } else {
                self.copy(&path, &to.join(name))?;
            }
        }
        Ok(())
    }

    /// Copies a file, and takes note of what it imports.
    fn copy(&mut self, from: &Path, to: &Path) -> Result<(), BuildError> {
        let bytes = fs::read(from).map_err(BuildError::io(from))?;
        if from.extension() == Some(OsStr::new("py")) {
            self.imported.extend(imports::top_level(&String::from_utf8_lossy(&bytes)));
        }
        write(to, &bytes)
    }
}

/// The module that componentize-py imports.
fn entry(finder: &str, label: &str) -> String {
    format!(
        r#""""Made by `waystation build`: the world's export, for the step."""

import os
import sys

import wit_world
from waystation.component import entry

here = os.path.dirname(__file__)
_library = os.path.dirname(os.path.dirname(os.path.dirname(entry.__file__)))
# The mounted folders are /0, /1, …; the standard library is elsewhere.
_dependencies = [path for path in sys.path if path[1:].isdigit() and path not in (here, _library)]
_run = entry.load(
    lambda: {finder},
    {label},
    [os.path.join(here, "{STEP_FOLDER}"), here, *_dependencies],
)


class WitWorld(wit_world.WitWorld):
    def handler(self, props: str) -> str | None:
        return _run(props)
"#,
        label = python_text(label)
    )
}

/// `text` as a Python literal. JSON's are a part of Python's.
fn python_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| "step".into(), |name| name.to_string_lossy().into_owned())
}

fn write(path: &Path, contents: impl AsRef<[u8]>) -> Result<(), BuildError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(BuildError::io(parent))?;
    }
    fs::write(path, contents).map_err(BuildError::io(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_brings_the_modules_it_imports_and_no_others() {
        let home = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| write(&home.path().join(name), text).unwrap();
        file("poll-a-job.py", "import near\nimport requests\n");
        file("near.py", "from lib.part import x\n");
        file("lib/__init__.py", "");
        file("lib/part.py", "x = 1");
        file("other.py", "");
        file("requirements.txt", "six");
        let app = home.path().join("out");
        let step = PythonSource::File(home.path().join("poll-a-job.py"));
        let layout = Layout::write(&step, &app).unwrap();
        for wanted in ["waystation_entry.py", "_step/poll-a-job.py", "near.py", "lib/part.py"] {
            assert!(app.join(wanted).is_file(), "{wanted}");
        }
        assert!(!app.join("other.py").exists());
        assert!(layout.imported.contains("requests"));
        assert_eq!(layout.requirements, Some(home.path().join("requirements.txt")));
    }

    #[test]
    fn a_package_gets_a_name_that_python_can_import() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("my-step");
        write(&folder.join("__init__.py"), "").unwrap();
        let app = home.path().join("out");
        Layout::write(&PythonSource::Package(folder), &app).unwrap();
        assert!(app.join("my_step/__init__.py").is_file());
        let entry = fs::read_to_string(app.join("waystation_entry.py")).unwrap();
        assert!(entry.contains(r#"entry.from_package("my_step")"#), "{entry}");
    }
}
