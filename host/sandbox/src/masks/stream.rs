//! Hides secrets in what comes piece by piece.

use std::sync::atomic::Ordering;

use aho_corasick::Anchored;
use aho_corasick::automaton::{Automaton as _, StateID};

use super::{Form, Masks};

/// Hides secrets in what comes piece by piece, whatever the pieces.
///
/// What may be the beginning of a secret is held back until it is one or not.
pub(crate) struct MaskStream {
    state: StateID,
    /// The bytes that may still turn out to belong to a secret.
    held: Vec<u8>,
    /// Stretches of `held` that do, in order; they don't overlap.
    open: Vec<Stretch>,
    hid: bool,
}

/// Secrets that overlap, as one.
struct Stretch {
    start: usize,
    end: usize,
    /// The one whose label stands in for all: that of the longest form with which it begins. Later
    /// ones don't change it, so it is known by the time when what comes before is safe.
    secret: usize,
    /// Was the label given? Then only bytes are left to be left out.
    told: bool,
}

impl MaskStream {
    pub(crate) fn new(masks: &Masks) -> MaskStream {
        MaskStream { state: masks.start, held: Vec::new(), open: Vec::new(), hid: false }
    }

    /// Was anything hidden so far?
    pub(crate) fn hid(&self) -> bool {
        self.hid
    }

    /// Was a secret found that is still held back?
    pub(super) fn holds_a_secret(&self) -> bool {
        !self.open.is_empty()
    }

    /// Takes the next piece, and gives what is safe by now.
    pub(crate) fn push(&mut self, masks: &Masks, bytes: &[u8]) -> Vec<u8> {
        for &byte in bytes {
            self.state = masks.automaton.next_state(Anchored::No, self.state, byte);
            self.held.push(byte);
            self.mark(masks);
        }
        let depth = masks.depths.get(self.state.as_usize()).copied().unwrap_or(0);
        self.release(masks, self.held.len().saturating_sub(depth as usize))
    }

    /// Gives what was held back: no more comes.
    pub(crate) fn finish(&mut self, masks: &Masks) -> Vec<u8> {
        self.state = masks.start;
        self.release(masks, self.held.len())
    }

    /// Secrets may end here. What they overlap with becomes one stretch.
    fn mark(&mut self, masks: &Masks) {
        let known = |form: &&Form| {
            masks.secrets.get(form.secret).is_some_and(|one| one.known.load(Ordering::Relaxed))
        };
        let ending = masks.ending_in(self.state).filter(known);
        let Some(longest) = ending.max_by_key(|form| form.length) else { return };
        let end = self.held.len();
        let start = end.saturating_sub(longest.length);
        let mut stretch = Stretch { start, end, secret: longest.secret, told: false };
        while let Some(before) = self.open.pop_if(|before| before.end > stretch.start) {
            if before.told || before.start < stretch.start {
                stretch = Stretch { end, ..before };
            }
        }
        self.open.push(stretch);
    }

