//! Templates in props.
//!
//! A string that is one `{{ expression }}` takes the expression's value, type and all; in any
//! other string the expressions' texts are filled in. The language is Jinja's, by minijinja, as
//! far as `language.rs` says.
//! Exports of the host have names like `$return_value`, which Jinja has no syntax for; here
//! `steps.ask.$return_value` means `steps.ask["$return_value"]`.

mod language;
mod measured;
mod room;

use std::fmt::Write as _;

use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Map, Value};

use self::room::Room;

/// Steps of the template machine in one string: far more than a template needs, and a bound
/// for loops that never end. What is made on the way counts, too: 64 bytes are a step.
const FUEL: u64 = 100_000;

/// The same for all strings of one step together. Each has an equal part of it, at the most
/// [`FUEL`], so that the order of props changes nothing.
const FUEL_OF_STEP: u64 = 1_000_000;

/// A template that can't be filled in.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {problem}")]
pub(crate) struct TemplateError {
    /// Where in the props, such as `props.items[2].name`.
    pub(crate) path: String,
    /// What is wrong.
    pub(crate) problem: String,
}

/// `props` with every template in it filled in from `scope`. Together the templates give at most
/// `bytes_max` bytes of JSON.
pub(crate) fn fill(
    props: &Map<String, Value>,
    scope: &Value,
    bytes_max: usize,
) -> Result<Value, TemplateError> {
    let props = Value::Object(props.clone());
    let mut templates = 0;
    walk(&props, "props", &mut |_| {
        templates += 1;
        Ok(Value::Null)
    })?;
    let mut filler = Filler {
        environment: environment(FUEL.min(FUEL_OF_STEP / templates.max(1))),
        scope: minijinja::Value::from(minijinja::value::Serde(scope)),
        room: Room::new(bytes_max),
    };
    walk(&props, "props", &mut |text| filler.render(text))
}

/// Checks that every template in `props` is well-formed.
pub(crate) fn check(props: &Map<String, Value>) -> Result<(), TemplateError> {
    let environment = environment(FUEL);
    walk(&Value::Object(props.clone()), "props", &mut |text| {
        let template = dollar_names(text);
        match single_expression(&template) {
            Some(expression) => {
                language::check_expression(expression)?;
                environment.compile_expression(expression).map(drop)
            }
            None => {
                language::check_template(&template)?;
                environment.template_from_str(&template).map(drop)
            }
        }
        .map(|()| Value::Null)
    })
    .map(drop)
}

fn walk(
    value: &Value,
    path: &str,
    text: &mut impl FnMut(&str) -> Result<Value, minijinja::Error>,
) -> Result<Value, TemplateError> {
    match value {
        Value::String(template) if template.contains('{') => text(template)
            .map_err(|error| TemplateError { path: path.to_owned(), problem: problem(&error) }),
        Value::Array(items) => {
            let walked = items.iter().enumerate();
            let walked = walked.map(|(index, item)| walk(item, &format!("{path}[{index}]"), text));
            walked.collect::<Result<_, _>>().map(Value::Array)
        }
        Value::Object(entries) => {
            let walked = entries.iter();
            let walked = walked
                .map(|(key, item)| Ok((key.clone(), walk(item, &format!("{path}.{key}"), text)?)));
            walked.collect::<Result<_, _>>().map(Value::Object)
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => Ok(value.clone()),
    }
}

fn environment(fuel: u64) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_fuel(Some(fuel));
    environment.set_debug(true);
    measured::measure(&mut environment, fuel);
    environment
}

/// Fills in the strings of one step.
struct Filler {
    environment: Environment<'static>,
    scope: minijinja::Value,
    room: Room,
}

