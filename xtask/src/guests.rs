//! Components from the sources in `examples/`, `tests/guests/` and `tests/conformance/`.
//!
//! | source | component |
//! |---|---|
//! | `examples/EXAMPLE/STEP.py`, `examples/EXAMPLE/STEP/Cargo.toml` | `target/guests/EXAMPLE/STEP.wasm` |
//! | `tests/guests/NAME.py`, `tests/guests/NAME/Cargo.toml` | `target/guests/tests/NAME.wasm` |
//! | `tests/conformance/LANGUAGE/` | `target/guests/conformance/LANGUAGE.wasm` |
//!
//! A folder is a step when `waystation build` takes it for one. A file is when it defines a
//! handler or has a default export; others are modules or services. Beside each component lies
//! a stamp: a hash over all that it was made of.

mod stamp;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use waystation_build::{Language, Options, Source};

use crate::terminal::{Took, note};
use crate::toolchain;

/// A component that can be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Guest {
    /// A file, or a package's folder.
    source: PathBuf,
    language: Language,
    /// The component.
    pub(crate) wasm: PathBuf,
}

/// The steps of one example.
pub(crate) fn of_example(root: &Path, name: &str) -> Result<Vec<Guest>> {
    in_folder(&root.join("examples").join(name), &root.join("target/guests").join(name))
}

/// All there are.
pub(crate) fn all(root: &Path) -> Result<Vec<Guest>> {
    let mut guests = Vec::new();
    for example in entries(&root.join("examples"))?.into_iter().filter(|path| path.is_dir()) {
        let name = example.file_name().unwrap_or_default();
        guests.extend(in_folder(&example, &root.join("target/guests").join(name))?);
    }
    for (sources, home) in [("tests/guests", "tests"), ("tests/conformance", "conformance")] {
        guests.extend(in_folder(&root.join(sources), &root.join("target/guests").join(home))?);
    }
    Ok(guests)
}

fn in_folder(folder: &Path, out: &Path) -> Result<Vec<Guest>> {
    let mut guests = Vec::new();
    for path in entries(folder)? {
        let name = path.file_stem().unwrap_or_default();
        if name.to_string_lossy().starts_with('.') || name == "node_modules" {
            continue;
        }
        // What is no step is something that steps need: a workflow, a service, a module.
        let Ok(source) = Source::at(&path) else { continue };
        let language = source.language();
        if path.is_dir() || is_step(language, &fs::read_to_string(&path)?) {
            let wasm = out.join(name).with_extension("wasm");
            guests.push(Guest { source: path, language, wasm });
        }
    }
    Ok(guests)
}

/// What is in `folder`, by name; nothing when it is not there.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let read = || -> io::Result<Vec<PathBuf>> {
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
    };
    let mut paths = read().with_context(|| folder.display().to_string())?;
    paths.sort();
    Ok(paths)
}

/// Is a file with this text a step, or something that steps import?
fn is_step(language: Language, text: &str) -> bool {
    text.lines().any(|line| match language {
        Language::Python => line.strip_prefix("async ").unwrap_or(line).starts_with("def handler("),
        Language::JavaScript | Language::TypeScript => line.starts_with("export default "),
        Language::Rust | Language::Go | Language::C => false,
    })
}

/// Builds those of `guests` that are not there or out of date, and sets up what that takes.
/// `true` when there was anything to do.
pub(crate) fn build(root: &Path, guests: &[Guest]) -> Result<bool> {
    let mut worked = false;
    for language in Language::ALL {
        if guests.iter().any(|guest| guest.language == language) {
            worked |= toolchain::of(language, root)?;
        }
    }
    let mut made = 0;
    for guest in guests {
        made += usize::from(guest.build(root)?);
    }
    match made {
        0 => note(&format!("guests: ready ({})", guests.len())),
        _ => note(&format!("guests: {made} of {} built", guests.len())),
    }
    Ok(worked || made > 0)
}

impl Guest {
    /// Builds it, unless it is up to date.
    fn build(&self, root: &Path) -> Result<bool> {
        let stamp = stamp::of(root, self)?;
        let stamp_file = self.wasm.with_extension("stamp");
        let was = fs::read_to_string(&stamp_file).ok();
        if self.wasm.is_file() && was.as_deref() == Some(&stamp) {
            return Ok(false);
        }
        let started = Instant::now();
        let shown = self.source.strip_prefix(root).unwrap_or(&self.source).display();
        note(&format!("guest {shown}: building"));
        let options =
            Options { toolchains: Some(toolchain::folder(root)), cache: toolchain::cache(root) };
        let built = waystation_build::build(&self.source, &options, &mut |line| {
            note(&format!("guest {shown}: {line}"));
        });
        let built = built.with_context(|| format!("guest {shown}"))?;
        self.write(&built.component)?;
        fs::write(stamp_file, stamp)?;
        let kib = built.component.len() / 1024;
        let took = Took::since(started);
        note(&format!("guest {shown}: {} component, {kib} KiB, in {took}", built.language));
        Ok(true)
    }

    /// Writes the whole component or nothing.
    fn write(&self, bytes: &[u8]) -> Result<()> {
        let folder = self.wasm.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let aside = self.wasm.with_extension("part");
        fs::write(&aside, bytes).with_context(|| aside.display().to_string())?;
        fs::rename(&aside, &self.wasm).with_context(|| self.wasm.display().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_told_from_modules_and_services() {
        let python = |text| is_step(Language::Python, text);
        assert!(python("import x\n\ndef handler(pd):\n    pass\n"));
        assert!(python("async def handler(pd: 'Pd'):\n"));
        assert!(!python("class Server:\n    def handler(self):\n        pass\n"));
        assert!(!python("# def handler(pd)\n"));
        assert!(is_step(Language::TypeScript, "export default defineComponent({\n"));
        assert!(!is_step(Language::JavaScript, "export const x = 1;\n"));
    }

    #[test]
    fn guests_are_found_in_all_languages() {
        let dir = tempfile::tempdir().unwrap();
        for (file, text) in [
            ("examples/mail/ask.py", "def handler(pd): pass"),
            ("examples/mail/service.py", "print()"),
            ("examples/mail/service/server.py", "print()"),
            ("examples/mail/workflow.yaml", ""),
            ("examples/mail/poll/Cargo.toml", ""),
            ("examples/mail/wait.ts", "export default { run() {} }"),
            ("tests/guests/spin.py", "def handler(pd): pass"),
            ("tests/conformance/README.md", ""),
            ("tests/conformance/c/step.c", ""),
            ("tests/conformance/go/go.mod", ""),
        ] {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let found = all(dir.path()).unwrap();
        let made: Vec<_> =
            found.iter().map(|guest| guest.wasm.strip_prefix(dir.path()).unwrap()).collect();
        let expected = [
            "mail/ask.wasm",
            "mail/poll.wasm",
            "mail/wait.wasm",
            "tests/spin.wasm",
            "conformance/c.wasm",
            "conformance/go.wasm",
        ];
        assert_eq!(made, expected.map(|path| Path::new("target/guests").join(path)));
        assert_eq!(of_example(dir.path(), "mail").unwrap(), found[..3]);
        assert_eq!(of_example(dir.path(), "none").unwrap(), []);
    }
}
