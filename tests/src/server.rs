//! A server process on a data directory of its own.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{Client, Clock, TOKEN, guests, processes, wait};

/// How a server is started.
#[derive(Debug, Default)]
pub struct ServerOptions<'a> {
    env: Vec<(String, String)>,
    clock: Option<&'a Clock>,
    under: Vec<String>,
    data: Option<PathBuf>,
}

/// A running server. It is killed when this is dropped.
#[derive(Debug)]
pub struct Server<'a> {
    child: Child,
    client: Client,
    place: Place,
    options: ServerOptions<'a>,
}

/// A server that runs no more, and what it left.
#[derive(Debug)]
pub struct Stopped<'a> {
    /// How it ended.
    pub status: ExitStatus,
    address: String,
    place: Place,
    options: ServerOptions<'a>,
}

/// A process, by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process(Pid);

impl Process {
    /// Is it there?
    pub fn is_alive(self) -> bool {
        processes::is_alive(self.0)
    }

    /// How nice it is to others, -20 to 19; nothing when it is gone.
    pub fn niceness(self) -> Option<i32> {
        processes::niceness(self.0)
    }

    /// How many variables are in its environment; nothing when it is gone.
    pub fn variables(self) -> Option<usize> {
        processes::variables(self.0)
    }

    /// Are the calls of the system that it may make filtered? Nothing when it is gone.
    pub fn is_filtered(self) -> Option<bool> {
        processes::is_filtered(self.0)
    }
}

/// The folder with the data directory, unless that is elsewhere, and the log.
#[derive(Debug)]
struct Place {
    folder: TempDir,
    data: PathBuf,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().expect("a folder for the server");
        let data = folder.path().join("data");
        Place { folder, data }
    }

    fn make() -> Place {
        let place = Place::new();
        let data = place.data();
        let made = fs::DirBuilder::new().mode(0o700).create(&data);
        made.expect("the data directory is made");
        symlink(guests::compiled(), data.join("compiled")).expect("compiled code is shared");
        place
    }

    fn data(&self) -> PathBuf {
        self.data.clone()
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }
}

impl<'a> ServerOptions<'a> {
    /// Default settings, but steps may call loopback, mails go to `owner@example.org`, and one
    /// address may call as often as it likes: tests call a lot, and from one address.
    pub fn new() -> ServerOptions<'a> {
        ServerOptions::default()
            .env("WAYSTATION_LIMITS_HOOKS_PER_MINUTE", "0")
            .env("WAYSTATION_LIMITS_LINKS_PER_MINUTE", "0")
            .env("WAYSTATION_LIMITS_WRONG_TOKENS_PER_MINUTE", "0")
            .env("WAYSTATION_OUTBOUND_PRIVATE", "127.0.0.0/8")
            .env("WAYSTATION_EMAIL_OWNER", "owner@example.org")
    }

    /// Sets a variable; the last value of one counts.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> ServerOptions<'a> {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Lives by this clock.
    #[must_use]
    pub fn clock(mut self, clock: &'a Clock) -> ServerOptions<'a> {
        self.clock = Some(clock);
        self
    }

    /// Is started by this program, which gets the binary and its arguments as its last ones.
    #[must_use]
    pub fn under(mut self, program: &[&str]) -> ServerOptions<'a> {
        self.under = program.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// Has its data directory here, where the server can make it.
    #[must_use]
    pub fn data(mut self, data: &Path) -> ServerOptions<'a> {
        self.data = Some(data.to_owned());
        self
    }

    /// Starts it, and waits until it listens.
    pub fn start(self) -> Server<'a> {
        let place = match &self.data {
            Some(data) => Place { data: data.clone(), ..Place::new() },
            None => Place::make(),
        };
        Server::on(place, "127.0.0.1:0", self)
    }

    fn command(&self, data: &Path, address: &str) -> Command {
        let binary = guests::binary();
        let mut command = match self.under.split_first() {
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(binary);
                command
            }
            None => Command::new(binary),
        };
        command.args(["serve", "--listen", address, "--data"]).arg(data);
        without_settings(&mut command);
        command.env("WAYSTATION_TOKEN", TOKEN).envs(self.env.iter().cloned());
        if let Some(clock) = self.clock {
            clock.apply(&mut command);
        }
        command
    }
}

/// Starts the process.
fn spawn(place: &Place, address: &str, options: &ServerOptions<'_>) -> Child {
    let log = OpenOptions::new().create(true).append(true).open(place.log());
    let log = log.expect("the server's log is opened");
    options
        .command(&place.data(), address)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .expect("the server is started")
}

/// Takes away what the environment of the tests says about other servers.
pub(crate) fn without_settings(command: &mut Command) {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("WAYSTATION_")) {
        command.env_remove(name);
    }
}

