//! The log of one run: lines, in order, up to a size.

use std::sync::Arc;

use parking_lot::Mutex;
use waystation_core::{Clock, LogLine, LogStream, RunLimits, Timestamp};

use crate::masks::MaskStream;
use crate::secrets::Secrets;

/// A run's log. Lives outside of the run, so that it is there however the run ends.
#[derive(Clone)]
pub(crate) struct RunLog(Arc<Shared>);

struct Shared {
    clock: Arc<dyn Clock>,
    log_bytes_max: usize,
    line_bytes_max: usize,
    /// What the log may have, in bytes as it is stored, because of the execution's other runs.
    left: usize,
    execution_bytes_max: usize,
    secrets: Secrets,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    lines: Vec<LogLine>,
    /// Of the lines, each with its end.
    bytes: usize,
    /// Of the lines as they are stored.
    stored_bytes: usize,
    cut: bool,
    /// What was written after the last line's end.
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// What is on its way there, where there are secrets to be hidden.
    masked_stdout: Option<MaskStream>,
    masked_stderr: Option<MaskStream>,
}

impl RunLog {
    /// An empty log, in which `secrets` are hidden.
    pub(crate) fn new(clock: Arc<dyn Clock>, limits: &RunLimits, secrets: Secrets) -> RunLog {
        // With less than nothing left, a run before has said that the log is cut.
        let left = limits.execution_log_bytes.left();
        let state = State {
            cut: left.is_none(),
            masked_stdout: secrets.masks().map(MaskStream::new),
            masked_stderr: secrets.masks().map(MaskStream::new),
            ..State::default()
        };
        RunLog(Arc::new(Shared {
            clock,
            log_bytes_max: limits.log_bytes_max,
            line_bytes_max: limits.log_line_bytes_max.max(4),
            left: left.unwrap_or(0),
            execution_bytes_max: limits.execution_log_bytes.max,
            secrets,
            state: Mutex::new(state),
        }))
    }

    /// Takes what the guest wrote, in whatever pieces it comes.
    pub(crate) fn write(&self, stream: LogStream, bytes: &[u8]) {
        let mut state = self.0.state.lock();
        if state.cut {
            return;
        }
        match (self.0.secrets.masks(), state.masked(stream)) {
            (Some(masks), Some(masked)) => {
                let safe = masked.push(masks, bytes);
                self.take(&mut state, stream, &safe);
            }
            (Some(_) | None, None) | (None, Some(_)) => self.take(&mut state, stream, bytes),
        }
    }

    fn take(&self, state: &mut State, stream: LogStream, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if state.cut {
                return;
            }
            let (line, rest, ended) = match bytes.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    let (line, rest) = bytes.split_at(end);
                    (line, rest.get(1..).unwrap_or_default(), true)
                }
                None => (bytes, &[][..], false),
            };
            self.extend(state, stream, line);
            if ended {
                let line = std::mem::take(state.partial(stream));
                self.push(state, stream, line.strip_suffix(b"\r").unwrap_or(&line));
            }
            bytes = rest;
        }
    }

    /// Adds a line of the host's.
    pub(crate) fn note(&self, text: &str) {
        let masked = self.0.secrets.masks().and_then(|masks| masks.text(text));
        let text = masked.as_deref().unwrap_or(text).replace(['\n', '\r'], " ");
        self.push(&mut self.0.state.lock(), LogStream::Host, text.as_bytes());
    }

    /// Ends lines that the guest has not ended, and takes everything.
    pub(crate) fn finish(&self) -> Vec<LogLine> {
        let mut state = self.0.state.lock();
        for stream in [LogStream::Stdout, LogStream::Stderr] {
            if let (Some(masks), Some(masked)) = (self.0.secrets.masks(), state.masked(stream)) {
                let last = masked.finish(masks);
                self.take(&mut state, stream, &last);
            }
            let partial = std::mem::take(state.partial(stream));
            if !partial.is_empty() {
                self.push(&mut state, stream, &partial);
            }
        }
        std::mem::take(&mut state.lines)
    }

    /// The last lines of the guest's standard error, the oldest first, with one not ended.
    pub(crate) fn last_errors(&self, count: usize) -> Vec<String> {
        let mut state = self.0.state.lock();
        let partial = String::from_utf8_lossy(state.partial(LogStream::Stderr)).into_owned();
        let ended = state.lines.iter().filter(|line| line.stream == LogStream::Stderr);
        let mut lines: Vec<String> = ended.map(|line| line.text.clone()).collect();
        if !partial.is_empty() {
            lines.push(partial);
        }
        lines.split_off(lines.len().saturating_sub(count))
    }

    /// Adds to the line under way, and breaks it where it gets too long.
    fn extend(&self, state: &mut State, stream: LogStream, mut more: &[u8]) {
        while !state.cut {
            let partial = state.partial(stream);
            let room = self.0.line_bytes_max.saturating_sub(partial.len());
            if more.len() <= room {
                partial.extend_from_slice(more);
                return;
            }
            let (fits, rest) = more.split_at(room);
            partial.extend_from_slice(fits);
            let end = character_start(partial);
            let carried = partial.split_off(end);
            let line = std::mem::replace(partial, carried);
            self.push(state, stream, &line);
            more = rest;
        }
    }

    fn push(&self, state: &mut State, stream: LogStream, line: &[u8]) {
        if state.cut {
            return;
        }
        let at = self.0.clock.now();
        // What is no text becomes longer, so this is counted as it is kept.
        let text = String::from_utf8_lossy(line).into_owned();
        let bytes = text.len() + 1;
        if state.bytes + bytes > self.0.log_bytes_max {
            let most = self.0.log_bytes_max;
            state.cut(at, format!("the log is cut here: at most {most} bytes are kept"));
            return;
        }
        let line = LogLine { at, stream, text };
        let stored_bytes = line.stored_bytes();
        if state.stored_bytes + stored_bytes > self.0.left {
            let most = self.0.execution_bytes_max;
            state.cut(
                at,
                format!("the log is cut here: at most {most} bytes are kept of all runs together"),
            );
            return;
        }
        state.bytes += bytes;
        state.stored_bytes += stored_bytes;
        state.lines.push(line);
    }
}

