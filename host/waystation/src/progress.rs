//! Shows that long work goes on, where a person looks on.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::output;

const TICK: Duration = Duration::from_millis(120);

/// Something that takes an unknown time. Invisible unless stderr is a terminal.
pub(crate) fn spinner(text: &str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner();
    say(&spinner, text);
    spinner.enable_steady_tick(TICK);
    spinner
}

/// Bytes on their way.
pub(crate) fn bytes(text: &str, count: u64) -> ProgressBar {
    let bar = ProgressBar::new(count);
    let style = ProgressStyle::with_template("{msg} [{bar:30}] {bytes}/{total_bytes}");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    say(&bar, text);
    bar
}

/// Bytes on their way, nobody knows how many.
pub(crate) fn unknown_bytes(text: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {bytes} ({bytes_per_sec})") {
        bar.set_style(style);
    }
    say(&bar, text);
    bar.enable_steady_tick(TICK);
    bar
}

/// What goes on now.
#[expect(clippy::disallowed_methods, reason = "the one place that cleans it before")]
pub(crate) fn say(bar: &ProgressBar, text: &str) {
    bar.set_message(output::one_line(text));
}
