//! A mail server on loopback that keeps what it takes: aiosmtpd.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::{guests, wait};

/// Where it will be, and, while it runs, the process.
#[derive(Debug)]
pub struct MailServer {
    port: u16,
    folder: TempDir,
    child: Option<Child>,
}

impl MailServer {
    /// Picks a port for a mail server that does not run yet.
    pub fn down() -> MailServer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
        let port = listener.local_addr().expect("its address").port();
        MailServer { port, folder: tempfile::tempdir().expect("a mail folder"), child: None }
    }

    /// A mail server that runs.
    pub fn start() -> MailServer {
        let mut server = MailServer::down();
        server.up();
        server
    }

    /// What goes into `[email] smtp_url`.
    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// Starts the process, and waits until it listens.
    pub fn up(&mut self) {
        let address = format!("127.0.0.1:{}", self.port);
        let child = Command::new(python())
            .args(["-m", "aiosmtpd", "-n", "-l", &address, "-c", "aiosmtpd.handlers.Mailbox"])
            .arg(self.folder.path().join("mail"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("aiosmtpd is started");
        self.child = Some(child);
        wait::until("aiosmtpd listens", || TcpStream::connect(&address).ok());
    }

    /// The messages that it took.
    pub fn messages(&self) -> Vec<String> {
        let Ok(files) = fs::read_dir(self.folder.path().join("mail/new")) else {
            return Vec::new();
        };
        files.flatten().filter_map(|file| fs::read_to_string(file.path()).ok()).collect()
    }

    /// The first message, when it has come.
    pub fn message(&self) -> String {
        wait::until("a mail arrives", || self.messages().into_iter().next())
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The Python that has aiosmtpd.
fn python() -> PathBuf {
    let python = guests::toolchains().join("python/bin/python");
    assert!(python.exists(), "{} is missing: run `cargo xtask toolchain`", python.display());
    python
}
