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

/// What the language's tools have to see of the library, for editors and tests: a copy, so that
/// the folder stands alone.
fn copy_library(language: Language, folder: &Path) -> Result<(), BuildError> {
    let library = folder.join("waystation-step");
    match language {
        Language::Rust => assets::write::<assets::RustLibrary>(&library),
        Language::Go => assets::write::<assets::GoLibrary>(&library),
        Language::C => assets::write::<assets::CLibrary>(&library),
        Language::TypeScript => {
            let types = assets::JavaScriptLibrary::get("index.d.ts").map(|file| file.data);
            assets::write_file(&folder.join("waystation.d.ts"), &types.unwrap_or_default())
        }
        // Nothing has to be seen.
        Language::Python | Language::JavaScript => Ok(()),
    }
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
            files: "| `requirements.txt` | pure-Python packages that the step imports |\n",
            about: "",
        },
        Language::JavaScript => Words {
            source: "step.js",
            needs: "Node.js 20 or newer, with npm",
            files: "| `package.json` | packages that the step imports: `npm install NAME` adds one |\n",
            about: "",
        },
        Language::TypeScript => Words {
            source: "step.ts",
            needs: "Node.js 20 or newer, with npm",
            files: "| `package.json` | packages that the step imports: `npm install NAME` adds one |\n\
                    | `waystation.d.ts`, `tsconfig.json` | types, for editors and `npx -p typescript tsc` |\n",
            about: "\nThe build strips the types and does not check them: `npx -p typescript tsc` does.\n",
        },
        Language::Rust => Words {
            source: "src/lib.rs",
            needs: "cargo, and once `rustup target add wasm32-wasip2`",
            files: "| `waystation-step/` | a copy of the library |\n",
            about: "\n`cargo test` runs the step against a fake host.\n",
        },
        Language::Go => Words {
            source: "step.go",
            needs: "Go 1.25 or newer",
            files: "| `waystation-step/` | a copy of the library |\n",
            about: "",
        },
        Language::C => Words {
            source: "step.c",
            needs: "clang, wasm-ld and wasi-libc: `apt-get install clang-19 lld-19 \
                    libclang-rt-19-dev-wasm32 wasi-libc`",
            files: "| `waystation-step/`, `compile_flags.txt` | the library's headers, for editors |\n",
            about: "",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_folder_is_a_step_in_its_language_and_has_no_marks_left() {
        for language in Language::ALL {
            let home = tempfile::tempdir().unwrap();
            let folder = new_step(language, "hello", home.path()).unwrap();
            let source = crate::Source::at(&folder).unwrap();
            assert_eq!((source.language(), source.name()), (language, "hello".into()));
            for name in ["README.md", "workflow.yaml", words(language).source] {
                let text = fs::read_to_string(folder.join(name)).unwrap();
                assert!(!text.contains('@') && !text.is_empty(), "{name}: {text}");
            }
            assert!(folder.join(".gitignore").is_file());
            let left = fs::read_dir(home.path()).unwrap().count();
            assert_eq!(left, 1, "something was left beside it");
        }
    }

    #[test]
    fn names_are_those_of_components_and_workflows() {
        for name in ["a", "poll-2", &"a".repeat(NAME_BYTES_MAX)] {
            assert!(check(name).is_ok(), "{name}");
        }
        for name in ["", "-a", "2a", "A", "a_b", "../a", &"a".repeat(NAME_BYTES_MAX + 1)] {
            assert!(check(name).is_err(), "{name}");
        }
    }
}
