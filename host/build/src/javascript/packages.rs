//! The packages that a step imports and its own `node_modules` lack.
//!
//! They are installed into the cache, never into the author's folder: those that a
//! `package.json` beside or above the step lists, and a few that come along by themselves.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::node::Node;
use super::report::Missing;
use super::tools;
use crate::BuildError;

/// What a step gets without asking, when it imports the package and nothing lists a version: its
/// `package.json` and lock file.
const PROVIDED: [(&str, [(&str, &str); 2]); 2] = [
    (
        "axios",
        [
            ("package.json", include_str!("provided/axios/package.json")),
            ("package-lock.json", include_str!("provided/axios/package-lock.json")),
        ],
    ),
    (
        "@pipedream/platform",
        [
            ("package.json", include_str!("provided/pipedream-platform/package.json")),
            ("package-lock.json", include_str!("provided/pipedream-platform/package-lock.json")),
        ],
    ),
];

/// What decides which packages an installation holds, beside the `package.json`.
const BESIDE: [&str; 3] = ["package-lock.json", "npm-shrinkwrap.json", ".npmrc"];

/// The packages of one step.
pub(super) struct Packages {
    home: PathBuf,
    cache: PathBuf,
    /// What has been installed for it: a second time would not help.
    done: BTreeSet<PathBuf>,
}

impl Packages {
    /// For the step in `file`.
    pub(super) fn new(file: &Path, cache: &Path) -> Self {
        let home = file.parent().unwrap_or(file).to_path_buf();
        Self { home, cache: cache.to_path_buf(), done: BTreeSet::new() }
    }

    /// Installs what has the first of `missing` that can be had, and gives its folder.
    pub(super) fn install(
        &mut self,
        missing: &[Missing],
        node: &Node,
        progress: &mut dyn FnMut(&str),
    ) -> Result<PathBuf, BuildError> {
        for Missing { name, .. } in missing {
            if let Some(list) = self.list_with(name) {
                let files = with_lock(&list)?;
                let files: Vec<_> =
                    files.iter().map(|(name, text)| (*name, text.as_str())).collect();
                let shown = list.display();
                let tell = || progress(&format!("installing what {shown} lists"));
                let folder = tools::folder("packages", &files, node, &self.cache, tell)?;
                self.done.insert(list);
                return Ok(folder);
            }
        }
        for Missing { name, .. } in missing {
            let provided = PROVIDED.iter().find(|(provided, _)| provided == name);
            if let Some((_, files)) = provided.filter(|_| !self.done.contains(Path::new(name))) {
                self.done.insert(name.into());
                let tell = || progress(&format!("installing {name}"));
                return tools::folder("provided", files, node, &self.cache, tell);
            }
        }
        Err(not_found(missing))
    }

    /// The nearest `package.json` that lists `name` and was not installed yet.
    fn list_with(&self, name: &str) -> Option<PathBuf> {
        let lists = self.home.ancestors().map(|folder| folder.join("package.json"));
        lists.filter(|list| !self.done.contains(list)).find(|list| {
            let text = fs::read_to_string(list).unwrap_or_default();
            let package: Value = serde_json::from_str(&text).unwrap_or_default();
            ["dependencies", "optionalDependencies"]
                .iter()
                .any(|kind| package.get(kind).is_some_and(|listed| listed.get(name).is_some()))
        })
    }
}

/// A `package.json` with what stands beside it and decides what is installed.
fn with_lock(list: &Path) -> Result<Vec<(&'static str, String)>, BuildError> {
    let mut files = vec![("package.json", fs::read_to_string(list).map_err(BuildError::io(list))?)];
    for name in BESIDE {
        if let Ok(text) = fs::read_to_string(list.with_file_name(name)) {
            files.push((name, text));
        }
    }
    Ok(files)
}

fn not_found(missing: &[Missing]) -> BuildError {
    let lines: Vec<_> = missing
        .iter()
        .map(|Missing { name, place }| format!("{place}: no module `{name}`: npm install {name}"))
        .collect();
    BuildError::Step(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_list_that_has_the_package_is_taken_once() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let near = root.join("steps/package.json");
        fs::create_dir(root.join("steps")).unwrap();
        fs::write(root.join("package.json"), r#"{"dependencies": {"lodash": "4", "ms": "2"}}"#)
            .unwrap();
        fs::write(&near, r#"{"dependencies": {"lodash": "3"}}"#).unwrap();
        let mut packages = Packages::new(&root.join("steps/step.js"), root);
        assert_eq!(packages.list_with("lodash"), Some(near.clone()));
        assert_eq!(packages.list_with("ms"), Some(root.join("package.json")));
        assert_eq!(packages.list_with("nowhere"), None);
        packages.done.insert(near);
        assert_eq!(packages.list_with("lodash"), Some(root.join("package.json")));
    }

    #[test]
    fn a_package_that_nobody_lists_is_told_with_its_place() {
        let missing = Missing { name: "lodash".into(), place: "step.js:3".into() };
        let message = not_found(&[missing]).to_string();
        assert_eq!(message, "step.js:3: no module `lodash`: npm install lodash");
    }

    #[test]
    fn what_comes_along_is_pinned() {
        for (name, [(_, list), (_, lock)]) in PROVIDED {
            let list: Value = serde_json::from_str(list).unwrap();
            let lock: Value = serde_json::from_str(lock).unwrap();
            let version = &lock["packages"][format!("node_modules/{name}")]["version"];
            assert_eq!(list["dependencies"][name], *version, "{name}");
            assert!(!lock.to_string().contains("\"resolved\""), "{name} names a registry");
        }
    }
}
