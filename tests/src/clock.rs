//! The wall clock of a server, which a test can turn.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

/// Where Debian's package `faketime` has the library.
const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

/// A wall clock that runs like the machine's, ahead of it or behind it by what the test says.
/// Timers, which use the monotonic clock, are as they always are.
#[derive(Debug)]
pub struct Clock {
    folder: TempDir,
    /// In seconds; negative when it is behind.
    ahead: Cell<i64>,
}

impl Clock {
    /// A clock that agrees with the machine's.
    ///
    /// # Panics
    ///
    /// libfaketime is not installed.
    pub fn new() -> Clock {
        if let Err(missing) = Clock::is_possible() {
            panic!("{missing}");
        }
        let folder = tempfile::tempdir().expect("a folder for the clock");
        let clock = Clock { folder, ahead: Cell::new(0) };
        clock.write();
        clock
    }

    /// Can there be one here? What is missing, otherwise.
    pub(crate) fn is_possible() -> Result<(), String> {
        let missing = || {
            format!(
                "{LIBRARY} is missing: run `cargo xtask toolchain`, or `apt-get install faketime`"
            )
        };
        Path::new(LIBRARY).exists().then_some(()).ok_or_else(missing)
    }

    /// Turns it forward.
    pub fn advance(&self, by: Duration) {
        self.turn(seconds(by));
    }

    /// Turns it back.
    pub fn turn_back(&self, by: Duration) {
        self.turn(-seconds(by));
    }

    fn turn(&self, by: i64) {
        self.ahead.set(self.ahead.get() + by);
        self.write();
    }

    /// Makes `command` live by this clock.
    pub(crate) fn apply(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", LIBRARY)
            .env("FAKETIME_TIMESTAMP_FILE", self.file())
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("DONT_FAKE_MONOTONIC", "1")
            .env("NO_FAKE_STAT", "1");
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("offset")
    }

    /// The file is replaced in one step: the server may be reading it.
    fn write(&self) {
        let aside = self.folder.path().join("offset.new");
        let text = format!("{:+}\n", self.ahead.get());
        fs::write(&aside, text).expect("the clock's file is written");
        fs::rename(&aside, self.file()).expect("the clock's file is put in place");
    }
}

fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).expect("a time that a clock can be turned by")
}

impl Default for Clock {
    fn default() -> Clock {
        Clock::new()
    }
}
