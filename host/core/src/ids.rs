//! Names and identities.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// An execution's identity: a UUID of version 7, so that byte order is the order of triggering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExecutionId(Uuid);

impl ExecutionId {
    /// An id for `unix_millis` with `random` filling the rest.
    pub fn from_parts(unix_millis: u64, random: [u8; 10]) -> ExecutionId {
        ExecutionId(uuid::Builder::from_unix_timestamp_millis(unix_millis, &random).into_uuid())
    }

    /// The 16 bytes, in the order in which ids sort.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id with these 16 bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> ExecutionId {
        ExecutionId(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ExecutionId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<ExecutionId, uuid::Error> {
        Uuid::parse_str(text).map(ExecutionId)
    }
}

/// A SHA-256: of a component's bytes it is the component's identity. Written `sha256:<64 hex digits>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(Sha256::digest(bytes).into())
    }

    /// Its 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 64 lower-case hex digits, without the `sha256:`.
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Digest, InvalidName> {
        let invalid = || InvalidName {
            what: "digest",
            name: shown(text),
            rule: "sha256: and 64 lower-case hex digits",
        };
        let hex = text.strip_prefix("sha256:").ok_or_else(invalid)?.as_bytes();
        let mut bytes = [0; 32];
        if hex.len() != 2 * bytes.len() {
            return Err(invalid());
        }
        for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
            for digit in pair {
                let value = match digit {
                    b'0'..=b'9' => digit - b'0',
                    b'a'..=b'f' => digit - b'a' + 10,
                    _ => return Err(invalid()),
                };
                *byte = *byte << 4 | value;
            }
        }
        Ok(Digest(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A name that breaks its rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a {what}: {rule}")]
pub struct InvalidName {
    /// What it should have named.
    pub what: &'static str,
    /// What was given, cut to a length that can be shown.
    pub name: String,
    /// What is allowed.
    pub rule: &'static str,
}

fn shown(name: &str) -> String {
    name.chars().take(80).collect()
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal, $rule:literal, $allows:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $type(String);

        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<$type, InvalidName> {
                let allows: fn(&str) -> bool = $allows;
                if !allows(text) {
                    return Err(InvalidName { what: $what, name: shown(text), rule: $rule });
                }
                Ok($type(text.to_owned()))
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

fn is_label(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

name!(
    /// A workflow's name.
    WorkflowName,
    "workflow name",
    "1 to 64 of a-z, 0-9 and -",
    is_label
);

name!(
    /// A component's name: a movable pointer at a digest.
    ComponentName,
    "component name",
    "1 to 64 of a-z, 0-9 and -",
    is_label
);

name!(
    /// A step's name, unique in its workflow. `trigger` is taken: `steps.trigger` is the event.
    StepName,
    "step name",
    "1 to 64 of a-z, A-Z, 0-9 and _, not starting with a digit, and not \"trigger\"",
    |text| (1..=64).contains(&text.len())
        && text != "trigger"
        && !text.as_bytes().first().is_some_and(u8::is_ascii_digit)
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
);

name!(
    /// What people call a token of the API. It stands in the log, so it has no spaces and
    /// nothing that a terminal or a log reader would take for something else. `root` is taken:
    /// it is the token that a server is started with.
    TokenName,
    "token name",
    "1 to 64 of a-z, A-Z, 0-9 and - _ . @, and not \"root\"",
    |text| (1..=64).contains(&text.len())
        && text != "root"
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.@".contains(&b))
);

name!(
    /// A secret's name, which is also that of the variable in which a step finds it.
    SecretName,
    "secret's name",
    "1 to 64 of A-Z, 0-9 and _, not starting with a digit",
    |text| (1..=64).contains(&text.len())
        && !text.as_bytes().first().is_some_and(u8::is_ascii_digit)
        && text.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'_'))
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_back() {
        let digest = Digest::of(b"abc");
        assert_eq!(
            digest.to_string(),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
    }

    #[test]
    fn a_digest_is_exact() {
        let good = Digest::of(b"abc").to_string();
        for bad in [&good[7..], &good[..70], &good.to_uppercase(), &format!("{good}0"), ""] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
    }

    #[test]
    fn names_keep_their_rules_at_the_edges() {
        let long = "a".repeat(64);
        for good in ["a", "approve-order", "0", long.as_str()] {
            assert!(good.parse::<WorkflowName>().is_ok(), "{good}");
        }
        let too_long = "a".repeat(65);
        for bad in ["", "A", "a_b", "a b", "ä", "a/b", too_long.as_str()] {
            assert!(bad.parse::<WorkflowName>().is_err(), "{bad}");
        }
        for good in ["a", "_", "Ask_1", long.as_str()] {
            assert!(good.parse::<StepName>().is_ok(), "{good}");
        }
        for bad in ["", "1a", "a-b", "trigger", "$x", too_long.as_str()] {
            assert!(bad.parse::<StepName>().is_err(), "{bad}");
        }
        for good in ["a", "ci@example.org", "On-Call_1.2", long.as_str()] {
            assert!(good.parse::<TokenName>().is_ok(), "{good}");
        }
        for bad in ["", "root", "a b", "a\n", "ä", "a=b", "\"", too_long.as_str()] {
            assert!(bad.parse::<TokenName>().is_err(), "{bad}");
        }
        for good in ["A", "_", "API_KEY_2", long.to_uppercase().as_str()] {
            assert!(good.parse::<SecretName>().is_ok(), "{good}");
        }
        for bad in ["", "2A", "a", "A-B", "A=B", "Ä", too_long.to_uppercase().as_str()] {
            assert!(bad.parse::<SecretName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn ids_sort_by_time() {
        let early = ExecutionId::from_parts(1_000, [0xff; 10]);
        let late = ExecutionId::from_parts(1_001, [0; 10]);
        assert!(early < late);
        assert!(early.as_bytes() < late.as_bytes());
        assert_eq!(early.to_string().parse::<ExecutionId>().unwrap(), early);
    }
}
