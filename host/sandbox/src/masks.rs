//! Finds secrets in what a run leaves behind, and hides them.
//!
//! A value is looked for as it is and in the forms in which programs usually pass it on: in
//! JSON, in a URL, in base64, in hexadecimal. A guest that was given a value can always change
//! it into something that is not found here.

use std::borrow::Cow;
use std::collections::BTreeSet;

use aho_corasick::automaton::Automaton as _;
use aho_corasick::automaton::StateID;
use aho_corasick::nfa::noncontiguous::NFA;
use aho_corasick::{Anchored, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use waystation_core::RunSecret;

/// The shortest line of a value that is looked for by itself, in bytes: keys are often printed
/// line by line.
const LINE_BYTES_MIN: usize = 16;

/// Everything but what RFC 3986 calls unreserved.
pub(crate) const URL_COMPONENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What `encodeURIComponent` leaves as it is.
const JAVASCRIPT_COMPONENT: &AsciiSet =
    &URL_COMPONENT.remove(b'!').remove(b'\'').remove(b'(').remove(b')').remove(b'*');

/// All forms of all secrets of a run.
pub(crate) struct Masks {
    automaton: NFA,
    start: StateID,
    /// Of each form, by its number: how long it is, and what stands in for it.
    forms: Vec<(usize, String)>,
    /// How much of a form has been seen in each state.
    depths: Vec<u32>,
}

impl Masks {
    /// The masks for `secrets`; `None` when there are none.
    pub(crate) fn new(secrets: &[RunSecret]) -> Option<Masks> {
        let mut texts: Vec<Vec<u8>> = Vec::new();
        let mut forms = Vec::new();
        for secret in secrets {
            let label = format!("[secret {}]", secret.name);
            for form in forms_of(secret.value.reveal()) {
                forms.push((form.len(), label.clone()));
                texts.push(form);
            }
        }
        if texts.is_empty() {
            return None;
        }
        // Both fail only for patterns of gigabytes.
        let automaton = NFA::builder().match_kind(MatchKind::Standard).build(&texts).ok()?;
        let start = automaton.start_state(Anchored::No).ok()?;
        let mut depths = Vec::new();
        for text in &texts {
            let mut state = start;
            for (depth, byte) in (1..).zip(text) {
                state = automaton.next_state(Anchored::No, state, *byte);
                let at = state.as_usize();
                if depths.len() <= at {
                    depths.resize(at + 1, 0);
                }
                if let Some(known) = depths.get_mut(at) {
                    *known = depth;
                }
            }
        }
        Some(Masks { automaton, start, forms, depths })
    }

    /// `bytes` without secrets.
    pub(crate) fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let mut stream = MaskStream::new(self);
        let mut masked = stream.push(self, bytes);
        if !stream.hid() && stream.open.is_empty() {
            return Cow::Borrowed(bytes);
        }
        masked.extend(stream.finish(self));
        if stream.hid() { Cow::Owned(masked) } else { Cow::Borrowed(bytes) }
    }

    /// `text` without secrets; `None` when there are none in it.
    pub(crate) fn text(&self, text: &str) -> Option<String> {
        match self.bytes(text.as_bytes()) {
            Cow::Borrowed(_) => None,
            // Forms are whole characters, and so is what is left between them.
            Cow::Owned(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }
}

/// Hides secrets in what comes piece by piece, whatever the pieces.
///
/// What may be the beginning of a secret is held back until it is one or not.
pub(crate) struct MaskStream {
    state: StateID,
    /// The bytes that may still turn out to belong to a secret.
    held: Vec<u8>,
    /// Stretches of `held` that do: where they start, where they end, what stands in for them,
    /// and how long the longest secret in them is. In order; they don't overlap.
    open: Vec<Stretch>,
    hid: bool,
}

struct Stretch {
    start: usize,
    end: usize,
    label: usize,
}

impl MaskStream {
    pub(crate) fn new(masks: &Masks) -> MaskStream {
        MaskStream { state: masks.start, held: Vec::new(), open: Vec::new(), hid: false }
    }

    /// Was anything hidden so far?
    pub(crate) fn hid(&self) -> bool {
        self.hid
    }

    /// Takes the next piece, and gives what is safe by now.
    pub(crate) fn push(&mut self, masks: &Masks, bytes: &[u8]) -> Vec<u8> {
        for &byte in bytes {
            self.state = masks.automaton.next_state(Anchored::No, self.state, byte);
            self.held.push(byte);
            if masks.automaton.is_match(self.state) {
                self.mark(masks);
            }
        }
        let depth = masks.depths.get(self.state.as_usize()).copied().unwrap_or(0);
        self.release(masks, self.held.len().saturating_sub(depth as usize))
    }

    /// Gives what was held back: no more comes.
    pub(crate) fn finish(&mut self, masks: &Masks) -> Vec<u8> {
        self.state = masks.start;
        self.release(masks, self.held.len())
    }

    /// Secrets end here. What they overlap with becomes one stretch.
    fn mark(&mut self, masks: &Masks) {
        let count = masks.automaton.match_len(self.state);
        let found = (0..count).map(|at| masks.automaton.match_pattern(self.state, at).as_usize());
        let length = |form: usize| masks.forms.get(form).map_or(0, |(length, _)| *length);
        let Some(longest) = found.max_by_key(|form| length(*form)) else { return };
        let end = self.held.len();
        let mut stretch =
            Stretch { start: end.saturating_sub(length(longest)), end, label: longest };
        while let Some(before) = self.open.pop_if(|before| before.end > stretch.start) {
            stretch.start = before.start.min(stretch.start);
            if length(before.label) > length(stretch.label) {
                stretch.label = before.label;
            }
        }
        self.open.push(stretch);
    }

    /// Gives the first `safe` bytes, or fewer: a stretch that reaches beyond waits as a whole.
    fn release(&mut self, masks: &Masks, mut safe: usize) -> Vec<u8> {
        if let Some(across) = self.open.iter().find(|one| one.start < safe && one.end > safe) {
            safe = across.start;
        }
        let mut out = Vec::with_capacity(safe);
        let mut from = 0;
        let mut waiting = Vec::new();
        for stretch in std::mem::take(&mut self.open) {
            if stretch.end > safe {
                let Stretch { start, end, label } = stretch;
                waiting.push(Stretch { start: start - safe, end: end - safe, label });
                continue;
            }
            out.extend_from_slice(self.held.get(from..stretch.start).unwrap_or_default());
            let label = masks.forms.get(stretch.label).map_or("[secret]", |(_, label)| label);
            out.extend_from_slice(label.as_bytes());
            from = stretch.end;
            self.hid = true;
        }
        out.extend_from_slice(self.held.get(from..safe).unwrap_or_default());
        self.held.drain(..safe);
        self.open = waiting;
        out
    }
}

/// The forms in which a value may come up, each once.
fn forms_of(value: &str) -> BTreeSet<Vec<u8>> {
    let mut forms = BTreeSet::new();
    forms.insert(value.as_bytes().to_vec());
    if value.contains('\n') {
        let lines = value.lines().filter(|line| line.len() >= LINE_BYTES_MIN);
        forms.extend(lines.map(|line| line.as_bytes().to_vec()));
    }
    let json = json_escaped(value);
    forms.insert(ascii_only(&json).into_bytes());
    // In JSON within JSON it is escaped twice.
    forms.insert(json_escaped(&json).into_bytes());
    forms.insert(json.into_bytes());
    for set in [URL_COMPONENT, JAVASCRIPT_COMPONENT] {
        let encoded = utf8_percent_encode(value, set).to_string();
        forms.insert(lower_escapes(&encoded).into_bytes());
        forms.insert(encoded.into_bytes());
    }
    let form: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    forms.insert(lower_escapes(&form).into_bytes());
    forms.insert(form.into_bytes());
    let html = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let html = html.replace('"', "&quot;");
    forms.insert(html.replace('\'', "&#39;").into_bytes());
    forms.insert(html.into_bytes());
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    forms.insert(hex.to_uppercase().into_bytes());
    forms.insert(hex.into_bytes());
    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        forms.extend((0..3).map(|shift| base64_within(engine, value, shift)));
    }
    forms
}

/// `text` as it stands between the quotes of a JSON string.
pub(crate) fn json_escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(&quoted).to_owned()
}

