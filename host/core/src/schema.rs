//! JSON Schemas that a step has the host use, on what strangers send.
//!
//! Both may be hostile, and nothing interrupts a schema while it is made ready or used. So what
//! one costs is told from its text first: references are followed, since a few of them can stand
//! for a schema without an end, and patterns are compiled by an engine that takes linear time.

use std::collections::HashMap;

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use crate::BoundedJson;

/// What a schema may cost: each value in it is one, as often as a reference leads to it.
const COST_MAX: u64 = 2_000;

/// What a pattern costs: thousands of values are looked at in the time that it takes to compile.
const PATTERN_COST: u64 = 50;

/// Levels of a schema, over all references.
const DEPTH_MAX: usize = 128;

/// One compiled pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 256 << 10;

/// What a schema may cost on one body: its own cost, for each value of the body. Some hundredths
/// of a second, in which nothing else happens on the thread.
const WORK_MAX: u64 = 5_000_000;

/// So many bytes of text are as much as a value: patterns look at each.
const TEXT_BYTES: usize = 16;

/// How much of a mismatch is told: it quotes the body.
const MISMATCH_CHARS_MAX: usize = 1_000;

/// A schema that is ready for use.
#[derive(Debug)]
pub struct ResumeSchema {
    validator: Validator,
    cost: u64,
}

impl ResumeSchema {
    /// Makes `schema` ready, which takes milliseconds at the most.
    ///
    /// # Errors
    ///
    /// It is no JSON Schema, it takes too long, or it refers to itself or to something outside;
    /// says which.
    pub fn new(schema: &Value) -> Result<ResumeSchema, String> {
        if !schema.is_object() && !schema.is_boolean() {
            return Err("not a JSON Schema; an object, true or false is allowed".into());
        }
        let mut costs = Costs { root: schema, known: HashMap::new() };
        let cost = costs.check(costs.root, 0)?.values;
        let patterns =
            PatternOptions::regex().size_limit(PATTERN_BYTES_MAX).dfa_size_limit(PATTERN_BYTES_MAX);
        let validator = jsonschema::options().with_pattern_options(patterns).build(schema);
        let validator = validator.map_err(|error| format!("not a JSON Schema: {}", cut(&error)))?;
        Ok(ResumeSchema { validator, cost })
    }

    /// Does `body` fit? One with a key that stands twice in an object fits no schema: whoever
    /// reads it next may take the other value.
    ///
    /// # Errors
    ///
    /// Where it does not, and why; or that it is too much for this schema.
    pub fn check(&self, body: &BoundedJson) -> Result<(), String> {
        self.check_value(&body.to_value())?;
        body.unique_keys().map_err(|error| format!("the body: {error}"))
    }

    fn check_value(&self, body: &Value) -> Result<(), String> {
        if size(body).saturating_mul(self.cost) > WORK_MAX {
            return Err("the body: it has too many values to be checked against the schema".into());
        }
        self.validator.validate(body).map_err(|error| {
            let place = error.instance_path().to_string();
            let place = if place.is_empty() { "the body" } else { place.as_str() };
            format!("{}: {}", cut(&place), cut(&error))
        })
    }
}

/// Values, and text by its length. JSON from outside is nested 128 levels at the most.
fn size(value: &Value) -> u64 {
    let text = |bytes: usize| (bytes / TEXT_BYTES) as u64;
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
        Value::String(string) => 1 + text(string.len()),
        Value::Array(items) => 1 + items.iter().map(size).sum::<u64>(),
        Value::Object(fields) => {
            1 + fields.iter().map(|(name, field)| text(name.len()) + size(field)).sum::<u64>()
        }
    }
}

fn cut(text: &impl ToString) -> String {
    text.to_string().chars().take(MISMATCH_CHARS_MAX).collect()
}

/// What a part of a schema costs, and how deep it is.
#[derive(Clone, Copy, Default)]
struct Cost {
    values: u64,
    depth: usize,
}

struct Costs<'a> {
    root: &'a Value,
    /// By reference; none while it is being looked at.
    known: HashMap<&'a str, Option<Cost>>,
}

