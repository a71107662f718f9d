//! The forms in which a value comes up in other programs' output.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The shortest line of a value that is looked for by itself, in bytes: keys are often printed
/// line by line.
const LINE_BYTES_MIN: usize = 16;

/// Everything but what RFC 3986 calls unreserved.
pub(crate) const URL_COMPONENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What `encodeURIComponent` leaves as it is.
const JAVASCRIPT_COMPONENT: &AsciiSet =
    &URL_COMPONENT.remove(b'!').remove(b'\'').remove(b'(').remove(b')').remove(b'*');

/// The forms in which a value may come up, each once.
pub(super) fn forms_of(value: &str) -> BTreeSet<Vec<u8>> {
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

    use super::*;
    use crate::masks::testing::{masked, masks};

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
    fn lines_of_a_key_are_found_one_by_one() {
        let masks = masks(&[("KEY", "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\nshort\n")]);
        assert_eq!(masked(&masks, "> MIIEvQIBADANBgkqhkiG9w0\r\n"), "> [secret KEY]\r\n");
        assert_eq!(masked(&masks, "short"), "short");
    }
}
