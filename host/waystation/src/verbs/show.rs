//! How answers look to people.

use serde_json::Value;

use crate::output;
use crate::table::{fields, table};

/// A member as text; `-` when there is none.
pub(super) fn text(value: &Value, name: &str) -> String {
    match value.get(name) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// The same, on one line.
pub(super) fn word(value: &Value, name: &str) -> String {
    output::one_line(&text(value, name))
}

/// The members of an array, or none.
pub(super) fn items(value: &Value) -> &[Value] {
    value.get("items").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Rows of members, under the members' names.
pub(super) fn rows(values: &[Value], columns: &[(&str, &str)]) -> String {
    let heads: Vec<&str> = columns.iter().map(|(head, _)| *head).collect();
    let rows: Vec<Vec<String>> = values
        .iter()
        .map(|value| columns.iter().map(|(_, name)| text(value, name)).collect())
        .collect();
    table(&heads, &rows)
}

/// An execution, whole.
pub(super) fn execution(execution: &Value) -> String {
    let mut rows = vec![
        ("id", text(execution, "id")),
        (
            "workflow",
            format!(
                "{}, version {}",
                text(execution, "workflow"),
                text(execution, "workflow_version")
            ),
        ),
        ("status", text(execution, "status")),
        ("triggered", text(execution, "triggered_at")),
    ];
    if !execution["finished_at"].is_null() {
        rows.push(("finished", text(execution, "finished_at")));
    }
    if !execution["exit_reason"].is_null() {
        rows.push(("exit reason", text(execution, "exit_reason")));
    }
    let error = error(&execution["error"]);
    if let Some(error) = error {
        rows.push(("error", error));
    }
    rows.push((
        "cost",
        match execution["credits"].as_u64() {
            Some(1) => format!("{} ms, 1 credit", text(execution, "compute_ms")),
            _ => format!(
                "{} ms, {} credits",
                text(execution, "compute_ms"),
                text(execution, "credits")
            ),
        },
    ));
    let waiting = &execution["waiting"];
    if !waiting.is_null() {
        rows.push((
            "waits for",
            format!("{} of step {}", text(waiting, "kind"), text(waiting, "step")),
        ));
        rows.push(("until", text(waiting, "deadline")));
        for (label, name) in [
            ("then", "on_timeout"),
            ("message", "message"),
            ("resume", "resume_url"),
            ("cancel", "cancel_url"),
            ("page", "approval_url"),
        ] {
            if !waiting[name].is_null() {
                rows.push((label, text(waiting, name)));
            }
        }
    }
    let steps = steps(&execution["steps"]);
    format!("{}{}{steps}", fields(&rows), if steps.is_empty() { "" } else { "\n\n" })
}

/// The steps of an execution or a test, with what they exported.
pub(super) fn steps(steps: &Value) -> String {
    let Some(steps) = steps.as_object().filter(|steps| !steps.is_empty()) else {
        return String::new();
    };
    // JSON objects are read in no order; steps run one after the other.
    let mut steps: Vec<(&String, &Value)> = steps.iter().collect();
    steps.sort_by_key(|(_, step)| {
        let started = step["started_at"].as_str();
        (started.is_none(), started)
    });
    let rows: Vec<Vec<String>> = steps
        .iter()
        .map(|(name, step)| {
            vec![(*name).clone(), text(step, "status"), text(step, "runs"), text(step, "attempt")]
        })
        .collect();
    let mut shown = table(&["STEP", "STATUS", "RUNS", "ATTEMPT"], &rows);
    for (name, step) in steps {
        let exports = step["exports"].as_object().into_iter().flatten();
        let exports: Vec<String> = exports
            .map(|(export, value)| format!("  {}: {}", output::one_line(export), exported(value)))
            .collect();
        if !exports.is_empty() {
            shown.push_str(&format!(
                "\n\n{} exported\n{}",
                output::one_line(name),
                exports.join("\n")
            ));
        }
    }
    shown
}

/// An execution's error in words.
pub(super) fn error(error: &Value) -> Option<String> {
    if error.is_null() {
        return None;
    }
    let stack = error["stack"].as_str().map(|stack| format!("\n{}", stack.trim_end()));
    Some(format!(
        "{} in step {}: {}: {}{}",
        text(error, "kind"),
        text(error, "step"),
        text(error, "name"),
        text(error, "message"),
        stack.unwrap_or_default()
    ))
}

/// An export on a line. Of a request people want to see what was sent.
fn exported(value: &Value) -> String {
    let request =
        ["method", "path", "headers", "body"].iter().all(|name| value.get(name).is_some());
    if request {
        let (method, body) = (word(value, "method"), output::compact(&value["body"]));
        return shortened(&format!("{method} with the body {body}"));
    }
    shortened(&output::compact(value))
}

/// What runs logged, a line each.
pub(super) fn logs(runs: &[Value]) -> String {
    let mut lines = Vec::new();
    for run in runs {
        let who = format!("{}#{}.{}", word(run, "step"), word(run, "run"), word(run, "attempt"));
        for line in run["lines"].as_array().into_iter().flatten() {
            let line = format!(
                "{}  {who}  {}  {}",
                word(line, "at"),
                word(line, "stream"),
                word(line, "text")
            );
            lines.push(line);
        }
    }
    lines.join("\n")
}

/// One entry of a history.
pub(super) fn history_line(entry: &Value) -> Vec<String> {
    let step = match (entry["step"].as_str(), entry["run"].as_u64()) {
        (Some(step), Some(run)) => format!("{step}#{run}"),
        (step, _) => step.unwrap_or_default().to_owned(),
    };
    let asked = entry["flow"]["asked"].as_str().filter(|asked| *asked != "continue");
    let failure = entry["failure"]["message"].as_str();
    let by = entry["by"]["who"].as_str().map(|who| format!("by {who}"));
    let notes = entry["notes"].as_array().into_iter().flatten();
    let notes = notes.map(|note| text(note, "note"));
    let details = asked.into_iter().chain(failure).map(str::to_owned).chain(by).chain(notes);
    let details = shortened(&details.collect::<Vec<_>>().join("; "));
    vec![text(entry, "seq"), text(entry, "at"), text(entry, "type"), step, details]
}

/// The heads for [`history_line`].
pub(super) const HISTORY: [&str; 5] = ["SEQ", "AT", "EVENT", "STEP", "DETAILS"];

fn shortened(text: &str) -> String {
    const CHARS_MAX: usize = 100;
    if text.chars().count() <= CHARS_MAX {
        return text.to_owned();
    }
    text.chars().take(CHARS_MAX - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_execution_is_shown_with_what_it_waits_for() {
        let shown = execution(&json!({
            "id": "1", "workflow": "w", "workflow_version": 3, "status": "suspended",
            "triggered_at": "t", "finished_at": null, "error": null, "exit_reason": null,
            "compute_ms": 12, "credits": 1,
            "steps": {"ask": {"status": "suspended", "runs": 1, "attempt": 1, "exports": {"a": 1}}},
            "waiting": {"step": "ask", "kind": "suspend", "deadline": "d", "on_timeout": "resume",
                        "message": null, "resume_url": "http://r"},
        }));
        for part in [
            "w, version 3",
            "suspend of step ask",
            "http://r",
            "ask   suspended",
            "ask exported\n  a: 1",
        ] {
            assert!(shown.contains(part), "no {part:?} in\n{shown}");
        }
        assert!(!shown.contains("message"));
    }

    #[test]
    fn history_is_a_line_each() {
        let entry = json!({"seq": 2, "at": "t", "type": "finish", "step": "a", "run": 1,
                           "flow": {"asked": "suspend"}, "notes": [{"note": "data_limit"}]});
        assert_eq!(history_line(&entry), ["2", "t", "finish", "a#1", "suspend; data_limit"]);
        let entry = json!({"seq": 3, "at": "t", "type": "resume", "by": {"who": "operator"}});
        assert_eq!(history_line(&entry)[4], "by operator");
        assert_eq!(history_line(&json!({"seq": 1, "at": "t", "type": "trigger"}))[2], "trigger");
    }
}
