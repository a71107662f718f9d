//! Reads a workflow file, YAML or JSON, with errors that name the place.

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use serde::Deserialize;
use waystation_core::{WorkflowName, WorkflowSpec};

use crate::problem::{Code, Problem};
use crate::request_data::Kind;

/// The workflow in `body`, which has to be the one called `name`.
///
/// JSON is read as JSON when the content type says so or when it begins like an object, and
/// everything else as YAML.
///
/// # Errors
///
/// 422 with `place` and, where it is known, `line` and `column`.
pub(crate) fn parse(
    headers: &HeaderMap,
    body: &[u8],
    name: &WorkflowName,
) -> Result<WorkflowSpec, Problem> {
    let text = std::str::from_utf8(body)
        .map_err(|error| Fault::at("", "not UTF-8").on(line_of(body, error.valid_up_to()), 1))?;
    let says_yaml = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.to_ascii_lowercase().contains("yaml"));
    let is_json =
        Kind::of(headers) == Kind::Json || !says_yaml && text.trim_start().starts_with('{');
    let spec = if is_json { from_json(text)? } else { from_yaml(text)? };
    if spec.name != *name {
        let (given, asked) = (spec.name.as_str(), name.as_str());
        let problem = format!("the file is for the workflow {given:?}, the request for {asked:?}");
        return Err(Fault::at("name", problem).into());
    }
    Ok(spec)
}

fn from_json(text: &str) -> Result<WorkflowSpec, Fault> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let spec = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let inner = error.inner();
        // The place is named apart from the message.
        let message = inner.to_string();
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(text, _)| text);
        Fault::at(error.path(), message).on(inner.line(), inner.column())
    })?;
    reader.end().map_err(|error| {
        Fault::at("", "more text after the end").on(error.line(), error.column())
    })?;
    Ok(spec)
}

fn from_yaml(text: &str) -> Result<WorkflowSpec, Fault> {
    let mut path = String::new();
    let read = serde_saphyr::with_deserializer_from_str(text, |reader| {
        let mut track = serde_path_to_error::Track::new();
        let reader = serde_path_to_error::Deserializer::new(reader, &mut track);
        WorkflowSpec::deserialize(reader).inspect_err(|_| path = track.path().to_string())
    });
    read.map_err(|error| {
        let fault = Fault::at(&path, yaml_message(&error));
        match error.location() {
            Some(at) => fault.on(small(at.line()), small(at.column())),
            None => fault,
        }
    })
}

/// What is wrong, in one line and without the place.
fn yaml_message(error: &serde_saphyr::Error) -> String {
    let message = error.without_snippet().to_string();
    let line = message.lines().next().unwrap_or_default();
    let line = line.rsplit_once(" at line ").map_or(line, |(text, _)| text);
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

fn small(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn line_of(bytes: &[u8], at: usize) -> usize {
    bytes.iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

/// Longest piece of an explanation, in characters: it may quote the file.
const SHOWN_MAX: usize = 300;

/// `text` in one line that people can read.
pub(crate) fn shown(text: &str) -> String {
    let mut line: String = text
        .chars()
        .take(SHOWN_MAX)
        .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
        .collect();
    if text.chars().nth(SHOWN_MAX).is_some() {
        line.push('…');
    }
    line
}

/// Something wrong in a file.
struct Fault {
    path: String,
    problem: String,
    at: Option<(usize, usize)>,
}

impl Fault {
    fn at(path: &(impl ToString + ?Sized), problem: impl Into<String>) -> Fault {
        let path = path.to_string();
        // How the path's tracker writes the whole file.
        let path = if path == "." || path == "?" { String::new() } else { path };
        Fault { path: shown(&path), problem: shown(&problem.into()), at: None }
    }

    fn on(self, line: usize, column: usize) -> Fault {
        Fault { at: Some((line, column)), ..self }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Problem {
        let line = fault.at.map(|(line, column)| format!("line {line}, column {column}"));
        let path = Some(fault.path).filter(|path| !path.is_empty());
        let places: Vec<String> = path.iter().cloned().chain(line.clone()).collect();
        let detail = match places.join(", ") {
            places if places.is_empty() => fault.problem,
            places => format!("{places}: {}", fault.problem),
        };
        let place = path.or(line).unwrap_or_else(|| "the file".to_owned());
        let problem = Problem::new(Code::InvalidWorkflow, detail).with("place", place.into());
        match fault.at {
            Some((line, column)) => problem.with("line", line.into()).with("column", column.into()),
            None => problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = "name: w\nsteps:\n  - name: a\n    component: c\n    props: {n: 1, \
                        t: \"{{ event.x }}\"}\n";

    fn read(content_type: Option<&'static str>, text: &str) -> Result<WorkflowSpec, String> {
        let mut headers = HeaderMap::new();
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, axum::http::HeaderValue::from_static(content_type));
        }
        parse(&headers, text.as_bytes(), &"w".parse().unwrap())
            .map_err(|problem| problem.detail.into_owned())
    }

    #[test]
    fn yaml_and_json_say_the_same() {
        let json = r#"{"name": "w", "steps": [{"name": "a", "component": "c",
                       "props": {"n": 1, "t": "{{ event.x }}"}}]}"#;
        let yaml = read(None, YAML).unwrap();
        assert_eq!(read(Some("application/json"), json).unwrap(), yaml);
        assert_eq!(read(None, json).unwrap(), yaml);
        assert_eq!(read(Some("application/yaml"), json).unwrap(), yaml);
        assert_eq!(read(Some("application/x-www-form-urlencoded"), YAML).unwrap(), yaml);
    }

    #[test]
    fn faults_name_their_place() {
        let cases = [
            (read(None, "name: w\nsteps: [\n"), "line"),
            (read(None, &YAML.replace("props", "probs")), "steps[0]"),
            (read(None, &YAML.replace("props", "probs")), "line 5"),
            (read(None, &YAML.replace("props", "probs")), "probs"),
            (read(None, &YAML.replace("name: a", "name: 1a")), "steps[0].name"),
            (read(None, &YAML.replace("name: w", "name: v")), "name: "),
            (read(Some("application/json"), "{\"name\": \"w\",\n}"), "line 2"),
            (read(None, "{\"name\": \"w\", \"steps\": [{\"name\": 1}]}"), "steps[0].name"),
            (read(None, "name: w\n\"a\\u001b\\nb\": 1"), "a\u{fffd}\u{fffd}b, line 2"),
            (read(Some("application/json"), "{\"a\\u001b\": 1}"), "unknown field `a\u{fffd}`"),
            (read(None, &format!("{{\"{}\": 1}}", "k".repeat(100_000))), "kkk…"),
            (read(None, ""), "line 1"),
            (read(None, "- a"), "line 1"),
        ];
        for (result, part) in cases {
            let fault = result.unwrap_err();
            assert!(fault.contains(part), "{fault:?} has no {part:?}");
            assert!(!fault.contains(char::is_control), "{fault:?}");
            assert!(fault.len() < 1000, "{fault:?}");
        }
    }
}
