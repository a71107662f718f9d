//! Takes secrets out of everything that a run hands to the host.

use std::borrow::Cow;

use waystation_core::{
    BoundedJson, Failure, FailureKind, Flow, HttpResponse, Limits, Mail, RunOutcome,
};

use crate::masked_schema::same_rules;
use crate::masks::{Masks, json_escaped};

/// The outcome without secrets. Hiding may make values longer: a result that is larger than
/// `bytes_max` then is none.
pub(crate) fn outcome(masks: &Masks, outcome: RunOutcome, bytes_max: usize) -> RunOutcome {
    match outcome {
        RunOutcome::Returned { result, exports, flow } => {
            let masked = returned(masks, result, exports, flow, bytes_max);
            masked.unwrap_or_else(|failure| RunOutcome::Failed(*failure))
        }
        RunOutcome::Failed(failure) => RunOutcome::Failed(self::failure(masks, failure)),
        RunOutcome::HostBusy => RunOutcome::HostBusy,
    }
}

fn returned(
    masks: &Masks,
    result: Option<BoundedJson>,
    exports: Vec<(String, BoundedJson)>,
    flow: Flow,
    bytes_max: usize,
) -> Result<RunOutcome, Box<Failure>> {
    let bounded = |what: &str, value| bounded(masks, what, value, bytes_max);
    let result = result.map(|value| bounded("the return value", value)).transpose()?;
    let export = |(name, value): (String, BoundedJson)| {
        let name = text(masks, name);
        let value = bounded(&name, value)?;
        Ok((name, value))
    };
    let exports = exports.into_iter().map(export).collect::<Result<_, Box<Failure>>>()?;
    let flow = match flow {
        Flow::Suspend { timeout_ms, on_timeout, message, resume_schema } => {
            let schema = resume_schema.as_ref().and_then(|schema| schema.json().cloned());
            let schema = schema.map(|value| self::schema(masks, value, bytes_max)).transpose()?;
            let message = message.map(|message| line(masks, message));
            let resume_schema = schema.map(Into::into);
            Flow::Suspend { timeout_ms, on_timeout, message, resume_schema }
        }
        Flow::Rerun { delay_ms, context, max_retries } => {
            let context = context.as_ref().and_then(|context| context.json().cloned());
            let context = context.map(|value| bounded("context", value)).transpose()?;
            Flow::Rerun { delay_ms, context: context.map(Into::into), max_retries }
        }
        Flow::Exit { reason } => Flow::Exit { reason: reason.map(|reason| line(masks, reason)) },
        Flow::Continue | Flow::Delay { .. } => flow,
    };
    Ok(RunOutcome::Returned { result, exports, flow })
}

fn bounded(
    masks: &Masks,
    what: &str,
    value: BoundedJson,
    bytes_max: usize,
) -> Result<BoundedJson, Box<Failure>> {
    let Some(masked) = json(masks, value.as_str()) else { return Ok(value) };
    BoundedJson::parse(masked, bytes_max).map_err(|error| {
        let message = format!("{what}: {error}, with its secrets hidden");
        Box::new(Failure::new(FailureKind::InvalidOutput, "InvalidOutput", message))
    })
}

/// The schema without secrets. One that would allow other bodies then is none.
fn schema(
    masks: &Masks,
    schema: BoundedJson,
    bytes_max: usize,
) -> Result<BoundedJson, Box<Failure>> {
    let rules = schema.to_value();
    let bytes_max = bytes_max.min(Limits::SCHEMA_BYTES_MAX);
    let masked = bounded(masks, "resume-schema", schema, bytes_max)?;
    if same_rules(&rules, &masked.to_value()) {
        return Ok(masked);
    }
    let message =
        "resume-schema: a secret is in it; its titles and descriptions alone may have one";
    Err(Box::new(Failure::new(FailureKind::InvalidOutput, "InvalidOutput", message)))
}

