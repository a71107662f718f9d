//! A folder to start from: a step, a workflow that uses it, and how to run both.

use std::fs;
use std::path::{Path, PathBuf};

use crate::assets::{self, Templates};
use crate::{BuildError, Language};

/// The longest name: it becomes that of a component and a workflow.
const NAME_BYTES_MAX: usize = 64;

/// What a language's folder says of itself in its README.
struct Words {
    /// The step's file.
    source: &'static str,
    /// What the build needs on the machine.
    needs: &'static str,
    /// Rows for further files.
    files: &'static str,
    /// What an author wants to know next.
    about: &'static str,
}

/// Makes the folder `NAME` in `home`, with a step in `language`. Gives its path.
///
/// # Errors
///
/// The name is none for a component and a workflow, the folder is there already, or can't be
/// written. Nothing is left behind.
pub fn new_step(language: Language, name: &str, home: &Path) -> Result<PathBuf, BuildError> {
    check(name)?;
    let folder = home.join(name);
    if folder.exists() {
        return Err(BuildError::Exists(folder));
    }
    // Beside its place, then renamed: the folder is whole or not there.
    let aside = tempfile::tempdir_in(home).map_err(BuildError::io(home))?;
    write(language, name, aside.path())?;
    let made = aside.path().join(name);
    fs::rename(&made, &folder).map_err(BuildError::io(&folder))?;
    Ok(folder)
}

/// A name for a component, a workflow, and a package in every language.
fn check(name: &str) -> Result<(), BuildError> {
    let starts = name.starts_with(|first: char| first.is_ascii_lowercase());
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if starts && name.len() <= NAME_BYTES_MAX && name.bytes().all(plain) {
        return Ok(());
    }
    Err(BuildError::InvalidName(name.into()))
}

/// Writes the folder `name` in `home`.
fn write(language: Language, name: &str, home: &Path) -> Result<(), BuildError> {
    let folder = home.join(name);
    for part in ["common", language.word()] {
        for (path, text) in Templates::under(part) {
            let path = folder.join(if path == "gitignore" { ".gitignore" } else { &path });
            assets::write_file(&path, filled(&text, language, name).as_bytes())?;
        }
    }
    copy_library(language, &folder)
}

/// What the author's tools have to see of the library.
fn copy_library(_language: Language, _folder: &Path) -> Result<(), BuildError> {
    Ok(())
}

/// `text` with what stands between `@`s replaced.
fn filled(text: &str, language: Language, name: &str) -> String {
    let words = words(language);
    [
        ("@FILES@", words.files),
        ("@ABOUT@", words.about),
        ("@SOURCE@", words.source),
        ("@NEEDS@", words.needs),
        ("@LANGUAGE@", language.name()),
        ("@NAME@", name),
    ]
    .into_iter()
    .fold(text.to_owned(), |text, (mark, word)| text.replace(mark, word))
}

fn words(language: Language) -> Words {
    match language {
        Language::Python => Words {
            source: "step.py",
            needs: "Python 3.10 or newer with its module `venv`",
            files: "| `requirements.txt` | packages that the step imports |\n",
            about: "",
        },
        _ => Words { source: "", needs: "", files: "", about: "" },
    }
}
