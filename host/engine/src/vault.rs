//! Seals secrets and opens them again. Nobody else sees both the keys and a record.
//!
//! A record is sealed by XChaCha20-Poly1305 under a random nonce. What may be done with the
//! secret is bound to it: a record that was renamed, or given other terms, does not open.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use sha2::{Digest as _, Sha256};
use waystation_core::{SecretName, SecretTerms, SecretValue, Timestamp};
use waystation_store::SecretRecord;
use zeroize::Zeroizing;

const NONCE_BYTES: usize = 24;

/// The keys that secrets are sealed under: the last one seals, all open.
pub struct SecretKeys {
    /// By name, oldest first.
    keys: Vec<(String, Zeroizing<[u8; SecretKeys::BYTES]>)>,
}

/// Why a record was not opened. Says nothing of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Its key is not there.
    #[error("it is sealed under a key that is not in the file of keys")]
    NoKey,
    /// It was changed, or is another secret's.
    #[error("its record was changed since it was sealed")]
    Changed,
}

/// The system gives no randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no randomness from the system")]
pub struct NoRandomness;

impl SecretKeys {
    /// Bytes of a key.
    pub const BYTES: usize = 32;

    /// Keys, oldest first. `None` when there is none, or one stands twice.
    pub fn new(keys: Vec<Zeroizing<[u8; SecretKeys::BYTES]>>) -> Option<SecretKeys> {
        let keys: Vec<_> = keys.into_iter().map(|key| (name(&key), key)).collect();
        let mut names: Vec<&str> = keys.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        (!keys.is_empty() && names.len() == keys.len()).then_some(SecretKeys { keys })
    }

    /// Seals `value` under the newest key.
    ///
    /// # Errors
    ///
    /// The system gives no randomness.
    pub fn seal(
        &self,
        name: SecretName,
        terms: SecretTerms,
        value: &SecretValue,
        set_at: Timestamp,
    ) -> Result<SecretRecord, NoRandomness> {
        let (key_name, key) = self.keys.last().ok_or(NoRandomness)?;
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|_| NoRandomness)?;
        let mut record =
            SecretRecord { name, terms, set_at, key: key_name.clone(), sealed: String::new() };
        let bound = bound(&record);
        let payload = Payload { msg: value.reveal().as_bytes(), aad: &bound };
        let sealed = cipher(key).encrypt(&XNonce::from(nonce), payload);
        // Only a value of gigabytes can't be sealed, and there is none.
        let sealed = sealed.map_err(|_| NoRandomness)?;
        record.sealed = STANDARD.encode([&nonce[..], &sealed].concat());
        Ok(record)
    }

    /// The value in `record`.
    ///
    /// # Errors
    ///
    /// Its key is not there, or the record is not what was sealed.
    pub fn open(&self, record: &SecretRecord) -> Result<SecretValue, OpenError> {
        let key = self.keys.iter().find(|(name, _)| *name == record.key);
        let (_, key) = key.ok_or(OpenError::NoKey)?;
        let bytes = STANDARD.decode(&record.sealed).map_err(|_| OpenError::Changed)?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or(OpenError::Changed)?;
        let bound = bound(record);
        let payload = Payload { msg: sealed, aad: &bound };
        let clear = cipher(key).decrypt(&XNonce::from(*nonce), payload);
        let clear = String::from_utf8(clear.map_err(|_| OpenError::Changed)?);
        let clear = clear.map_err(|_| OpenError::Changed)?;
        SecretValue::new(Zeroizing::new(clear)).map_err(|_| OpenError::Changed)
    }
}

impl fmt::Debug for SecretKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKeys({})", self.keys.len())
    }
}

fn cipher(key: &[u8; SecretKeys::BYTES]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&Key::from(*key))
}