impl<'a> Costs<'a> {
    /// What `value` costs, `depth` levels below the root.
    fn check(&mut self, value: &'a Value, depth: usize) -> Result<Cost, String> {
        if depth > DEPTH_MAX {
            return Err(too_deep());
        }
        let mut all = Cost { values: 1, depth: 0 };
        let mut add = |part: Cost| {
            all.values = all.values.saturating_add(part.values);
            all.depth = all.depth.max(part.depth + 1);
            if all.values > COST_MAX { Err(too_costly()) } else { Ok(()) }
        };
        match value {
            Value::Object(fields) => {
                for (key, field) in fields {
                    add(self.keyword(key, field, depth)?)?;
                    add(self.check(field, depth + 1)?)?;
                }
            }
            Value::Array(items) => {
                for item in items {
                    add(self.check(item, depth + 1)?)?;
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        Ok(all)
    }

    /// What a keyword costs beside the value that it has. One that is the name of a property is
    /// taken for a keyword where its value could be one's.
    fn keyword(&mut self, key: &str, value: &'a Value, depth: usize) -> Result<Cost, String> {
        match (key, value) {
            ("$ref", Value::String(reference)) => self.reference(reference, depth),
            ("$dynamicRef" | "$recursiveRef", Value::String(_)) => {
                Err(format!("{key} is not allowed: what it costs can't be told"))
            }
            // Each level of them looks at all levels below it twice.
            ("unevaluatedItems" | "unevaluatedProperties", Value::Object(_) | Value::Bool(_)) => {
                Err(format!("{key} is not allowed: what it costs can't be told"))
            }
            // References below it would count from there.
            ("$id" | "id", Value::String(_)) if depth > 0 => {
                Err(format!("{key} is allowed at the root alone"))
            }
            ("pattern", Value::String(_)) => Ok(Cost { values: PATTERN_COST, depth: 0 }),
            ("patternProperties", Value::Object(patterns)) => {
                let values = PATTERN_COST.saturating_mul(patterns.len() as u64);
                Ok(Cost { values, depth: 0 })
            }
            _ => Ok(Cost::default()),
        }
    }

    fn reference(&mut self, reference: &'a str, depth: usize) -> Result<Cost, String> {
        let shown: String = reference.chars().take(80).collect();
        if reference.contains('%') {
            // Whoever decodes it follows it to another place than we do.
            return Err(format!("{shown:?} has a percent sign, and none is allowed"));
        }
        let cost = match self.known.get(reference) {
            Some(Some(cost)) => *cost,
            Some(None) => return Err(format!("{shown:?} refers to itself")),
            None => {
                let target = reference.strip_prefix('#').and_then(|path| self.root.pointer(path));
                let target = target.ok_or_else(|| {
                    format!("{shown:?} refers to nothing here; #/… into this schema is allowed")
                })?;
                self.known.insert(reference, None);
                let cost = self.check(target, depth + 1)?;
                self.known.insert(reference, Some(cost));
                cost
            }
        };
        if depth + cost.depth > DEPTH_MAX { Err(too_deep()) } else { Ok(cost) }
    }
}

fn too_costly() -> String {
    format!(
        "too much; at most {COST_MAX} values are allowed, all references followed, of which a \
         pattern counts {PATTERN_COST}"
    )
}

fn too_deep() -> String {
    format!("too deep; at most {DEPTH_MAX} levels are allowed, all references followed")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(schema: &Value) -> String {
        ResumeSchema::new(schema).map(drop).unwrap_err()
    }

    #[test]
    fn an_honest_schema_works() {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": "https://example.com/order",
            "type": "object",
            "required": ["from", "to"],
            "properties": {"from": {"$ref": "#/$defs/place"}, "to": {"$ref": "#/$defs/place"}},
            "$defs": {"place": {"type": "string", "pattern": "^[A-Z]{3}$"}},
        });
        let schema = ResumeSchema::new(&schema).unwrap();
        assert_eq!(schema.check_value(&json!({"from": "BER", "to": "HAM"})), Ok(()));
        let mismatch = schema.check_value(&json!({"from": "BER", "to": "there"})).unwrap_err();
        assert!(mismatch.starts_with("/to: "), "{mismatch}");
    }

    #[test]
    fn a_mismatch_does_not_quote_all_of_the_body() {
        let schema = ResumeSchema::new(&json!({"type": "number"})).unwrap();
        let mismatch = schema.check_value(&json!("x".repeat(100_000))).unwrap_err();
        assert!(mismatch.len() < 3_000, "{} bytes", mismatch.len());
    }

    #[test]
    fn a_body_may_have_the_fewer_values_the_more_the_schema_costs() {
        let schema = |parts: usize| json!({"allOf": vec![json!({"items": true}); parts]});
        let lists = json!(vec![json!([]); 100_000]);
        let (cheap, costly) = (ResumeSchema::new(&schema(10)), ResumeSchema::new(&schema(900)));
        assert_eq!(cheap.unwrap().check_value(&lists), Ok(()));
        let mismatch = costly.unwrap().check_value(&lists).unwrap_err();
        assert!(mismatch.contains("too many values"), "{mismatch}");
        assert_eq!(size(&json!({"name-of-16-bytes": ["x".repeat(160), 1]})), 1 + 1 + 1 + 11 + 1);
    }

    #[test]
    fn a_body_means_the_same_to_every_reader() {
        let schema = ResumeSchema::new(&json!({"properties": {"n": {"maximum": 9}}})).unwrap();
        let body = |text: &str| BoundedJson::parse(text, 100).unwrap();
        assert_eq!(schema.check(&body("{\"n\": 9}")), Ok(()));
        let twice = schema.check(&body("{\"n\": 1000, \"n\": 9}")).unwrap_err();
        assert!(twice.contains("the key \"n\" stands twice"), "{twice}");
        assert!(schema.check(&body("{\"n\": 10}")).unwrap_err().starts_with("/n: "));
    }

    #[test]
    fn what_refers_to_itself_or_elsewhere_is_refused() {
        for (schema, says) in [
            (json!({"$ref": "#"}), "refers to itself"),
            (json!({"properties": {"a": {"$ref": "#/properties/a"}}}), "refers to itself"),
            (json!({"$ref": "https://example.com/schema"}), "refers to nothing here"),
            (json!({"$ref": "#/$defs/none"}), "refers to nothing here"),
            (json!({"$dynamicRef": "#a"}), "$dynamicRef is not allowed"),
            (json!({"$ref": "#/$defs/%61", "$defs": {"%61": true, "a": true}}), "percent sign"),
            (json!({"anyOf": [{"unevaluatedProperties": false}]}), "can't be told"),
            (json!({"unevaluatedItems": {"type": "string"}}), "can't be told"),
            (json!({"items": {"$id": "https://example.com/a"}}), "at the root alone"),
            (json!([]), "not a JSON Schema"),
            (json!({"type": "nothing"}), "not a JSON Schema"),
            (json!({"pattern": "(a+)+(?=b)"}), "not a JSON Schema"),
            (json!({"pattern": "((\\p{L}{100}){100}){100}"}), "not a JSON Schema"),
        ] {
            let refusal = refusal(&schema);
            assert!(refusal.contains(says), "{schema}: {refusal}");
        }
    }

    #[test]
    fn references_that_double_are_counted() {
        let level = |n: usize| {
            let next = json!({"$ref": format!("#/$defs/{}", n + 1)});
            (n.to_string(), json!({"allOf": [next, next]}))
        };
        let mut levels: serde_json::Map<String, Value> = (0..20).map(level).collect();
        levels.insert("20".into(), json!(true));
        assert!(refusal(&json!({"$defs": levels})).starts_with("too much"));
    }

    #[test]
    fn references_in_a_row_are_not_deep_enough_to_fall_over() {
        let level = |n: usize| (n.to_string(), json!({"$ref": format!("#/$defs/{}", n + 1)}));
        let mut levels: serde_json::Map<String, Value> = (0..400).map(level).collect();
        levels.insert("400".into(), json!(true));
        assert!(refusal(&json!({"$defs": levels})).starts_with("too deep"));
    }

    #[test]
    fn the_limit_is_exact() {
        // The root, the keyword's list, and what is in it.
        let schema = |values: usize| json!({"enum": (0..values).collect::<Vec<_>>()});
        assert!(ResumeSchema::new(&schema(1_998)).is_ok());
        assert!(refusal(&schema(1_999)).starts_with("too much"));
        let patterns = |count: usize| {
            let properties: serde_json::Map<String, Value> =
                (0..count).map(|n| (format!("^{n}"), json!(true))).collect();
            json!({"patternProperties": properties})
        };
        assert!(ResumeSchema::new(&patterns(39)).is_ok());
        assert!(refusal(&patterns(40)).starts_with("too much"));
    }
}
