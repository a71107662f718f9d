//! JSON that was checked once, at the door.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::json_keys::UniqueKeys;

/// JSON text that is known to be well-formed, no larger than its limit and nested no deeper
/// than [`BoundedJson::DEPTH_MAX`]. It is held as text and never re-parsed on its way.
#[derive(Clone, PartialEq, Eq)]
pub struct BoundedJson(Arc<str>);

/// Why a text is not acceptable JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// More bytes than the limit.
    #[error("{bytes} bytes of JSON; at most {bytes_max} are allowed")]
    TooLarge {
        /// How many there were.
        bytes: usize,
        /// How many are allowed.
        bytes_max: usize,
    },
    /// Arrays and objects nested deeper than [`BoundedJson::DEPTH_MAX`].
    #[error("JSON nested deeper than {} levels", BoundedJson::DEPTH_MAX)]
    TooDeep,
    /// Not JSON (RFC 8259).
    #[error("not JSON: {0}")]
    Malformed(String),
}

impl BoundedJson {
    /// Levels of arrays and objects. Enough for any data; few enough that no
    /// recursive reader, in any language, runs out of stack.
    pub const DEPTH_MAX: usize = 128;

    /// Checks `text`.
    ///
    /// # Errors
    ///
    /// Larger than `bytes_max`, too deep, or not JSON. A number that no 64-bit
    /// floating-point value can hold is not accepted, nor is half a surrogate pair.
    pub fn parse(text: impl Into<Arc<str>>, bytes_max: usize) -> Result<BoundedJson, JsonError> {
        let text = text.into();
        if text.len() > bytes_max {
            return Err(JsonError::TooLarge { bytes: text.len(), bytes_max });
        }
        read::<Value>(&text)?;
        Ok(BoundedJson(text))
    }

    /// `value` as JSON text.
    ///
    /// # Errors
    ///
    /// Larger than `bytes_max` or too deep.
    pub fn from_value(value: &Value, bytes_max: usize) -> Result<BoundedJson, JsonError> {
        BoundedJson::parse(value.to_string(), bytes_max)
    }

    /// The JSON `null`.
    pub fn null() -> BoundedJson {
        BoundedJson(Arc::from("null"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Never: the shortest JSON text has one byte.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value.
    pub fn to_value(&self) -> Value {
        read(&self.0).unwrap_or(Value::Null)
    }

    /// Does each key stand once in its object? Of a key that stands twice, readers may take
    /// either value.
    ///
    /// # Errors
    ///
    /// Names the first one that does not.
    pub fn unique_keys(&self) -> Result<(), JsonError> {
        read::<UniqueKeys>(&self.0).map(drop)
    }

    /// The member `name` of an object, as it stands there; null when there is none.
    pub fn member(&self, name: &str) -> BoundedJson {
        let members = read::<HashMap<String, BoundedJson>>(&self.0).ok();
        members.and_then(|mut members| members.remove(name)).unwrap_or_else(BoundedJson::null)
    }

    /// Takes text that was put together of checked parts, and so may nest a little deeper.
    pub fn assembled(text: String) -> BoundedJson {
        BoundedJson(text.into())
    }

    /// Takes text that was checked when it was stored.
    ///
    /// # Errors
    ///
    /// Not JSON: the stored bytes are damaged.
    pub fn from_stored(text: String) -> Result<BoundedJson, JsonError> {
        BoundedJson::parse(text, usize::MAX)
    }
}

/// Reads JSON nested at most [`BoundedJson::DEPTH_MAX`] deep. (The reader's own limit is one
/// level short of it.)
fn read<T: DeserializeOwned>(text: &str) -> Result<T, JsonError> {
    if depth(text) > BoundedJson::DEPTH_MAX {
        return Err(JsonError::TooDeep);
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.disable_recursion_limit();
    let value = T::deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map_err(|error| JsonError::Malformed(error.to_string()))
}

/// The deepest nesting in `text`, which need not be well-formed.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text.bytes() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

impl fmt::Debug for BoundedJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for BoundedJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for BoundedJson {
    /// As the JSON itself, byte for byte, where the format is JSON.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue =
            serde_json::from_str(self.0.trim()).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for BoundedJson {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<BoundedJson, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        BoundedJson::parse(raw.get(), usize::MAX).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nested(levels: usize) -> String {
        "[".repeat(levels) + &"]".repeat(levels)
    }

    #[test]
    fn the_size_limit_is_exact() {
        assert!(BoundedJson::parse("\"abc\"", 5).is_ok());
        assert_eq!(
            BoundedJson::parse("\"abcd\"", 5),
            Err(JsonError::TooLarge { bytes: 6, bytes_max: 5 })
        );
    }

    #[test]
    fn the_depth_limit_is_exact() {
        assert!(BoundedJson::parse(nested(128), 1000).is_ok());
        assert_eq!(BoundedJson::parse(nested(129), 1000), Err(JsonError::TooDeep));
        assert_eq!(BoundedJson::parse(nested(100_000), 1 << 20), Err(JsonError::TooDeep));
    }

    #[test]
    fn brackets_in_strings_are_no_nesting() {
        let text = format!("\"{}\\\"{}\"", "[".repeat(200), "{".repeat(200));
        assert!(BoundedJson::parse(text, 1000).is_ok());
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for bad in ["", "{", "nul", "1 2", "{\"a\":}", "1e999", "\"\\ud800\"", "NaN", "'a'"] {
            assert!(matches!(BoundedJson::parse(bad, 100), Err(JsonError::Malformed(_))), "{bad}");
        }
    }

    #[test]
    fn travels_inside_other_json_unchanged() {
        let json = BoundedJson::parse(" {\"b\":1.50,\"a\":[]} ", 100).unwrap();
        let text = serde_json::to_string(&vec![json]).unwrap();
        assert_eq!(text, "[{\"b\":1.50,\"a\":[]}]");
    }

    #[test]
    fn a_key_that_stands_twice_is_found_wherever_it_is() {
        let unique = |text: &str| BoundedJson::parse(text, 1000).unwrap().unique_keys();
        for fine in
            ["null", "[1, -1, 1.5, true, \"a\"]", "{\"a\": {\"b\": 1}, \"b\": [{\"a\": 1}]}"]
        {
            assert_eq!(unique(fine), Ok(()), "{fine}");
        }
        for twice in [
            "{\"a\": 1, \"a\": 1}",
            "{\"a\": 1, \"b\": 2, \"\\u0061\": 3}",
            "[[{\"b\": {\"a\": {}, \"a\": 1}}]]",
        ] {
            let error = unique(twice).unwrap_err().to_string();
            assert!(error.contains("the key \"a\" stands twice"), "{error}");
        }
        assert_eq!(unique(&nested(128)), Ok(()));
    }

    #[test]
    fn a_member_is_taken_out_as_it_stands() {
        let json = BoundedJson::parse("{\"a\": [1.50, {\"b\":1,\"b\":2}]}", 100).unwrap();
        assert_eq!(json.member("a").as_str(), "[1.50, {\"b\":1,\"b\":2}]");
        assert_eq!(json.member("b"), BoundedJson::null());
        assert_eq!(BoundedJson::null().member("a"), BoundedJson::null());
    }

    proptest! {
        #[test]
        fn never_panics_and_reads_back(text in ".{0,200}") {
            if let Ok(json) = BoundedJson::parse(text.as_str(), 1000) {
                let again: BoundedJson = serde_json::from_str(&serde_json::to_string(&json).unwrap()).unwrap();
                prop_assert_eq!(again.to_value(), json.to_value());
            }
        }
    }
}
