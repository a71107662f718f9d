//! Placeholders in bytes.

use crate::secrets::{PLACEHOLDER, PLACEHOLDER_DIGITS};

/// Of a placeholder, in bytes.
pub(super) const LENGTH: usize = PLACEHOLDER.len() + PLACEHOLDER_DIGITS;

/// The first thing in `bytes` that looks like a placeholder: where it starts and ends.
pub(super) fn find(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut from = 0;
    loop {
        let rest = bytes.get(from..)?;
        let start =
            from + rest.windows(PLACEHOLDER.len()).position(|at| at == PLACEHOLDER.as_bytes())?;
        let digits = start + PLACEHOLDER.len();
        let end = digits + PLACEHOLDER_DIGITS;
        let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if bytes.get(digits..end).is_some_and(|digits| digits.iter().all(is_digit)) {
            return Some((start, end));
        }
        from = digits;
    }
}

pub(super) fn cut(bytes: &[u8], start: usize, end: usize) -> (&[u8], &[u8], &[u8]) {
    let (before, rest) = bytes.split_at(start);
    let (found, after) = rest.split_at(end - start);
    (before, found, after)
}