/// The failure without secrets, cut as any other.
pub(crate) fn failure(masks: &Masks, failure: Failure) -> Failure {
    let Failure { kind, name, message, stack, retryable } = failure;
    let (name, message) = (text(masks, name), text(masks, message));
    let stack = stack.map(|stack| text(masks, stack));
    Failure { kind, name, message, stack, retryable }.cut()
}

/// The mail without secrets; `None` when an address holds one, which then leads nowhere.
pub(crate) fn mail(masks: &Masks, mail: Mail) -> Option<Mail> {
    let Mail { to, subject, text: plain, html } = mail;
    if to.iter().any(|address| masks.text(address).is_some()) {
        return None;
    }
    let mut subject = text(masks, subject);
    subject.truncate(subject.floor_char_boundary(Mail::SUBJECT_BYTES_MAX));
    let body = |part: Option<String>| part.map(|part| text(masks, part));
    Some(Mail { to, subject, text: body(plain), html: body(html) })
}

/// The answer for the trigger's caller without secrets.
pub(crate) fn response(masks: &Masks, response: HttpResponse) -> HttpResponse {
    let HttpResponse { status, headers, body } = response;
    let headers = headers.into_iter().map(|(name, value)| (name, text(masks, value))).collect();
    let masked = match masks.bytes(&body) {
        Cow::Borrowed(_) => None,
        Cow::Owned(masked) => Some(masked),
    };
    HttpResponse { status, headers, body: masked.unwrap_or(body) }
}

/// One line, which may be longer with its secrets hidden.
fn line(masks: &Masks, line: String) -> String {
    let mut line = text(masks, line);
    line.truncate(line.floor_char_boundary(Limits::MESSAGE_BYTES_MAX));
    line
}

fn text(masks: &Masks, text: String) -> String {
    masks.text(&text).unwrap_or(text)
}

/// Well-formed JSON without secrets, still well-formed; `None` when there are none in it. Looks
/// at each string as the text that it stands for, so that no spelling of it hides anything.
fn json(masks: &Masks, json: &str) -> Option<String> {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(first) = rest.chars().next() {
        let token = match first {
            '"' => string_end(rest),
            '-' | '0'..='9' => {
                rest.find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'))
            }
            _ => Some(first.len_utf8()),
        };
        let (token, after) = rest.split_at(token.unwrap_or(rest.len()));
        out.push_str(&self::token(masks, first, token));
        rest = after;
    }
    // A secret may be a piece of JSON itself. What is hidden of that is no JSON any more.
    if let Some(masked) = masks.text(&out).filter(|masked| *masked != out) {
        out = format!("\"{}\"", json_escaped(&masked));
    }
    (out != json).then_some(out)
}

fn token<'a>(masks: &Masks, first: char, token: &'a str) -> Cow<'a, str> {
    let masked = match first {
        '"' => serde_json::from_str::<String>(token).ok().and_then(|text| masks.text(&text)),
        '-' | '0'..='9' => masks.text(token),
        _ => None,
    };
    match masked {
        Some(masked) => Cow::Owned(format!("\"{}\"", json_escaped(&masked))),
        None => Cow::Borrowed(token),
    }
}