impl State {
    /// Ends the log with a line that says why.
    fn cut(&mut self, at: Timestamp, text: String) {
        self.cut = true;
        self.stdout = Vec::new();
        self.stderr = Vec::new();
        self.lines.push(LogLine { at, stream: LogStream::Host, text });
    }

    fn partial(&mut self, stream: LogStream) -> &mut Vec<u8> {
        match stream {
            LogStream::Stdout => &mut self.stdout,
            LogStream::Stderr | LogStream::Host => &mut self.stderr,
        }
    }

    fn masked(&mut self, stream: LogStream) -> Option<&mut MaskStream> {
        match stream {
            LogStream::Stdout => self.masked_stdout.as_mut(),
            LogStream::Stderr | LogStream::Host => self.masked_stderr.as_mut(),
        }
    }
}

/// Where the last character starts, if `bytes` end within it; otherwise their end.
fn character_start(bytes: &[u8]) -> usize {
    let last = bytes.len().saturating_sub(4);
    let tail = bytes.get(last..).unwrap_or_default();
    let Some(lead) = tail.iter().rposition(|byte| byte & 0xc0 != 0x80) else { return bytes.len() };
    let wanted = match tail.get(lead) {
        Some(0xc0..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf7) => 4,
        _ => 1,
    };
    let start = last + lead;
    if start > 0 && tail.len() - lead < wanted { start } else { bytes.len() }
}

#[cfg(test)]
mod tests {
    use waystation_core::{Allowance, Limits, ManualClock, StepLimits};

    use super::*;

    fn log(log_bytes_max: usize, log_line_bytes_max: usize) -> RunLog {
        log_hiding(log_bytes_max, log_line_bytes_max, Secrets::default())
    }

