//! A mail in a file, for people: its head's main lines, and its plain text decoded.

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A mail as people read it.
pub(super) struct Message {
    /// From, to, subject and date, an empty line, the text.
    pub(super) text: String,
}

/// Reads the mail in `bytes` (RFC 5322, MIME).
pub(super) fn read(bytes: &[u8]) -> Result<Message> {
    let raw = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    let mail = Part::read(&raw).context("the mail has no head")?;
    let mut lines: Vec<String> = ["From", "To", "Subject", "Date"]
        .iter()
        .filter_map(|name| Some(format!("{name}: {}", words(mail.header(name)?))))
        .collect();
    lines.push(String::new());
    lines.push(mail.plain_text()?);
    Ok(Message { text: lines.join("\n") })
}

/// A head and a body.
struct Part<'a> {
    headers: Vec<(&'a str, String)>,
    body: &'a str,
}

impl<'a> Part<'a> {
    fn read(raw: &'a str) -> Option<Part<'a>> {
        let (head, body) = raw.split_once("\n\n")?;
        let mut headers: Vec<(&str, String)> = Vec::new();
        for line in head.lines() {
            if let (Some((_, value)), true) = (headers.last_mut(), line.starts_with([' ', '\t'])) {
                value.push(' ');
                value.push_str(line.trim());
            } else if let Some((name, value)) = line.split_once(':') {
                headers.push((name, value.trim().to_owned()));
            }
        }
        Some(Part { headers, body })
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// The body, or that of the first part that is plain text.
    fn plain_text(&self) -> Result<String> {
        let kind = self.header("content-type").unwrap_or("text/plain");
        if let Some(boundary) = boundary(kind) {
            let boundary = format!("--{boundary}");
            let parts = self.body.split(boundary.as_str()).skip(1);
            let mut parts = parts.filter_map(|part| Part::read(part.trim_start_matches('\n')));
            return parts.next().context("the mail has no parts")?.plain_text();
        }
        let bytes = match self.header("content-transfer-encoding").unwrap_or_default() {
            encoding if encoding.eq_ignore_ascii_case("base64") => {
                STANDARD.decode(self.body.split_whitespace().collect::<String>())?
            }
            encoding if encoding.eq_ignore_ascii_case("quoted-printable") => {
                quoted_printable(self.body)
            }
            _ => self.body.as_bytes().to_vec(),
        };
        Ok(String::from_utf8_lossy(&bytes).replace("\r\n", "\n").trim_end().to_owned())
    }
}

fn boundary(content_type: &str) -> Option<&str> {
    let (_, value) = content_type.split_once("boundary=")?;
    let value = value.split(';').next()?.trim();
    Some(value.trim_matches('"'))
}

/// RFC 2045, 6.7.
fn quoted_printable(text: &str) -> Vec<u8> {
    let text = text.replace("=\n", "");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if *first == b'=' => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

/// A header's text, its encoded words (RFC 2047) decoded.
fn words(value: &str) -> String {
    let decoded = value.split(' ').map(|word| encoded_word(word).unwrap_or_else(|| word.into()));
    decoded.collect::<Vec<String>>().join(" ")
}

fn encoded_word(word: &str) -> Option<String> {
    let inner = word.strip_prefix("=?utf-8?")?.strip_suffix("?=")?;
    let bytes = match inner.split_once('?')? {
        ("b" | "B", text) => STANDARD.decode(text).ok()?,
        ("q" | "Q", text) => quoted_printable(&text.replace('_', " ")),
        _ => return None,
    };
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_links_are_whole_again() {
        let raw = "From: a@b\r\nTo: c@d\r\nSubject: =?utf-8?b?w6k=?= x\r\n\
            Content-Type: text/plain; charset=utf-8\r\n\
            Content-Transfer-Encoding: quoted-printable\r\n\r\nhttp://h/re=\r\nsume/a=3Db\r\n";
        let message = read(raw.as_bytes()).unwrap();
        assert_eq!(message.text, "From: a@b\nTo: c@d\nSubject: é x\n\nhttp://h/resume/a=b");
    }

    #[test]
    fn of_several_parts_the_plain_one_is_read() {
        let raw = "Subject: s\nContent-Type: multipart/alternative; boundary=\"B\"\n\n\
            --B\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\naGk=\n\
            --B\nContent-Type: text/html\n\n<p>hi</p>\n--B--\n";
        assert_eq!(read(raw.as_bytes()).unwrap().text, "Subject: s\n\nhi");
    }
}