impl Filler {
    fn render(&mut self, template: &str) -> Result<Value, minijinja::Error> {
        let template = dollar_names(template);
        match single_expression(&template) {
            Some(expression) => {
                language::check_expression(expression)?;
                let compiled = self.environment.compile_expression(expression)?;
                let value = compiled.eval(&self.scope)?;
                if value.is_undefined() {
                    let what = format!("{} is not defined", expression.trim());
                    return Err(minijinja::Error::new(minijinja::ErrorKind::UndefinedError, what));
                }
                self.room.take(&value)?;
                serde_json::to_value(&value).map_err(|error| {
                    let kind = minijinja::ErrorKind::BadSerialization;
                    minijinja::Error::new(kind, error.to_string())
                })
            }
            None => {
                language::check_template(&template)?;
                let text = Value::String(self.environment.render_str(&template, &self.scope)?);
                self.room.take(&text)?;
                Ok(text)
            }
        }
    }
}

/// The expression, when `template` is nothing but one `{{ expression }}`.
fn single_expression(template: &str) -> Option<&str> {
    let inner = template.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let inner = inner.strip_prefix('-').unwrap_or(inner);
    let inner = inner.strip_suffix('-').unwrap_or(inner);
    (!inner.contains("{{") && !inner.contains("}}")).then_some(inner)
}

/// `a.$b` becomes `a["$b"]`, inside `{{ }}` and `{% %}` and outside of quoted strings.
fn dollar_names(template: &str) -> String {
    let mut out = String::with_capacity(template.len());
    let mut inside = false;
    let mut quote: Option<char> = None;
    let mut rest = template;
    while let Some(character) = rest.chars().next() {
        let step = character.len_utf8();
        if inside && quote.is_none() && rest.starts_with(".$") {
            let name = &rest[1..];
            let end = name[1..]
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .map_or(name.len(), |end| end + 1);
            // Writing to a string can't fail.
            let _ = write!(out, "[\"{}\"]", &name[..end]);
            rest = &name[end..];
            continue;
        }
        match quote {
            Some(open) if character == open => quote = None,
            Some(_) => {}
            None if inside && (character == '"' || character == '\'') => quote = Some(character),
            None if rest.starts_with("{{") || rest.starts_with("{%") => inside = true,
            None if rest.starts_with("}}") || rest.starts_with("%}") => inside = false,
            None => {}
        }
        out.push(character);
        rest = &rest[step..];
    }
    out
}

/// What is shown of the template, in characters.
const PART_SHOWN_MAX: usize = 80;

