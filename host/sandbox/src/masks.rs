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
    /// Stretches of `held` that do, in order; they don't overlap.
    open: Vec<Stretch>,
    hid: bool,
}

/// Secrets that overlap, as one.
struct Stretch {
    start: usize,
    end: usize,
    /// The form whose label stands in for all: the longest of those with which it begins. Later
    /// ones don't change it, so it is known by the time when what comes before is safe.
    label: usize,
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
        let start = end.saturating_sub(length(longest));
        let mut stretch = Stretch { start, end, label: longest, told: false };
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
            let Stretch { start, end, label, mut told } = stretch;
            if start < safe {
                if !told {
                    out.extend_from_slice(self.held.get(from..start).unwrap_or_default());
                    let label = masks.forms.get(label).map_or("[secret]", |(_, label)| label);
                    out.extend_from_slice(label.as_bytes());
                    told = true;
                    self.hid = true;
                }
                from = end.min(safe);
            }
            if end > safe {
                let (start, end) = (start.saturating_sub(safe), end - safe);
                waiting.push(Stretch { start, end, label, told });
            }
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
    for json in json_forms(value) {
        // In JSON within JSON it is escaped twice.
        forms.insert(json_escaped(&json).into_bytes());
        forms.insert(json.into_bytes());
    }
    for set in [URL_COMPONENT, JAVASCRIPT_COMPONENT] {
        let encoded = utf8_percent_encode(value, set).to_string();
        forms.insert(lower_escapes(&encoded).into_bytes());
        forms.insert(encoded.into_bytes());
    }
    let form: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    forms.insert(lower_escapes(&form).into_bytes());
    forms.insert(form.into_bytes());
    forms.extend(html_forms(value).into_iter().map(String::into_bytes));
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

/// `value` within a JSON string, as the usual encoders write it: JavaScript and Rust as it is,
/// Python without anything beyond ASCII, Go without what HTML or JavaScript would take for their
/// own, PHP with its slashes escaped, .NET with most of this together.
fn json_forms(value: &str) -> BTreeSet<String> {
    let json = json_escaped(value);
    let beyond_ascii = |c: char| !c.is_ascii();
    let markup = |c: char| matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}');
    let both = |c: char| beyond_ascii(c) || markup(c);
    let mut forms = BTreeSet::new();
    for case in [Digits::Lower, Digits::Upper] {
        let python = unicode_escaped(&json, case, beyond_ascii);
        forms.insert(python.replace('/', "\\/"));
        forms.insert(python);
        forms.insert(unicode_escaped(&json, case, markup));
        forms.insert(unicode_escaped(&json, case, both));
        // `"` itself is escaped already; here it is by number.
        let quotes = unicode_escaped(&json.replace("\\\"", "\""), case, |c| {
            both(c) || matches!(c, '"' | '\'' | '+' | '`')
        });
        forms.insert(quotes);
    }
    forms.insert(json.replace('/', "\\/"));
    forms.insert(json);
    forms
}

/// How hexadecimal digits are written.
#[derive(Clone, Copy)]
enum Digits {
    Lower,
    Upper,
}

/// The same JSON with the characters that `escapes` names by their numbers.
fn unicode_escaped(json: &str, digits: Digits, escapes: impl Fn(char) -> bool) -> String {
    let mut text = String::with_capacity(json.len());
    let mut units = [0; 2];
    for character in json.chars() {
        if !escapes(character) {
            text.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut units) {
            text.push_str(&match digits {
                Digits::Lower => format!("\\u{unit:04x}"),
                Digits::Upper => format!("\\u{unit:04X}"),
            });
        }
    }
    text
}

/// `value` as HTML has it: within text, and within the quotes of an attribute.
fn html_forms(value: &str) -> Vec<String> {
    let text = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut forms = vec![text.clone()];
    for quote in ["&quot;", "&#34;", "&#x22;"] {
        let quoted = text.replace('"', quote);
        for apostrophe in ["'", "&#39;", "&#x27;", "&#039;", "&apos;"] {
            forms.push(quoted.replace('\'', apostrophe));
        }
    }
    forms
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
    fn encoders_of_json_and_html_differ() {
        let masks = masks(&[("KEY", "<k>/&'\"é+z0")]);
        for text in [
            // Go
            r#"\u003ck\u003e/\u0026'\"é+z0"#,
            r#"\u003Ck\u003E/\u0026'\"é+z0"#,
            // Go within JSON
            r#"\\u003ck\\u003e/\\u0026'\\\"é+z0"#,
            // Python
            r#"<k>/&'\"\u00e9+z0"#,
            // PHP
            r#"<k>\/&'\"\u00e9+z0"#,
            r#"<k>\/&'\"é+z0"#,
            // both, and .NET
            r#"\u003ck\u003e/\u0026'\"\u00e9+z0"#,
            r#"\u003Ck\u003E/\u0026\u0027\u0022\u00E9\u002Bz0"#,
            // Python's html.escape, Go's, PHP's, a text that is no attribute
            "&lt;k&gt;/&amp;&#x27;&quot;é+z0",
            "&lt;k&gt;/&amp;&#39;&#34;é+z0",
            "&lt;k&gt;/&amp;&#039;&quot;é+z0",
            "&lt;k&gt;/&amp;'\"é+z0",
        ] {
            assert_eq!(masked(&masks, &format!("({text})")), "([secret KEY])", "{text}");
        }
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
    fn secrets_that_chain_for_ever_are_not_held_back_for_ever() {
        const RULE: &str = "-----";
        let masks = masks(&[("KEY", "-----BEGIN PRIVATE KEY-----"), ("B", "-----END KEY")]);
        let longest = masks.forms.iter().map(|(length, _)| *length).max().unwrap();
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

    #[test]
    fn lines_of_a_key_are_found_one_by_one() {
        let masks = masks(&[("KEY", "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\nshort\n")]);
        assert_eq!(masked(&masks, "> MIIEvQIBADANBgkqhkiG9w0\r\n"), "> [secret KEY]\r\n");
        assert_eq!(masked(&masks, "short"), "short");
    }
}
