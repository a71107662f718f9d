//! The command line, as a person types it.

use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::server::without_settings;
use crate::{Server, TOKEN, guests};

/// Runs client verbs.
#[derive(Clone, Debug)]
pub struct Cli {
    env: Vec<(String, String)>,
    folder: Option<PathBuf>,
    input: String,
}

/// What a command did.
#[derive(Clone, Debug)]
pub struct Said {
    /// Its exit code.
    pub code: i32,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

impl Cli {
    /// With the server's URL and token in the environment.
    pub fn of(server: &Server<'_>) -> Cli {
        let url = server.client().url.clone();
        let env = vec![("WAYSTATION_URL".into(), url), ("WAYSTATION_TOKEN".into(), TOKEN.into())];
        Cli { env, folder: None, input: String::new() }
    }

    /// With nothing in the environment.
    pub fn bare() -> Cli {
        Cli { env: Vec::new(), folder: None, input: String::new() }
    }

    /// With one variable more.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Cli {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// In this folder.
    #[must_use]
    pub fn within(mut self, folder: &Path) -> Cli {
        self.folder = Some(folder.to_owned());
        self
    }

    /// With this on standard input.
    #[must_use]
    pub fn input(mut self, text: &str) -> Cli {
        text.clone_into(&mut self.input);
        self
    }

    /// Runs `waystation` with these arguments.
    pub fn run(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(guests::binary());
        without_settings(&mut command);
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        let mut input = tempfile::tempfile().expect("a file for its input");
        input.write_all(self.input.as_bytes()).expect("its input is written");
        input.rewind().expect("its input begins at its beginning");
        let output = command
            .args(arguments)
            .env("WAYSTATION_TOOLCHAINS", guests::toolchains())
            .env("XDG_CACHE_HOME", guests::user_cache())
            .envs(self.env.iter().cloned())
            .stdin(Stdio::from(input))
            .output()
            .expect("waystation runs");
        Said {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs a command that succeeds, with `--json`; what it printed.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let said = self.run(&[arguments, &["--json"]].concat()).expect(0);
        let parsed = serde_json::from_str(&said.stdout);
        parsed.unwrap_or_else(|error| panic!("{arguments:?}: {error} in {:?}", said.stdout))
    }
}

impl Said {
    /// Itself, when the exit code is `code`.
    ///
    /// # Panics
    ///
    /// It is another one.
    #[track_caller]
    pub fn expect(self, code: i32) -> Said {
        assert_eq!(self.code, code, "{}\n{}", self.stdout, self.stderr);
        self
    }
}
