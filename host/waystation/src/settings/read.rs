//! From what was given to settings that hold.

use std::fmt::Display;
use std::path::PathBuf;

use ipnet::IpNet;
use serde_json::Value;
use tracing::level_filters::LevelFilter;
use url::Url;
use waystation_core::{Mail, OnTimeout, UrlPattern};
use waystation_http::GetLink;

use super::given::{Given, Setting};
use super::{LogFormat, Settings, limits};
use crate::failure::{Done, Failure};

impl Setting {
    /// The one line for a value that is not allowed.
    pub(super) fn fault(&self, key: &str, allowed: &str) -> Failure {
        Failure::usage(format!("{}: {key} = {}: {allowed}", self.source, self.value))
    }
}

/// Checks everything.
pub(super) fn settings(given: &Given) -> Done<Settings> {
    let text = |key, allowed, check: &dyn Fn(&str) -> bool| {
        Text { given, key, allowed }.read(|text| check(text).then(|| text.to_owned()))
    };
    text("store", "sled: is allowed, the store within the data directory", &|url| {
        url == "sled" || url == "sled:"
    })?;
    let listen = text("listen", "HOST:PORT is allowed", &is_address)?;
    let data = text("data", "a directory is allowed", &|path| !path.is_empty())?;
    let smtp = "smtp://[USER:PASSWORD@]HOST[:PORT] or smtps://… is allowed";
    let address = "an address of the form name@host is allowed";
    Ok(Settings {
        listen: listen.unwrap_or_else(|| "127.0.0.1:8787".to_owned()),
        data: PathBuf::from(data.unwrap_or_else(|| "./waystation-data".to_owned())),
        public_url: Text {
            given,
            key: "public_url",
            allowed: "http://HOST[:PORT][/PATH] or https://… is allowed, without query and fragment",
        }
        .read(public_url)?,
        trusted_proxies: list::<IpNet>(
            given,
            "trusted_proxies",
            "a CIDR such as 10.0.0.0/8 is allowed",
        )?
        .unwrap_or_default(),
        outbound_allow: list::<UrlPattern>(
            given,
            "outbound.allow",
            "[METHODS ]scheme://host[:port][/path-prefix] is allowed, host exact or *.suffix",
        )?,
        outbound_private: list::<IpNet>(
            given,
            "outbound.private",
            "a CIDR such as 10.0.0.0/8 is allowed",
        )?
        .unwrap_or_default(),
        smtp_url: Text { given, key: "email.smtp_url", allowed: smtp }.secret(smtp_url)?,
        mail_from: text("email.from", address, &is_mailbox)?
            .unwrap_or_else(|| "waystation@localhost".to_owned()),
        mail_owner: text("email.owner", address, &is_mailbox)?,
        get_link: word(
            given,
            "links.get",
            &[("act", GetLink::Act), ("confirm", GetLink::Confirm)],
        )?
        .unwrap_or_default(),
        on_timeout: word(
            given,
            "suspend.on_timeout",
            &[
                ("resume", OnTimeout::Resume),
                ("cancel", OnTimeout::Cancel),
                ("fail", OnTimeout::Fail),
            ],
        )?
        .unwrap_or_default(),
        limits: limits::read(given)?,
        log_level: word(
            given,
            "log.level",
            &[
                ("off", LevelFilter::OFF),
                ("error", LevelFilter::ERROR),
                ("warn", LevelFilter::WARN),
                ("info", LevelFilter::INFO),
                ("debug", LevelFilter::DEBUG),
                ("trace", LevelFilter::TRACE),
            ],
        )?
        .unwrap_or(LevelFilter::INFO),
        log_format: word(
            given,
            "log.format",
            &[("text", LogFormat::Text), ("json", LogFormat::Json)],
        )?
        .unwrap_or(LogFormat::Text),
        debug_attach: word(given, "debug.attach", &[("never", false), ("allow", true)])?
            .unwrap_or(false),
    })
}

/// A setting that is text.
struct Text<'a> {
    given: &'a Given,
    key: &'a str,
    allowed: &'a str,
}

impl Text<'_> {
    fn read<T>(&self, read: impl Fn(&str) -> Option<T>) -> Done<Option<T>> {
        let Some(setting) = self.given.get(self.key) else { return Ok(None) };
        let value = setting.value.as_str().and_then(read);
        value.map(Some).ok_or_else(|| setting.fault(self.key, self.allowed))
    }

    /// The same, for what may hold a password: a fault does not repeat it.
    fn secret<T>(&self, read: impl Fn(&str) -> Option<T>) -> Done<Option<T>> {
        let Some(setting) = self.given.get(self.key) else { return Ok(None) };
        let value = setting.value.as_str().and_then(read);
        value.map(Some).ok_or_else(|| {
            let hidden = Setting { value: "…".into(), ..setting.clone() };
            hidden.fault(self.key, self.allowed)
        })
    }
}

fn word<T: Copy>(given: &Given, key: &str, words: &[(&str, T)]) -> Done<Option<T>> {
    let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let allowed = format!("one of {} is allowed", all.join(", "));
    let find = |text: &str| words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    Text { given, key, allowed: &allowed }.read(find)
}

/// An array of texts, or one text with commas.
fn list<T: std::str::FromStr<Err: Display>>(
    given: &Given,
    key: &str,
    allowed: &str,
) -> Done<Option<Vec<T>>> {
    let Some(setting) = given.get(key) else { return Ok(None) };
    let texts: Option<Vec<String>> = match &setting.value {
        Value::String(text) => Some(split(text)),
        Value::Array(values) => {
            values.iter().map(|value| value.as_str().map(str::to_owned)).collect()
        }
        _ => None,
    };
    let texts = texts.ok_or_else(|| setting.fault(key, allowed))?;
    let parse = |text: &String| {
        text.parse().map_err(|error| setting.fault(key, &format!("{allowed} ({error})")))
    };
    texts.iter().map(parse).collect::<Done<Vec<T>>>().map(Some)
}

/// The pieces between commas. A comma between methods parts nothing: `GET,POST http://a` is one
/// piece.
fn split(text: &str) -> Vec<String> {
    let is_method = |text: &str| text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
    let mut pieces: Vec<String> = Vec::new();
    let mut methods = String::new();
    for piece in text.split(',').map(str::trim).filter(|piece| !piece.is_empty()) {
        methods.push_str(piece);
        if is_method(piece) {
            methods.push(',');
        } else {
            pieces.push(std::mem::take(&mut methods));
        }
    }
    if !methods.is_empty() {
        pieces.push(methods);
    }
    pieces
}

fn is_address(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        let bracketed = host.starts_with('[') && host.ends_with(']');
        !host.is_empty() && (bracketed || !host.contains(':')) && port.parse::<u16>().is_ok()
    })
}

fn public_url(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some_and(|host| !host.is_empty())
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    plain.then(|| url.as_str().trim_end_matches('/').to_owned())
}

fn smtp_url(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let fits = matches!(url.scheme(), "smtp" | "smtps") && url.host_str().is_some();
    fits.then(|| text.to_owned())
}

fn is_mailbox(text: &str) -> bool {
    let mail = Mail {
        to: vec![text.to_owned()],
        subject: String::new(),
        text: Some(String::new()),
        html: None,
    };
    mail.check(0).is_ok()
}
