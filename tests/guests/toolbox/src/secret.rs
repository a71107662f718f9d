//! What a step does with a secret, and what it must not be able to leave of it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use waystation_step::{Error, exports, flow, http};

use crate::action;

/// A request. In its texts `${NAME}` is the variable `NAME`, and `${basic:USER:NAME}` the base64
/// of `USER:` and the variable.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Send {
    method: String,
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
    /// Follows the text of the body, so many times an `x`.
    #[serde(default)]
    more: usize,
}

impl Send {
    /// Finds the answer's body as a text.
    pub fn send(self) -> Result<Value, Error> {
        let mut request = http::request(&self.method, &filled(&self.url));
        for (name, value) in &self.headers {
            request = request.header(name, &filled(value));
        }
        let body = filled(&self.body) + &"x".repeat(self.more);
        if !body.is_empty() {
            request = request.body(body);
        }
        Ok(request.send()?.error_for_status()?.text().into())
    }
}

/// Lets `found` out by every way that a step has, but for its end.
pub fn leak(found: &Value) -> Result<(), Error> {
    let text = text(found);
    println!("{text}");
    eprintln!("{found}");
    // In pieces, across the ends of lines.
    let middle = text.floor_char_boundary(text.len() / 2);
    print!("{}", &text[..middle]);
    println!("{}", &text[middle..]);
    exports::set("leak", &json!({"text": text, "json": found.to_string()}))?;
    exports::set("$summary", &text)?;
    action::email(vec![], text.chars().take(200).collect(), text.clone())
}

/// Ends with `found`, in this way.
pub fn end(way: &str, found: &Value) -> Result<(), Error> {
    let text = text(found);
    match way {
        "fail" => return Err(Error::new(text).named("Leak").permanent()),
        "panic" => panic!("{text}"),
        "exit" => flow::exit(Some(&text)),
        "suspend" => {
            let message = text.chars().take(300).collect::<String>();
            let resume_schema = Some(json!({"title": text}));
            let options =
                flow::SuspendOptions { message: Some(message), resume_schema, ..Default::default() };
            flow::suspend_with(options)?;
        }
        "rerun" => {
            flow::rerun(86_400_000, found, None)?;
        }
        "respond" => action::respond(200, text, Vec::new())?,
        _ => return Err(Error::new(format!("no way to end: {way}"))),
    }
    Ok(())
}

fn text(found: &Value) -> String {
    found.as_str().map_or_else(|| found.to_string(), str::to_owned)
}

fn filled(text: &str) -> String {
    let mut parts = text.split("${");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap_or((part, ""));
        match name.strip_prefix("basic:").and_then(|basic| basic.split_once(':')) {
            Some((user, name)) => out.push_str(&base64(&format!("{user}:{}", variable(name)))),
            None => out.push_str(&variable(name)),
        }
        out.push_str(rest);
    }
    out
}

pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let digit = bits >> (18 - 6 * at) & 63;
            out.push(if at <= chunk.len() { char::from(DIGITS[digit as usize]) } else { '=' });
        }
    }
    out
}