    /// Gives the first `safe` bytes. The label of a stretch that lies across their end is among
    /// them: forms that end as they begin may follow on each other for ever, and nothing of a
    /// stretch is held back longer than a single secret would be.
    fn release(&mut self, masks: &Masks, safe: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(safe);
        let mut from = 0;
        let mut waiting = Vec::new();
        for stretch in std::mem::take(&mut self.open) {
            let Stretch { start, end, secret, mut told } = stretch;
            if start < safe {
                if !told {
                    out.extend_from_slice(self.held.get(from..start).unwrap_or_default());
                    let label = masks.secrets.get(secret).map_or("[secret]", |one| &one.label);
                    out.extend_from_slice(label.as_bytes());
                    told = true;
                    self.hid = true;
                }
                from = end.min(safe);
            }
            if end > safe {
                let (start, end) = (start.saturating_sub(safe), end - safe);
                waiting.push(Stretch { start, end, secret, told });
            }
        }
        out.extend_from_slice(self.held.get(from..safe).unwrap_or_default());
        self.held.drain(..safe);
        self.open = waiting;
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masks::testing::{masked, masks};

    #[test]
    fn pieces_make_no_difference() {
        let masks = masks(&[("A", "abcabcabd"), ("B", "bcabcxyz")]);
        let text = b"..abcabcabcabd..abcabcabd|bcabcxyz abcabcxyz abcab";
        let whole = masks.bytes(text).into_owned();
        for size in 1..text.len() {
            let mut stream = MaskStream::new(&masks);
            let mut out = Vec::new();
            for piece in text.chunks(size) {
                out.extend(stream.push(&masks, piece));
            }
            out.extend(stream.finish(&masks));
            assert_eq!(String::from_utf8(out), String::from_utf8(whole.clone()), "by {size}");
        }
        let shown = String::from_utf8(whole).unwrap();
        assert_eq!(shown, "..abc[secret A]..[secret A]|[secret B] a[secret B] abcab");
    }

    #[test]
    fn no_more_is_held_back_than_may_be_a_secret() {
        let masks = masks(&[("A", "abcdefgh")]);
        let mut stream = MaskStream::new(&masks);
        assert_eq!(stream.push(&masks, b"xyz abcd"), b"xyz ");
        assert_eq!(stream.push(&masks, b"e\n"), b"abcde\n");
        assert_eq!(stream.push(&masks, b"abcdefgh"), b"");
        assert_eq!(stream.push(&masks, b"."), b"[secret A].");
        assert_eq!(stream.push(&masks, b"abcdefg"), b"");
        assert_eq!(stream.finish(&masks), b"abcdefg");
    }

    #[test]
    fn secrets_that_chain_for_ever_are_not_held_back_for_ever() {
        const RULE: &str = "-----";
        let masks = masks(&[("KEY", "-----BEGIN PRIVATE KEY-----"), ("B", "-----END KEY")]);
        let longest = masks.forms.iter().map(|form| form.length).max().unwrap();
        let mut stream = MaskStream::new(&masks);
        let mut out = stream.push(&masks, format!("<{RULE}").as_bytes());
        for _ in 0..1000 {
            for byte in b"BEGIN PRIVATE KEY-----" {
                out.extend(stream.push(&masks, &[*byte]));
                assert!(stream.held.len() <= longest, "{} bytes are held", stream.held.len());
                assert!(stream.open.len() <= 1);
            }
        }
        out.extend(stream.push(&masks, b"END KEY, -----END"));
        out.extend(stream.finish(&masks));
        assert_eq!(String::from_utf8(out).unwrap(), "<[secret KEY], -----END");
    }

    #[test]
    fn chains_are_told_alike_whatever_the_pieces() {
        let masks = masks(&[("A", "xyxyabxy"), ("B", "xyababxyxyab"), ("C", "abxyxyabxyz")]);
        let text = "xyxyabxyxyabxyababxyxyabxyz xyxyabxyxyababxyxyabxy.xyxyabxyxyab".repeat(3);
        let whole = masked(&masks, &text);
        for size in 1..text.len() {
            let mut stream = MaskStream::new(&masks);
            let mut out = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                out.extend(stream.push(&masks, piece));
            }
            out.extend(stream.finish(&masks));
            assert_eq!(String::from_utf8(out).unwrap(), whole, "by {size}");
        }
    }

    #[test]
    fn secrets_that_overlap_are_hidden_together() {
        let masks = masks(&[("A", "abcdefgh"), ("B", "efghijkl"), ("LONG", "abcdefghijklmnop")]);
        assert_eq!(masked(&masks, "<abcdefghijkl>"), "<[secret A]>");
        assert_eq!(masked(&masks, "<abcdefghijklmnop>"), "<[secret LONG]>");
        assert_eq!(masked(&masks, "<abcdefghabcdefgh>"), "<[secret A][secret A]>");
    }
}
