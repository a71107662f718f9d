//! A mail server on loopback that keeps what it takes: aiosmtpd.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

use crate::{guests, wait};

/// Where it will be, and, while it runs, the process.
#[derive(Debug)]
pub struct MailServer {
    port: u16,
    /// Keeps the port for it while it is down: bound, so that nobody else gets it, and not
    /// listening, so that nobody answers.
    _port: Socket,
    folder: TempDir,
    child: Option<Child>,
}

impl MailServer {
    /// Picks a port for a mail server that does not run yet.
    pub fn down() -> MailServer {
        let kept = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        // Both sides have to agree that there may be two of them.
        kept.set_reuse_address(true).expect("a socket that shares");
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        kept.bind(&any.into()).expect("a port on loopback");
        let address = kept.local_addr().ok().and_then(|address| address.as_socket());
        let port = address.expect("its address").port();
        let folder = tempfile::tempdir().expect("a mail folder");
        MailServer { port, _port: kept, folder, child: None }
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
