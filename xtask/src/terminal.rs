//! Telling people what happens.

use std::fmt;
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

/// A line of the answer, on stdout.
pub(crate) fn line(text: &str) {
    let mut out = io::stdout().lock();
    // Nobody listens: no reason to stop.
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// A line about what is being done, on stderr.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// How long something took, for people.
pub(crate) struct Took(pub(crate) Duration);

impl Took {
    /// Since `start`.
    pub(crate) fn since(start: Instant) -> Took {
        Took(start.elapsed())
    }
}

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        if seconds < 60.0 {
            write!(f, "{seconds:.1} s")
        } else {
            write!(f, "{} min {:02} s", self.0.as_secs() / 60, self.0.as_secs() % 60)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_told_in_the_unit_that_fits() {
        assert_eq!(Took(Duration::from_millis(1_240)).to_string(), "1.2 s");
        assert_eq!(Took(Duration::from_secs(605)).to_string(), "10 min 05 s");
    }
}
