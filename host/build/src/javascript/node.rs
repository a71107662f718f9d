//! Node.js and npm: finding and running them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::{BuildError, tool};

/// The oldest that the tools run on.
const MAJOR_MIN: u32 = 20;
const INSTALL: &str =
    "apt-get install nodejs npm, or see nodejs.org/en/download; version 20 or newer is needed";

/// An installed Node.js, with npm.
pub(super) struct Node {
    node: PathBuf,
    npm: PathBuf,
}

impl Node {
    /// The one on the search path.
    pub(super) fn find() -> Result<Self, BuildError> {
        let find = |name: &'static str| {
            tool::on_path(name).ok_or(BuildError::ToolMissing { tool: name, install: INSTALL })
        };
        let (node, npm) = (find("node")?, find("npm")?);
        let output = tool::run("node", Command::new(&node).arg("--version"))?;
        if major(&String::from_utf8_lossy(&output.stdout)) < Some(MAJOR_MIN) {
            return Err(BuildError::ToolMissing { tool: "node 20", install: INSTALL });
        }
        Ok(Self { node, npm })
    }

    /// Runs the program `script` of the build in `work`.
    pub(super) fn run(&self, work: &Path, script: &str, job: &Path) -> Result<Output, BuildError> {
        let mut node = Command::new(&self.node);
        node.current_dir(work)
            .arg(work.join(script))
            .arg(job)
            .env("TMPDIR", work)
            // What people set for their own programs changes how this one runs.
            .env_remove("NODE_OPTIONS")
            .env_remove("NODE_PATH");
        tool::output("node", &mut node)
    }

    /// Installs what `folder`'s `package.json` lists, exactly as locked where it has a lock file.
    /// Packages' own install scripts do not run: a step has no use for what they compile.
    pub(super) fn install(&self, folder: &Path) -> Result<(), BuildError> {
        let locked = ["package-lock.json", "npm-shrinkwrap.json"]
            .iter()
            .any(|name| folder.join(name).is_file());
        let mut npm = Command::new(&self.npm);
        npm.current_dir(folder)
            .arg(if locked { "ci" } else { "install" })
            .args(["--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
            .env("NODE_ENV", "production");
        tool::run("npm", &mut npm).map(|_| ())
    }
}

/// The `20` of `v20.20.2`.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert!(major("v8.1.0") < Some(MAJOR_MIN));
        assert!(major("what") < Some(MAJOR_MIN));
    }
}
