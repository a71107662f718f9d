//! The step's dependencies, installed into the cache.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::componentize::Componentize;
use super::layout::Layout;
use super::{pip, times};
use crate::BuildError;

/// What a step gets without asking, when it imports the module and lists no version: the
/// requirement, and the module whose import asks for it.
const PROVIDED: [(&str, &str); 2] =
    [("requests==2.34.2", "requests"), ("tzdata==2026.6", "zoneinfo")];

/// What the wheels must fit: the Python inside componentize-py. No compiled ones.
const PLATFORM: [&str; 9] = [
    "--platform",
    "any",
    "--implementation",
    "py",
    "--abi",
    "none",
    "--python-version",
    "3.14",
    "--only-binary=:all:",
];

/// Gives the folder of the step's dependencies; none when it has none. Fetches what is not in
/// `cache` yet.
pub(super) fn install(
    layout: &Layout,
    componentize: &Componentize,
    cache: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<Option<PathBuf>, BuildError> {
    let listed = match &layout.requirements {
        Some(file) => fs::read_to_string(file).map_err(BuildError::io(file))?,
        None => String::new(),
    };
    let provided = provided(layout, &listed);
    if provided.is_empty() && names(&listed).is_empty() {
        return Ok(None);
    }
    let home = cache.join("python");
    let folder = home.join(key(&listed, &provided));
    if folder.is_dir() {
        return Ok(Some(folder));
    }
    let names: Vec<_> = names(&listed).into_iter().chain(provided.iter().copied()).collect();
    let names = names.join(", ");
    progress(&format!("installing {names}"));
    fs::create_dir_all(&home).map_err(BuildError::io(&home))?;
    // Beside its place, then renamed: what is there is whole.
    let aside = tempfile::tempdir_in(&home).map_err(BuildError::io(&home))?;
    let mut pip = pip::install(&componentize.python(cache, progress)?);
    pip.arg("--target").arg(aside.path()).args(PLATFORM).args(&provided);
    if let Some(file) = &layout.requirements {
        pip.arg("-r").arg(file);
    }
    pip::run(&mut pip)?;
    componentize.compile(aside.path())?;
    times::settle(aside.path())?;
    match fs::rename(aside.keep(), &folder) {
        Err(error) if !folder.is_dir() => Err(BuildError::io(&folder)(error)),
        // Done, or another build was first with the same.
        _ => Ok(Some(folder)),
    }
}

/// The requirements to add to those that are listed.
fn provided(layout: &Layout, listed: &str) -> Vec<&'static str> {
    let listed = names(listed);
    PROVIDED
        .iter()
        .filter(|(_, module)| layout.imported.contains(*module))
        .map(|(requirement, _)| *requirement)
        .filter(|requirement| !listed.contains(&name(requirement)))
        .collect()
}

/// The distributions that a requirements file names.
fn names(requirements: &str) -> Vec<&str> {
    requirements
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty() && !line.starts_with('-'))
        .map(name)
        .collect()
}

/// The distribution's name in one requirement.
pub(super) fn name(requirement: &str) -> &str {
    let end = requirement.find(|letter: char| !letter.is_alphanumeric() && !"._-".contains(letter));
    &requirement[..end.unwrap_or(requirement.len())]
}

/// Names the folder after what it holds.
fn key(listed: &str, provided: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in [listed].iter().chain(provided).chain(&PLATFORM) {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    super::hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(imported: &[&str]) -> Layout {
        let imported = imported.iter().map(|name| (*name).into()).collect();
        Layout { imported, requirements: None }
    }

    #[test]
    fn requests_comes_when_it_is_imported_unless_a_version_is_listed() {
        let step = layout(&["requests", "json"]);
        assert_eq!(provided(&step, ""), ["requests==2.34.2"]);
        assert!(provided(&step, "# ours\nrequests[socks] >= 2 # why\n").is_empty());
        assert!(provided(&layout(&["json"]), "").is_empty());
        assert_eq!(provided(&layout(&["zoneinfo"]), "six\n"), ["tzdata==2026.6"]);
    }

    #[test]
    fn other_requirements_have_another_place() {
        assert_eq!(key("six", &[]), key("six", &[]));
        assert_ne!(key("six", &[]), key("six==1", &[]));
        assert_ne!(key("a", &["b"]), key("ab", &[]));
    }

    #[test]
    fn names_are_read_out_of_a_requirements_file() {
        assert_eq!(names("-r x.txt\npython-dateutil>=2\n\n# no\nsix"), ["python-dateutil", "six"]);
    }
}