/// Where the string ends that `text` begins with, its quotes included.
fn string_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    let ends = text.bytes().enumerate().skip(1).find(|(_, byte)| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    ends.map(|(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use waystation_core::{RunSecret, SecretValue};

    use super::*;

    fn masks(value: &str) -> Masks {
        Masks::new(&[RunSecret {
            name: "KEY".parse().unwrap(),
            value: SecretValue::new(value.to_owned().into()).unwrap(),
            destinations: vec![],
            reveal: true,
        }])
        .unwrap()
    }

    #[test]
    fn json_stays_json_and_keeps_its_other_bytes() {
        let masks = masks("pass\"wörd");
        let hidden = json(&masks, r#"{"a": "x pass\"w\u00f6rd y", "n": 1.50, "pass\"wörd":[]}"#);
        assert_eq!(hidden.unwrap(), r#"{"a": "x [secret KEY] y", "n": 1.50, "[secret KEY]":[]}"#);
        assert_eq!(json(&masks, r#"{"a": "pass", "n": [1e5, -2, true, null, "\\\""]}"#), None);
        // Spelled in a way in which nobody would.
        let hidden = json(&masks, r#""\u0070\u0061ss\"w\u00F6rd""#);
        assert_eq!(hidden.unwrap(), r#""[secret KEY]""#);
    }

    #[test]
    fn a_number_may_be_a_secret() {
        let masks = masks("12345678");
        assert_eq!(json(&masks, "[12345678, 1]").unwrap(), "[\"[secret KEY]\", 1]");
        assert_eq!(json(&masks, "[1234567, 8]"), None);
    }

    #[test]
    fn so_may_a_piece_of_json() {
        let masks = masks(r#"{"type":"key","n":[1]}"#);
        let hidden = json(&masks, r#"[{"type":"key","n":[1]}]"#).unwrap();
        assert_eq!(hidden, r#""[[secret KEY]]""#);
        BoundedJson::parse(hidden, 100).unwrap();
    }

    #[test]
    fn what_gets_too_long_is_no_result() {
        let masks = masks("12345678");
        let value = BoundedJson::parse("\"12345678\"", 100).unwrap();
        let returned = |bytes_max| {
            let result = Some(value.clone());
            let flow = Flow::Continue;
            outcome(&masks, RunOutcome::Returned { result, exports: vec![], flow }, bytes_max)
        };
        assert!(matches!(returned(14), RunOutcome::Returned { .. }));
        let RunOutcome::Failed(failure) = returned(13) else { panic!("it is too long") };
        assert_eq!(failure.kind, FailureKind::InvalidOutput);
    }

    fn suspended(schema: &str) -> RunOutcome {
        let flow = Flow::Suspend {
            timeout_ms: 1,
            on_timeout: waystation_core::OnTimeout::Fail,
            message: Some("12345678".repeat(128)),
            resume_schema: Some(BoundedJson::parse(schema.to_owned(), 1000).unwrap().into()),
        };
        let returned = RunOutcome::Returned { result: None, exports: vec![], flow };
        outcome(&masks("12345678"), returned, 1000)
    }

    #[test]
    fn a_schema_allows_what_it_allowed_or_is_none() {
        let RunOutcome::Returned { flow, .. } = suspended(r#"{"title": "12345678"}"#) else {
            panic!("a title is no rule")
        };
        let Flow::Suspend { message, resume_schema, .. } = flow else { panic!("it suspends") };
        let schema = resume_schema.unwrap();
        assert_eq!(schema.json().unwrap().as_str(), r#"{"title": "[secret KEY]"}"#);
        assert_eq!(message.unwrap().len(), Limits::MESSAGE_BYTES_MAX);
        for rule in [r#"{"const": "12345678"}"#, r#"{"maximum": 12345678}"#] {
            let RunOutcome::Failed(failure) = suspended(rule) else { panic!("{rule}") };
            assert_eq!(failure.kind, FailureKind::InvalidOutput);
            assert!(!failure.message.contains("12345678"));
        }
    }

    #[test]
    fn failures_are_cut_after_their_secrets_are_hidden() {
        let max = Limits::FAILURE_TEXT_BYTES_MAX;
        let message = format!("{}12345678", "x".repeat(max - 7));
        let failed = Failure::new(FailureKind::GuestError, "E", message);
        let seen = failure(&masks("12345678"), failed);
        assert!(seen.message.len() <= max);
        assert!(!seen.message.contains('1'), "{}", &seen.message[max - 40..]);
    }

    #[test]
    fn mails_go_to_no_address_with_a_secret_in_it() {
        let masks = masks("12345678");
        let written = |to: &str| Mail {
            to: vec!["a@h".to_owned(), to.to_owned()],
            subject: "12345678".repeat(100),
            text: Some("12345678".into()),
            html: None,
        };
        let sent = mail(&masks, written("b@h")).unwrap();
        assert_eq!(sent.text.as_deref(), Some("[secret KEY]"));
        assert_eq!(sent.check(100), Ok(()));
        assert_eq!(mail(&masks, written("12345678@h")), None);
    }
}
