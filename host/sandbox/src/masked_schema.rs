//! What hiding secrets may change in a schema.

use serde_json::Value;

/// Keywords that only tell people something.
const WORDS: [&str; 3] = ["title", "description", "$comment"];

/// Keywords whose values are data and no schemas.
const DATA: [&str; 2] = ["const", "enum"];

/// Do both allow the same bodies? They do when they differ in nothing but words for people:
/// a rule with something hidden in it would be another rule.
pub(crate) fn same_rules(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let same = |(key, value): (&String, &Value)| {
                other.get(key).is_some_and(|other| same_keyword(key, value, other))
            };
            one.len() == other.len() && one.iter().all(same)
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| same_rules(a, b))
        }
        _ => one == other,
    }
}

fn same_keyword(key: &str, one: &Value, other: &Value) -> bool {
    if DATA.contains(&key) {
        return one == other;
    }
    let words = WORDS.contains(&key) && one.is_string() && other.is_string();
    words || same_rules(one, other)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_may_differ_and_rules_may_not() {
        let schema = |word: &str| json!({"anyOf": [{"title": word, "properties": {"title": {"description": word}}}]});
        assert!(same_rules(&schema("a"), &schema("b")));
        for rule in [
            |word: &str| json!({"const": word}),
            |word: &str| json!({"const": {"title": word}}),
            |word: &str| json!({"enum": [{"title": word}]}),
            |word: &str| json!({"required": [word]}),
            |word: &str| json!({word: {"type": "string"}}),
            |word: &str| json!({"properties": {"a": {"pattern": word}}}),
            |word: &str| json!(word),
        ] {
            assert!(same_rules(&rule("a"), &rule("a")));
            assert!(!same_rules(&rule("a"), &rule("b")), "{}", rule("a"));
        }
        assert!(!same_rules(&json!({}), &json!({"type": "string"})));
        assert!(!same_rules(&json!({"type": "string"}), &json!("[secret KEY]")));
    }
}
