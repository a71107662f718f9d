//! A Python program that runs beside the server: the services of the examples.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The program. It is killed when this is dropped.
#[derive(Debug)]
pub struct Script {
    child: Child,
    /// Where it is: `http://127.0.0.1:PORT`, or https.
    pub url: String,
}

impl Script {
    /// Starts it with Python, and waits for its line `… http://ADDRESS` or `… https://ADDRESS`.
    ///
    /// # Panics
    ///
    /// It said no address.
    pub fn start(script: &Path, arguments: &[&str]) -> Script {
        let mut child = Command::new("python3")
            .arg("-u")
            .arg(script)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python3 is installed");
        let mut output = BufReader::new(child.stdout.take().expect("its output is read"));
        let mut line = String::new();
        output.read_line(&mut line).expect("its first line");
        // Whatever else it says is read, too: it must not find nobody there.
        std::thread::spawn(move || output.lines().for_each(drop));
        let is_url = |word: &&str| word.starts_with("http://") || word.starts_with("https://");
        let url = line.split_whitespace().find(is_url);
        let url = url.unwrap_or_else(|| panic!("{}: no address in {line:?}", script.display()));
        Script { child, url: url.to_owned() }
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