/// The error in one line, with the place in the template where the library knows it.
fn problem(error: &minijinja::Error) -> String {
    let mut text = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let part = error.range().zip(error.template_source());
    if let Some(part) = part.and_then(|(range, source)| source.get(range)) {
        let start: String = part.trim().chars().take(PART_SHOWN_MAX).collect();
        let _ = write!(text, " (at `{start}`)");
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const BYTES_MAX: usize = 1000;

    fn filled(template: &str) -> Result<Value, String> {
        let scope = json!({
            "event": {"body": {"total": 12.5, "items": [1, 2]}, "name": "Ann"},
            "steps": {"ask": {"$return_value": {"ok": true}, "note": "<b>"}},
        });
        let props = Map::from_iter([("p".to_owned(), json!(template))]);
        fill(&props, &scope, BYTES_MAX)
            .map(|props| props["p"].clone())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn one_expression_keeps_its_type() {
        assert_eq!(filled("{{ event.body.total }}"), Ok(json!(12.5)));
        assert_eq!(filled("{{event.body}}"), Ok(json!({"total": 12.5, "items": [1, 2]})));
        assert_eq!(filled(" {{ event.body.items[1] }} "), Ok(json!(2)));
        assert_eq!(filled("{{ none }}"), Ok(json!(null)));
        assert_eq!(filled("{{ event.nobody|default(none) }}"), Ok(json!(null)));
        assert_eq!(filled("{{ event.body.items|map('string')|join('-') }}"), Ok(json!("1-2")));
        assert_eq!(
            filled("{{ event.body|tojson }}!"),
            Ok(json!("{\"total\": 12.5, \"items\": [1, 2]}!"))
        );
    }

    #[test]
    fn other_strings_are_text_and_nothing_is_escaped() {
        assert_eq!(
            filled("Hello {{ event.name }}: {{ steps.ask.note }}"),
            Ok(json!("Hello Ann: <b>"))
        );
        assert_eq!(filled("no template"), Ok(json!("no template")));
        assert_eq!(filled("{\"a\": 1}"), Ok(json!("{\"a\": 1}")));
    }

    #[test]
    fn the_hosts_exports_have_dollars() {
        assert_eq!(filled("{{ steps.ask.$return_value.ok }}"), Ok(json!(true)));
        assert_eq!(filled("{{ steps.ask[\"$return_value\"] }}"), Ok(json!({"ok": true})));
        assert_eq!(filled("{{ \".$x\" }}"), Ok(json!(".$x")));
        assert_eq!(filled("costs 3.$ {{ event.name }}"), Ok(json!("costs 3.$ Ann")));
    }

    #[test]
    fn unknown_names_are_errors_with_their_place() {
        for template in [
            "{{ event.nobody.x }}",
            "{{ nothing }}",
            "a {{ event.nobody.x }}",
            "{{ event.nobody }}",
        ] {
            let error = filled(template).unwrap_err();
            assert!(error.starts_with("props.p: "), "{error}");
            assert!(error.contains("undefined") || error.contains("not defined"), "{error}");
        }
    }

    #[test]
    fn a_loop_without_end_is_stopped() {
        let error =
            filled("{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}");
        assert!(error.unwrap_err().contains("fuel"));
    }

    #[test]
    fn what_templates_give_has_an_exact_bound() {
        // With the quotes around it.
        assert!(filled("{{ 'x' * 998 }}").is_ok());
        for large in [
            "{{ 'x' * 999 }}",
            "{{ 'x' * 999 }}{{ '' }}",
            "{{ [1] * 100000000 }}",
            "{{ ['x'] * 100000000 }}",
        ] {
            let error = filled(large).unwrap_err();
            assert!(error.contains("larger than 1000 bytes"), "{large}: {error}");
        }
        let props = json!({"a": "{{ 'x' * 498 }}", "b": ["{{ 'x' * 499 }}"]});
        let error = fill(props.as_object().unwrap(), &json!({}), BYTES_MAX).unwrap_err();
        assert_eq!(error.path, "props.b[0]");
    }

    #[test]
    fn nothing_writes_out_what_is_too_large_to_be_written() {
        for large in [
            "{{ ([1] * 100000000)|tojson }}",
            "{{ ([1] * 100000000)|join }}",
            "{{ [[1] * 100000000]|map('string')|list }}",
            "a{{ [1] * 100000000 }}",
            "{{ ['a']|map(attribute='x', default=([1] * 100000000))|list|upper }}",
        ] {
            assert!(filled(large).is_err(), "{large}");
        }
        assert!(filled("{{ ([1] * 100000000)|length }}").unwrap_err().contains("fuel"));
    }

    #[test]
    fn a_template_that_no_stack_holds_is_refused_before_it_is_read() {
        for (before, link) in [("event", "|upper"), ("event", "[0]"), ("1", "+1"), ("", "not ")] {
            let template = format!("{{{{ {before}{} 1 }}}}", link.repeat(100_000));
            let error = check(&Map::from_iter([("a".to_owned(), json!(template))])).unwrap_err();
            assert!(error.problem.contains("at most 200"), "{link}: {error}");
        }
    }

    #[test]
    fn all_templates_of_a_step_share_their_steps() {
        let props = |count: u32| {
            let name = |number: u32| format!("p{number}");
            let template = |_| json!("{% for a in range(500) %}{% endfor %}");
            Map::from_iter((0..count).map(|n| (name(n), template(n))))
        };
        let fill = |count| fill(&props(count), &json!({}), BYTES_MAX);
        assert!(fill(100).is_ok());
        assert!(fill(2000).unwrap_err().problem.contains("fuel"));
    }

    #[test]
    fn syntax_is_checked_before_anything_runs() {
        let props = |template: &str| Map::from_iter([("a".to_owned(), json!([{"b": template}]))]);
        assert!(check(&props("{{ event.x }}")).is_ok());
        let error = check(&props("{{ event. }}")).unwrap_err();
        assert_eq!(error.path, "props.a[0].b");
        assert!(check(&props("a {% if %}")).is_err());
    }
}