/// A key's name, which tells nothing of the key.
fn name(key: &[u8; SecretKeys::BYTES]) -> String {
    let digest = Sha256::new().chain_update(b"waystation secret key").chain_update(key).finalize();
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// What a record's seal holds together with the value. Each part has its length in front: no
/// two records have the same.
fn bound(record: &SecretRecord) -> Vec<u8> {
    let SecretRecord { name, terms, set_at, key, sealed: _ } = record;
    let mut bound = Vec::new();
    let mut part = |bytes: &[u8]| {
        bound.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        bound.extend_from_slice(bytes);
    };
    part(b"waystation secret 1");
    part(key.as_bytes());
    part(name.as_str().as_bytes());
    part(&set_at.as_millis().to_be_bytes());
    part(&[u8::from(terms.reveal)]);
    for destination in &terms.destinations {
        part(destination.to_string().as_bytes());
    }
    bound
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[u8]) -> SecretKeys {
        let keys = keys.iter().map(|&byte| Zeroizing::new([byte; 32])).collect();
        SecretKeys::new(keys).unwrap()
    }

    fn value() -> SecretValue {
        SecretValue::new(String::from("correct horse").into()).unwrap()
    }

    fn sealed(by: &SecretKeys) -> SecretRecord {
        let destinations = vec!["https://a".parse().unwrap(), "https://b".parse().unwrap()];
        let terms = SecretTerms { destinations, reveal: false };
        by.seal("A".parse().unwrap(), terms, &value(), Timestamp::from_millis(7)).unwrap()
    }

    #[test]
    fn what_was_sealed_opens_and_shows_nothing() {
        let record = sealed(&keys(&[1]));
        assert_eq!(keys(&[1]).open(&record), Ok(value()));
        let text = serde_json::to_string(&record).unwrap();
        assert!(!text.contains("horse"), "{text}");
        assert!(!format!("{:?}", keys(&[1])).contains("01"), "the keys are not shown");
    }

    #[test]
    fn no_two_seals_are_alike() {
        let keys = keys(&[1]);
        assert_ne!(sealed(&keys).sealed, sealed(&keys).sealed);
    }

    #[test]
    fn the_last_key_seals_and_all_open() {
        let old = sealed(&keys(&[1]));
        let rotated = keys(&[1, 2]);
        assert_eq!(rotated.open(&old), Ok(value()));
        let new = sealed(&rotated);
        assert_eq!(keys(&[2]).open(&new), Ok(value()));
        assert_eq!(keys(&[1]).open(&new), Err(OpenError::NoKey));
        assert!(SecretKeys::new(vec![]).is_none());
        assert!(SecretKeys::new(vec![Zeroizing::new([1; 32]), Zeroizing::new([1; 32])]).is_none());
    }

    #[test]
    fn a_record_that_was_changed_does_not_open() {
        let keys = keys(&[1, 2]);
        let record = || sealed(&keys);
        let changed = |change: fn(&mut SecretRecord)| {
            let mut record = record();
            change(&mut record);
            keys.open(&record)
        };
        let all: [fn(&mut SecretRecord); 9] = [
            |record| record.name = "B".parse().unwrap(),
            |record| record.terms.reveal = true,
            |record| record.terms.destinations.truncate(1),
            |record| record.terms.destinations.reverse(),
            |record| record.terms.destinations = vec!["https://evil".parse().unwrap()],
            |record| record.set_at = Timestamp::from_millis(8),
            |record| record.sealed.replace_range(60..61, "!"),
            |record| record.sealed.truncate(40),
            |record| record.sealed.clear(),
        ];
        for (number, change) in all.into_iter().enumerate() {
            assert_eq!(changed(change), Err(OpenError::Changed), "change {number}");
        }
        // Each byte counts.
        let bytes = STANDARD.decode(record().sealed).unwrap();
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            let record = SecretRecord { sealed: STANDARD.encode(bytes), ..record() };
            assert_eq!(keys.open(&record), Err(OpenError::Changed), "byte {at}");
        }
    }
}