/// The same JSON with every character beyond ASCII escaped, as Python writes it.
fn ascii_only(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    let mut units = [0; 2];
    for character in json.chars() {
        if character.is_ascii() {
            text.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut units) {
            text.push_str(&format!("\\u{unit:04x}"));
        }
    }
    text
}

/// The same with its percent-escapes in lower case.
fn lower_escapes(encoded: &str) -> String {
    let mut parts = encoded.split('%');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at(part.len().min(2));
        text.push('%');
        text.push_str(&digits.to_lowercase());
        text.push_str(rest);
    }
    text
}

/// What the base64 of a text has of `value` in any case, when `value` begins in it at a byte
/// whose number is `shift` modulo three: the characters at its borders hold bits of others.
fn base64_within(engine: &base64::engine::GeneralPurpose, value: &str, shift: usize) -> Vec<u8> {
    let text = [&vec![0; shift][..], value.as_bytes()].concat();
    let encoded = engine.encode(&text).into_bytes();
    let (start, end) = ((shift * 8).div_ceil(6), text.len() * 8 / 6);
    encoded.get(start..end).unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use waystation_core::SecretValue;

    use super::*;

    fn masks(secrets: &[(&str, &str)]) -> Masks {
        let secret = |(name, value): &(&str, &str)| RunSecret {
            name: name.parse().unwrap(),
            value: SecretValue::new((*value).to_owned().into()).unwrap(),
            destinations: vec![],
            reveal: false,
        };
        Masks::new(&secrets.iter().map(secret).collect::<Vec<_>>()).unwrap()
    }

    fn masked(masks: &Masks, text: &str) -> String {
        masks.text(text).unwrap_or_else(|| text.to_owned())
    }

    const VALUE: &str = "pä$$/w\"or d+?\\é~";

    #[test]
    fn a_value_is_found_in_all_its_forms() {
        let masks = masks(&[("KEY", VALUE)]);
        let basic = |user: &str| STANDARD.encode(format!("{user}:{VALUE}"));
        let json = serde_json::to_string(VALUE).unwrap();
        for text in [
            VALUE.to_owned(),
            json.clone(),
            serde_json::to_string(&json).unwrap(),
            "\"p\\u00e4$$/w\\\"or d+?\\\\\\u00e9~\"".to_owned(),
            "p%C3%A4%24%24%2Fw%22or%20d%2B%3F%5C%C3%A9~".to_owned(),
            "p%c3%a4%24%24%2fw%22or%20d%2b%3f%5c%c3%a9~".to_owned(),
            "p%C3%A4%24%24%2Fw%22or+d%2B%3F%5C%C3%A9%7E".to_owned(),
            "pä$$/w&quot;or d+?\\é~".to_owned(),
            VALUE.bytes().map(|byte| format!("{byte:02x}")).collect(),
            VALUE.bytes().map(|byte| format!("{byte:02X}")).collect(),
        ] {
            let seen = masked(&masks, &format!("<{text}>"));
            assert!(seen.contains("[secret KEY]"), "{text}: {seen}");
            assert!(seen.len() <= "<\"\\\"[secret KEY]\\\"\">".len(), "{text}: {seen}");
        }
        for text in [basic(""), basic("a"), basic("ab"), URL_SAFE.encode(format!("{VALUE}??"))] {
            let seen = masked(&masks, &text);
            assert!(seen.contains("[secret KEY]"), "{text}: {seen}");
            // What is left of the value is less than a byte at each end.
            assert!(seen.len() <= "[secret KEY]".len() + 8, "{text}: {seen}");
        }
        assert_eq!(masks.text("nothing of it: pä$$/w\"or d+"), None);
    }

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
    fn secrets_that_overlap_are_hidden_together() {
        let masks = masks(&[("A", "abcdefgh"), ("B", "efghijkl"), ("LONG", "abcdefghijklmnop")]);
        assert_eq!(masked(&masks, "<abcdefghijkl>"), "<[secret B]>");
        assert_eq!(masked(&masks, "<abcdefghijklmnop>"), "<[secret LONG]>");
        assert_eq!(masked(&masks, "<abcdefghabcdefgh>"), "<[secret A][secret A]>");
    }

    #[test]
    fn lines_of_a_key_are_found_one_by_one() {
        let masks = masks(&[("KEY", "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\nshort\n")]);
        assert_eq!(masked(&masks, "> MIIEvQIBADANBgkqhkiG9w0\r\n"), "> [secret KEY]\r\n");
        assert_eq!(masked(&masks, "short"), "short");
    }
}
