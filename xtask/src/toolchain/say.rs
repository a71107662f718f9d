//! Telling people what happens.

use std::io::{self, Write as _};

/// A line for the terminal.
pub(super) fn say(line: &str) {
    // Nobody listens: no reason to stop.
    let _ = writeln!(io::stderr(), "{line}");
}
