//! A server for the length of the demo.

use std::fs::{self, DirBuilder, File};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{DirBuilderExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::verbs::without_settings;
use crate::terminal::line;

/// Who gets the mails of steps that name nobody.
const OWNER: &str = "owner@example.com";

/// A running server. It ends with this.
pub(super) struct Server {
    child: Child,
    data: PathBuf,
    url: String,
    /// Held open: the server must not write into a closed pipe.
    stdout: BufReader<ChildStdout>,
}

impl Server {
    /// Starts one on a free port, with all it keeps in `folder`; returns when it is ready.
    pub(super) fn start(root: &Path, binary: &Path, folder: &Path) -> Result<Server> {
        let (data, log) = (folder.join("data"), folder.join("server.log"));
        share_compiled(&root.join("target/guests/compiled"), &data)?;
        let mut command = Command::new(binary);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?);
        without_settings(&mut command).env("WAYSTATION_EMAIL_OWNER", OWNER);
        line(&format!(
            "\n$ WAYSTATION_EMAIL_OWNER={OWNER} waystation serve \\\n    --listen 127.0.0.1:0 --data {}",
            data.strip_prefix(root).unwrap_or(&data).display()
        ));
        let mut child = command.spawn().context("starting the server failed")?;
        let stdout = child.stdout.take().context("the server has no stdout")?;
        let mut server = Server { child, data, url: String::new(), stdout: BufReader::new(stdout) };
        let mut first = String::new();
        server.stdout.read_line(&mut first)?;
        let Some(url) = first.trim().strip_prefix("listening on ") else {
            let said = fs::read_to_string(&log).unwrap_or_default();
            bail!("the server did not start: {first}{said}");
        };
        server.url = url.to_owned();
        line(&format!("   {}", first.trim()));
        Ok(server)
    }

    /// Where it listens.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Its data directory.
    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    /// Where mails land.
    pub(super) fn outbox(&self) -> PathBuf {
        self.data.join("outbox")
    }

    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop and waits for its end.
    pub(super) fn stop(&mut self, patience: Duration) -> Result<ExitStatus> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            ensure!(started.elapsed() < patience, "the server does not stop");
            thread::park_timeout(Duration::from_millis(20));
        }
    }
}

/// Lets the server keep compiled code where the last one did: it takes many seconds to compile a
/// component from Python.
fn share_compiled(compiled: &Path, data: &Path) -> Result<()> {
    let private = |folder: &Path| DirBuilder::new().recursive(true).mode(0o700).create(folder);
    private(compiled).and_then(|()| private(data)).with_context(|| data.display().to_string())?;
    symlink(compiled, data.join("compiled")).with_context(|| compiled.display().to_string())
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already over when all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
