//! Tokens of the API: who may do what.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Digest, InvalidName, Timestamp};

/// What a caller of the API may do. [`Scope::allows`] says how they nest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Look at components, workflows and executions.
    Read,
    /// Trigger, test, resume and cancel; and look.
    Operate,
    /// Upload and remove components, deploy and remove workflows; and look.
    Deploy,
    /// Everything, tokens and backups included.
    Admin,
}

impl Scope {
    /// All of them.
    pub const ALL: [Scope; 4] = [Scope::Read, Scope::Operate, Scope::Deploy, Scope::Admin];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Operate => "operate",
            Scope::Deploy => "deploy",
            Scope::Admin => "admin",
        }
    }

    /// May one who has this scope do what asks for `wanted`? `admin` may do everything,
    /// everybody may read, and `operate` and `deploy` know nothing of each other.
    pub fn allows(self, wanted: Scope) -> bool {
        self == Scope::Admin || wanted == Scope::Read || self == wanted
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A token's identity, which is no secret: it is in the token's text, in lists and in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId([u8; 8]);

impl TokenId {
    /// The id with these random bytes.
    pub fn from_bytes(bytes: [u8; 8]) -> TokenId {
        TokenId(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl FromStr for TokenId {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<TokenId, InvalidName> {
        let exact =
            text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match u64::from_str_radix(text, 16) {
            Ok(number) if exact => Ok(TokenId(number.to_be_bytes())),
            _ => Err(InvalidName {
                what: "token id",
                name: text.chars().take(80).collect(),
                rule: "16 lower-case hex digits",
            }),
        }
    }
}

impl Serialize for TokenId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TokenId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<TokenId, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A token as it is stored: its secret only as a digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Which.
    pub id: TokenId,
    /// What people call it; need not be unique.
    pub name: crate::TokenName,
    /// What it may do: one scope or more.
    pub scopes: BTreeSet<Scope>,
    /// The SHA-256 of its secret part, which has 256 random bits.
    pub secret: Digest,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is nothing any more; none is never.
    pub expires_at: Option<Timestamp>,
}

impl Token {
    /// May it do what asks for `wanted`?
    pub fn allows(&self, wanted: Scope) -> bool {
        self.scopes.iter().any(|scope| scope.allows(wanted))
    }

    /// Is its time over at `now`?
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_nest_as_they_say() {
        use Scope::{Admin, Deploy, Operate, Read};
        for (has, may) in [
            (Read, vec![Read]),
            (Operate, vec![Read, Operate]),
            (Deploy, vec![Read, Deploy]),
            (Admin, vec![Read, Operate, Deploy, Admin]),
        ] {
            let allowed: Vec<Scope> =
                Scope::ALL.into_iter().filter(|wanted| has.allows(*wanted)).collect();
            assert_eq!(allowed, may, "{has}");
        }
    }

    #[test]
    fn ids_read_back_and_are_exact() {
        let id = TokenId::from_bytes([0, 0x1f, 2, 3, 4, 5, 6, 0xff]);
        assert_eq!(id.to_string(), "001f0203040506ff");
        assert_eq!(id.to_string().parse::<TokenId>().unwrap(), id);
        for bad in ["", "1f", "001F0203040506ff", "+01f0203040506ff", "001f0203040506ff0"] {
            assert!(bad.parse::<TokenId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_expires_at_its_moment() {
        let token = Token {
            id: TokenId::from_bytes([1; 8]),
            name: "ci".parse().unwrap(),
            scopes: [Scope::Deploy].into(),
            secret: Digest::of(b"secret"),
            created_at: Timestamp::from_millis(1),
            expires_at: Some(Timestamp::from_millis(10)),
        };
        assert!(!token.has_expired(Timestamp::from_millis(9)));
        assert!(token.has_expired(Timestamp::from_millis(10)));
        let forever = Token { expires_at: None, ..token };
        assert!(!forever.has_expired(Timestamp::MAX));
        assert!(forever.allows(Scope::Deploy) && !forever.allows(Scope::Operate));
    }
}