    fn log_hiding(log_bytes_max: usize, log_line_bytes_max: usize, secrets: Secrets) -> RunLog {
        let limits = Limits { log_bytes_max, log_line_bytes_max, ..Limits::default() };
        let limits = limits.of_run(&StepLimits::default());
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(7)));
        RunLog::new(clock, &limits, secrets)
    }

    fn texts(log: &RunLog) -> Vec<String> {
        log.finish().into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn lines_come_together_from_pieces() {
        let log = log(1000, 100);
        log.write(LogStream::Stdout, b"a");
        log.write(LogStream::Stderr, b"oops\r\n");
        log.write(LogStream::Stdout, b"b\n\nlast");
        let lines = log.finish();
        let seen: Vec<_> = lines.iter().map(|line| (line.stream, line.text.as_str())).collect();
        assert_eq!(
            seen,
            [
                (LogStream::Stderr, "oops"),
                (LogStream::Stdout, "ab"),
                (LogStream::Stdout, ""),
                (LogStream::Stdout, "last"),
            ]
        );
        assert_eq!(lines[0].at, Timestamp::from_millis(7));
    }

    #[test]
    fn a_long_line_is_broken_between_characters() {
        let log = log(1000, 5);
        log.write(LogStream::Stdout, "abcdéfghij\n".as_bytes());
        assert_eq!(texts(&log), ["abcd", "éfgh", "ij"]);
    }

    #[test]
    fn what_is_no_text_is_kept_as_far_as_it_goes() {
        let log = log(1000, 8);
        log.write(LogStream::Stdout, b"a\xffb\n");
        log.write(LogStream::Stdout, &[0x80; 20]);
        let texts = texts(&log);
        assert_eq!(texts[0], "a\u{fffd}b");
        assert_eq!(texts.len(), 4);
    }

    #[test]
    fn too_much_is_cut_with_one_mark_and_writing_goes_on() {
        let log = log(20, 10);
        for _ in 0..1000 {
            log.write(LogStream::Stdout, b"0123456789\nx");
            log.note("host");
        }
        let lines = log.finish();
        assert!(
            lines.iter().map(|line| line.text.len() + 1).take(lines.len() - 1).sum::<usize>() <= 20
        );
        let marks = lines.iter().filter(|line| line.text.contains("cut here")).count();
        assert_eq!(marks, 1);
        assert_eq!(lines.last().unwrap().stream, LogStream::Host);
    }

    #[test]
    fn secrets_are_hidden_across_pieces_and_breaks_of_lines() {
        let given = waystation_core::RunSecret {
            name: "KEY".parse().unwrap(),
            value: waystation_core::SecretValue::new(String::from("one\ntwo three").into())
                .unwrap(),
            destinations: vec![],
            reveal: true,
        };
        let log = log_hiding(1000, 10, Secrets::new(vec![given]).unwrap());
        log.write(LogStream::Stdout, b"0123456one\n");
        log.write(LogStream::Stderr, b"two ");
        log.write(LogStream::Stdout, b"two thr");
        log.note("one\ntwo three");
        log.write(LogStream::Stdout, b"ee.\none\ntw");
        let lines = log.finish();
        let seen: Vec<_> = lines.iter().map(|line| (line.stream, line.text.as_str())).collect();
        assert_eq!(
            seen,
            [
                (LogStream::Host, "[secret KEY]"),
                (LogStream::Stdout, "0123456[se"),
                (LogStream::Stdout, "cret KEY]."),
                (LogStream::Stdout, "one"),
                (LogStream::Stdout, "tw"),
                (LogStream::Stderr, "two "),
            ]
        );
    }

    #[test]
    fn what_is_no_text_takes_the_room_that_it_is_shown_in() {
        let log = log(100, 10);
        log.write(LogStream::Stdout, &[0xff; 1000]);
        let lines = log.finish();
        let kept: usize = lines.iter().rev().skip(1).map(|line| line.text.len() + 1).sum();
        assert!(kept <= 100, "{kept} bytes are kept");
        assert_eq!(lines.last().unwrap().stream, LogStream::Host);
    }

    /// A log of a run whose execution may leave `max` bytes and has left `used`.
    fn log_after(max: usize, used: usize) -> RunLog {
        let mut limits = Limits::default().of_run(&StepLimits::default());
        limits.execution_log_bytes = Allowance { max, used };
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(7)));
        RunLog::new(clock, &limits, Secrets::default())
    }

    #[test]
    fn all_runs_together_leave_no_more_than_the_execution_may() {
        let line = LogLine {
            at: Timestamp::from_millis(7),
            stream: LogStream::Stdout,
            text: "\u{1}".into(),
        };
        let bytes = line.stored_bytes();
        assert!(bytes > 50, "a line is more than its text");
        let written = |max: usize, used: usize| {
            let log = log_after(max, used);
            log.write(LogStream::Stdout, b"\x01\n\x01\n\x01\n");
            texts(&log)
        };
        let mark =
            |max| format!("the log is cut here: at most {max} bytes are kept of all runs together");
        assert_eq!(written(3 * bytes, 0).len(), 3);
        let (whole, max) = ("\u{1}".to_owned(), 3 * bytes - 1);
        assert_eq!(written(max, 0), [whole.clone(), whole, mark(max)]);
        assert_eq!(written(max, max), [mark(max)], "nothing is left, and nobody has said so");
        assert_eq!(written(max, max + 1), [""; 0], "somebody has");
    }

    #[test]
    fn empty_lines_are_not_free() {
        let log = log(10, 10);
        log.write(LogStream::Stdout, &[b'\n'; 100_000]);
        assert_eq!(log.finish().len(), 11);
    }
}
