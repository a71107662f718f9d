//! What a server kept, with changes.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};
use tokio::runtime::Builder;
use waystation_core::{Digest, Scope, SecretTerms, Timestamp, Token, TokenId};
use waystation_store::{SecretRecord, Store as _};
use waystation_store_sled::fuzzing::{self, Stored};
use waystation_store_sled::{SledStore, StoreEntry};

/// Changes of one input.
const CHANGES_MAX: usize = 16;

/// Numbers at the edges of those that are stored.
const NUMBERS: [&str; 12] = [
    "0",
    "1",
    "2",
    "-1",
    "65535",
    "65536",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "18446744073709551616",
    "1e300",
];

/// What JSON is made of, and the words of what is stored.
const WORDS: [&str; 16] = [
    "null",
    "true",
    "[]",
    "{}",
    "\"\"",
    ",",
    "}",
    "]",
    "\"queued\"",
    "\"running\"",
    "\"suspended\"",
    "\"completed\"",
    "\"canceled\"",
    "\"retry\"",
    "\"rerun\"",
    "\\u001b",
];

/// Executions in every kind of state, workflows, components, a mail.
static KEPT: LazyLock<Vec<Stored>> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let entries = runtime.block_on(kept());
    let kept = fuzzing::stored(&entries);
    let again: Vec<StoreEntry> = kept.iter().flat_map(Stored::entries).collect();
    assert_eq!(again, entries);
    kept
});

async fn kept() -> Vec<StoreEntry> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../formats/waystation-3/store");
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("store");
    fs::create_dir(&folder).expect("a folder");
    for name in ["conf", "db", "format"] {
        fs::copy(from.join(name), folder.join(name)).expect("a stored directory");
    }
    let store = SledStore::open(&folder, &home.path().join("components")).expect("a store");
    // What there was none of when the directory was made.
    store.put_token(token()).await.expect("a token");
    store.put_secret(secret()).await.expect("a secret");
    let mut snapshot = store.snapshot().await.expect("a snapshot");
    let mut entries = Vec::new();
    while let Some(part) = snapshot.next().await.expect("a snapshot") {
        entries.extend(part);
    }
    entries
}

fn token() -> Token {
    Token {
        id: TokenId::from_bytes([7; 8]),
        name: "ci".parse().expect("a name"),
        scopes: [Scope::Read].into(),
        secret: Digest::of(b"secret"),
        created_at: Timestamp::from_millis(1),
        expires_at: Some(Timestamp::from_millis(2)),
    }
}

fn secret() -> SecretRecord {
    SecretRecord {
        name: "API_KEY".parse().expect("a name"),
        terms: SecretTerms {
            destinations: vec!["https://h".parse().expect("a pattern")],
            reveal: true,
        },
        set_at: Timestamp::from_millis(1),
        key: "k".into(),
        sealed: "sealed".into(),
    }
}

/// Entries with the changes that `bytes` tell.
pub(super) fn changed(bytes: &mut Unstructured<'_>) -> Vec<StoreEntry> {
    let (mut stored, mut torn) = (KEPT.clone(), Vec::new());
    for _ in 0..CHANGES_MAX {
        // Too few bytes say no more changes.
        if bytes.is_empty() || change(bytes, &mut stored, &mut torn).is_err() {
            break;
        }
    }
    let mut entries: Vec<StoreEntry> = stored.iter().flat_map(Stored::entries).collect();
    for (at, position, byte) in torn {
        let length = entries.len();
        if let Some((_, value)) = entries.get_mut(at % length.max(1)) {
            let position = position % value.len().max(1);
            value.splice(position..(position + 1).min(value.len()), [byte]);
        }
    }
    entries
}

/// A byte of an entry that becomes another: which entry, where, what.
type Torn = (usize, usize, u8);

fn change(
    bytes: &mut Unstructured<'_>,
    stored: &mut Vec<Stored>,
    torn: &mut Vec<Torn>,
) -> Result<()> {
    let at = bytes.choose_index(stored.len())?;
    match bytes.int_in_range(0..=9)? {
        0 => drop(stored.remove(at)),
        1 => {
            let position = bytes.choose_index(stored[at].key.len())?;
            stored[at].key[position] = bytes.arbitrary()?;
        }
        2 => {
            let position = usize::from(bytes.arbitrary::<u16>()?);
            torn.push((at, position, bytes.arbitrary()?));
        }
        3..=5 => number(bytes, &mut stored[at].value)?,
        6 => {
            let piece = piece(bytes)?.to_vec();
            replace(bytes, &mut stored[at].value, &piece)?;
        }
        7 => {
            let (key, value) = (piece(bytes)?.to_vec(), piece(bytes)?.to_vec());
            stored.push(Stored { key, value, cut: bytes.arbitrary()? });
        }
        8 => {
            let other = bytes.choose_index(stored.len())?;
            stored[at].value = stored[other].value.clone();
        }
        _ => {
            let word = bytes.choose(&WORDS)?.as_bytes();
            replace(bytes, &mut stored[at].value, word)?;
        }
    }
    Ok(())
}

/// Changes one of the numbers that are written in `text`.
fn number(bytes: &mut Unstructured<'_>, text: &mut Vec<u8>) -> Result<()> {
    let starts: Vec<usize> = (0..text.len())
        .filter(|at| text[*at].is_ascii_digit())
        .filter(|at| at.checked_sub(1).is_none_or(|before| !text[before].is_ascii_digit()))
        .collect();
    let start = starts[bytes.choose_index(starts.len())?];
    let digits = text[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = bytes.choose(&NUMBERS)?.bytes();
    text.splice(start..start + digits, number);
    Ok(())
}

fn replace(bytes: &mut Unstructured<'_>, text: &mut Vec<u8>, piece: &[u8]) -> Result<()> {
    let start = bytes.int_in_range(0..=text.len())?;
    let end = (start + bytes.int_in_range(0..=32)?).min(text.len());
    text.splice(start..end, piece.iter().copied());
    Ok(())
}

fn piece<'a>(bytes: &mut Unstructured<'a>) -> Result<&'a [u8]> {
    let length = bytes.int_in_range(0..=40)?;
    bytes.bytes(length)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn something_of_every_kind_is_kept() {
        let tags: BTreeSet<u8> = KEPT.iter().map(|stored| stored.key[0]).collect();
        // All of the table in `keys.rs` but `d`, which is there while something is removed.
        assert_eq!(String::from_utf8(tags.into_iter().collect()).unwrap(), "abcefhiklmnpqrstuvwxz");
    }
}