impl<'a> Server<'a> {
    /// A server as [`ServerOptions::new`] says.
    pub fn start() -> Server<'a> {
        ServerOptions::new().start()
    }

    fn on(place: Place, address: &str, options: ServerOptions<'a>) -> Server<'a> {
        Server::try_on(place, address, options).unwrap_or_else(|stopped| {
            panic!("the server did not start ({}):\n{}", stopped.status, stopped.log())
        })
    }

    /// The server, or what is left of one that ended before it listened.
    fn try_on(
        place: Place,
        address: &str,
        options: ServerOptions<'a>,
    ) -> Result<Server<'a>, Box<Stopped<'a>>> {
        let mut child = spawn(&place, address, &options);
        let Some(url) = listening(&mut child) else {
            // It may be alive and silent.
            let _ = child.kill();
            let status = child.wait().expect("its status");
            let address = address.to_owned();
            return Err(Box::new(Stopped { status, address, place, options }));
        };
        Ok(Server { child, client: Client { url }, place, options })
    }

    /// Speaks to it.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Its data directory.
    pub fn data(&self) -> PathBuf {
        self.place.data()
    }

    /// Everything it logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.place.log()).unwrap_or_default()
    }

    /// Its process.
    pub(crate) fn pid(&self) -> Pid {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        pid.expect("a process has an id")
    }

    /// The largest file that a crash of it may leave, in bytes; `None` is without a bound.
    ///
    /// # Panics
    ///
    /// The process is no more.
    pub fn core_bytes_max(&self) -> Option<u64> {
        processes::core_bytes_max(self.pid())
    }

    /// The processes that check and compile components for it.
    pub fn compilers(&self) -> Vec<Process> {
        processes::children(self.pid()).into_iter().map(Process).collect()
    }

    /// Has it ended by itself within this time?
    pub(crate) fn ends_within(&mut self, patience: Duration) -> bool {
        let child = &mut self.child;
        wait::within(patience, || child.try_wait().expect("its status")).is_some()
    }

    /// `kill -9`
    pub fn kill(mut self) -> Stopped<'a> {
        self.child.kill().expect("the server is killed");
        self.stopped()
    }

    /// SIGTERM: it is to end by itself. The process has not ended when this returns.
    pub fn ask_to_stop(&self) {
        kill_process(self.pid(), Signal::TERM).expect("SIGTERM is sent");
    }

    /// Waits until it has ended by itself.
    pub fn stopped(mut self) -> Stopped<'a> {
        let child = &mut self.child;
        let status = wait::until("the server ends", || child.try_wait().expect("its status"));
        let address = self.client.url.trim_start_matches("http://").to_owned();
        // The fields move out of what has a `Drop`, so each is replaced.
        let place = std::mem::replace(&mut self.place, Place::new());
        let options = std::mem::take(&mut self.options);
        Stopped { status, address, place, options }
    }

    /// `kill -9`, and a new process on the same data directory and address.
    pub fn kill_and_restart(self) -> Server<'a> {
        self.kill().restart()
    }
}

impl<'a> Stopped<'a> {
    /// A new process on the same data directory and address.
    pub fn restart(self) -> Server<'a> {
        Server::on(self.place, &self.address, self.options)
    }

    /// A new process, which gets `kill -9` after this time, whether it listens by then or not.
    pub(crate) fn restart_and_kill(self, after: Duration) -> Stopped<'a> {
        let mut child = spawn(&self.place, &self.address, &self.options);
        wait::pause(after);
        child.kill().expect("the server is killed");
        let status = child.wait().expect("its status");
        Stopped { status, ..self }
    }

    /// A new process, with other settings, on the same data directory and address.
    pub fn restart_with(self, options: ServerOptions<'_>) -> Server<'_> {
        let data = options.data.clone().unwrap_or(self.place.data);
        Server::on(Place { folder: self.place.folder, data }, &self.address, options)
    }

    /// The same; what is left of it when it ends before it listens.
    pub(crate) fn try_restart_with(
        self,
        options: ServerOptions<'_>,
    ) -> Result<Server<'_>, Box<Stopped<'_>>> {
        let data = options.data.clone().unwrap_or(self.place.data);
        Server::try_on(Place { folder: self.place.folder, data }, &self.address, options)
    }

    /// Its data directory.
    pub fn data(&self) -> PathBuf {
        self.place.data()
    }

    /// Everything it logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.place.log()).unwrap_or_default()
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            report(&self.place.log());
        }
    }
}

#[expect(clippy::print_stderr, reason = "beside the message of the test that failed")]
fn report(log: &Path) {
    let text = fs::read_to_string(log).unwrap_or_default();
    eprintln!("--- the server's log\n{text}---");
}

/// The URL, once the server says it; nothing when it ends or stays silent.
fn listening(child: &mut Child) -> Option<String> {
    let stdout = child.stdout.take()?;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(url) = line.strip_prefix("listening on ") {
                // Nobody listens for a second one.
                let _ = sender.send(url.to_owned());
            }
        }
    });
    receiver.recv_timeout(Duration::from_secs(60)).ok()
}
