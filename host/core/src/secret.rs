//! Secrets: what a workflow may name, on which terms, and what a run is given of them.

use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::{SecretName, UrlPattern};

/// A secret's value. It is shown nowhere: there is no `Display`, `Debug` hides it, and its
/// memory is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(Zeroizing<String>);

/// Why something can't be kept as a secret. Never quotes the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct InvalidSecret {
    /// `value` or `for`.
    pub place: &'static str,
    /// What is wrong, and what is allowed.
    pub problem: String,
}

impl SecretValue {
    /// A shorter value would be found in innocent texts, and guessed from what is left of them
    /// when it is hidden there.
    pub const BYTES_MIN: usize = 8;

    /// The longest value, in bytes: keys and certificates fit well.
    pub const BYTES_MAX: usize = 16 << 10;

    /// Checks and takes the value.
    ///
    /// # Errors
    ///
    /// Shorter than [`SecretValue::BYTES_MIN`], longer than [`SecretValue::BYTES_MAX`], or with
    /// a NUL in it, which no environment variable can hold.
    pub fn new(value: Zeroizing<String>) -> Result<SecretValue, InvalidSecret> {
        let wrong = |problem: String| Err(InvalidSecret { place: "value", problem });
        let (bytes, min, max) = (value.len(), SecretValue::BYTES_MIN, SecretValue::BYTES_MAX);
        if !(min..=max).contains(&bytes) {
            return wrong(format!("{bytes} bytes; {min} to {max} are allowed"));
        }
        if value.contains('\0') {
            return wrong("it has a NUL character, and none is allowed".into());
        }
        Ok(SecretValue(value))
    }

    /// The value, for the one who uses it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// What the operator lets be done with a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretTerms {
    /// Where the host may send the value to, in place of the step's placeholder.
    #[serde(rename = "for")]
    pub destinations: Vec<UrlPattern>,
    /// May a step be given the value itself?
    pub reveal: bool,
}

impl SecretTerms {
    /// Destinations of one secret.
    pub const DESTINATIONS_MAX: usize = 64;

    /// Can a secret on these terms be used at all?
    ///
    /// # Errors
    ///
    /// Neither destinations nor `reveal`, or too many destinations.
    pub fn check(&self) -> Result<(), InvalidSecret> {
        let wrong = |problem: String| Err(InvalidSecret { place: "for", problem });
        let (count, max) = (self.destinations.len(), SecretTerms::DESTINATIONS_MAX);
        if count > max {
            return wrong(format!("{count} destinations; at most {max} are allowed"));
        }
        if count == 0 && !self.reveal {
            return wrong(
                "nobody could use this secret: say where it may be sent to, or that steps may be \
                 given its value (reveal)"
                    .into(),
            );
        }
        Ok(())
    }
}

/// A step's wish for a secret: `API_KEY`, or `{ name: API_KEY, reveal: true }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretUse {
    /// Which.
    pub name: SecretName,
    /// Does the step want the value itself, and not a placeholder?
    pub reveal: bool,
}

impl SecretUse {
    /// Secrets of one step.
    pub const COUNT_MAX: usize = 32;

    /// Their values together, in bytes: to find all their forms in what a run leaves takes some
    /// hundred times as much memory.
    pub const BYTES_MAX: usize = 32 << 10;
}

impl Serialize for SecretUse {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.reveal {
            return self.name.serialize(serializer);
        }
        let mut record = serializer.serialize_struct("SecretUse", 2)?;
        record.serialize_field("name", &self.name)?;
        record.serialize_field("reveal", &true)?;
        record.end()
    }
}

impl<'de> Deserialize<'de> for SecretUse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SecretUse, D::Error> {
        deserializer.deserialize_any(UseVisitor)
    }
}

struct UseVisitor;

impl<'de> Visitor<'de> for UseVisitor {
    type Value = SecretUse;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret's name, or an object of name and reveal")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<SecretUse, E> {
        let name = text.parse().map_err(E::custom)?;
        Ok(SecretUse { name, reveal: false })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SecretUse, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            name: SecretName,
            #[serde(default)]
            reveal: bool,
        }
        let Fields { name, reveal } =
            Fields::deserialize(de::value::MapAccessDeserializer::new(map))?;
        Ok(SecretUse { name, reveal })
    }
}

/// A secret as a run is given it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSecret {
    /// Its name, which is the variable's.
    pub name: SecretName,
    /// Its value.
    pub value: SecretValue,
    /// Where the host may send it to.
    pub destinations: Vec<UrlPattern>,
    /// Does the step see the value itself, and not a placeholder?
    pub reveal: bool,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(bytes: usize) -> Result<SecretValue, InvalidSecret> {
        SecretValue::new("x".repeat(bytes).into())
    }

    #[test]
    fn the_bounds_of_a_value_are_exact() {
        assert!(value(7).is_err());
        assert!(value(8).is_ok());
        assert!(value(16 << 10).is_ok());
        let error = value((16 << 10) + 1).unwrap_err().to_string();
        assert_eq!(error, "value: 16385 bytes; 8 to 16384 are allowed");
        assert!(SecretValue::new(String::from("a\0bcdefgh").into()).is_err());
    }

    #[test]
    fn nothing_shows_a_value() {
        let value = SecretValue::new(String::from("hunter22").into()).unwrap();
        assert_eq!(format!("{value:?}"), "[secret]");
        let name = "A".parse().unwrap();
        let given = RunSecret { name, value, destinations: vec![], reveal: true };
        assert!(!format!("{given:?}").contains("hunter"));
    }

    #[test]
    fn a_secret_that_nobody_could_use_is_none() {
        assert!(SecretTerms::default().check().is_err());
        assert!(SecretTerms { reveal: true, ..SecretTerms::default() }.check().is_ok());
        let to = |count| vec!["https://h".parse().unwrap(); count];
        let terms = |count| SecretTerms { destinations: to(count), reveal: false };
        assert!(terms(1).check().is_ok());
        assert!(terms(64).check().is_ok());
        assert!(terms(65).check().is_err());
    }

    #[test]
    fn a_use_is_a_name_or_says_more() {
        let read = |value| serde_json::from_value::<SecretUse>(value).map_err(|e| e.to_string());
        let plain = read(json!("API_KEY")).unwrap();
        assert_eq!((plain.name.as_str(), plain.reveal), ("API_KEY", false));
        assert_eq!(json!(plain), json!("API_KEY"));
        assert_eq!(read(json!({"name": "API_KEY"})), Ok(plain));
        let revealed = read(json!({"name": "API_KEY", "reveal": true})).unwrap();
        assert_eq!(json!(revealed), json!({"name": "API_KEY", "reveal": true}));
        assert!(read(json!("api-key")).unwrap_err().contains("is not a secret's name"));
        assert!(read(json!({"name": "A", "show": true})).unwrap_err().contains("show"));
        assert!(read(json!(7)).unwrap_err().contains("a secret's name, or"));
    }
}
