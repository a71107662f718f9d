//! Backups: everything that a server keeps, in one file.
//!
//! The file is a tar archive, so that it can be written while it is made and looked into with
//! any tool. Its members, in this order:
//!
//! | member | holds |
//! |---|---|
//! | `waystation-backup.json` | format, the store's format, when and by which version it was made |
//! | `keys/link-keys`, `keys/secret-key`, `keys/token` | those files, if they were asked for |
//! | `store/00000001`, … | entries of the database: lengths of key and value (4 bytes each, big-endian), key, value |
//! | `components/<64 hex digits>.wasm` | components' bytes |
//! | `end.json` | how many there were, and the SHA-256 of all `keys/` and `store/` members one after the other |
//!
//! A file without its end is no backup. The hash finds damage; it does not say who made the file.
//!
//! # Layout
//!
//! - `write.rs`: makes one; `read.rs`: takes one apart, and trusts nothing in it
//! - `unpack.rs`: makes a data directory's content of one; `error.rs`: why not

mod error;
mod read;
mod unpack;
mod write;

use serde::{Deserialize, Serialize};
use waystation_core::Timestamp;

pub use error::BackupError;
pub use read::{Item, read};
pub use unpack::{Hands, unpack};
pub use write::{Source, write};

/// The format of the file. Another one is not read.
const FORMAT: &str = "waystation-backup-1";

const MANIFEST: &str = "waystation-backup.json";
const END: &str = "end.json";
const KEYS: [&str; 3] = ["link-keys", "secret-key", "token"];

/// The largest member that is not a component, in bytes. A part of the store is far below.
const MEMBER_BYTES_MAX: u64 = 16 << 20;

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    format: String,
    /// The format of the entries.
    pub store_format: String,
    /// The moment that it shows.
    pub created_at: Timestamp,
    /// The version of Waystation that made it.
    pub version: String,
    /// Does it hold keys and tokens?
    pub keys: bool,
}

impl Manifest {
    fn new(created_at: Timestamp, keys: bool) -> Manifest {
        Manifest {
            format: FORMAT.to_owned(),
            store_format: waystation_store_sled::STORE_FORMAT.to_owned(),
            created_at,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            keys,
        }
    }
}

/// What was in a backup.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Members of the store.
    pub parts: u64,
    /// Entries in them.
    pub entries: u64,
    /// Components.
    pub components: u64,
    /// Of all keys and members of the store, in hex digits.
    sha256: String,
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// Long enough that changes here and there meet it.
    const COMPONENT: &[u8] = &[7; 200];

    /// A backup in memory, of `entries` in parts of two.
    fn backup(entries: &[(Vec<u8>, Vec<u8>)], folder: &std::path::Path) -> Vec<u8> {
        let mut parts = entries.chunks(2).map(<[_]>::to_vec);
        let source = Source {
            created_at: Timestamp::from_millis(7),
            keys: Some([("link-keys", "1 ab".to_owned()), ("token", "t".to_owned())].into()),
            components: folder.to_owned(),
        };
        let mut file = Vec::new();
        write(&mut file, &source, || Ok(parts.next())).unwrap();
        file
    }

    fn entries() -> Vec<(Vec<u8>, Vec<u8>)> {
        (0..5_u8).map(|n| (vec![b'e', n], vec![n; usize::from(n) * 100])).collect()
    }

    fn component(folder: &std::path::Path) -> waystation_core::Digest {
        let digest = waystation_core::Digest::of(COMPONENT);
        std::fs::write(folder.join(format!("{}.wasm", digest.hex())), COMPONENT).unwrap();
        std::fs::write(folder.join("00.0.part"), b"half").unwrap();
        digest
    }

    fn all(bytes: &mut dyn Read) -> Vec<u8> {
        let mut all = Vec::new();
        bytes.read_to_end(&mut all).unwrap();
        all
    }

    /// All that is in a backup, as text.
    fn items(file: &[u8]) -> Result<Vec<String>, BackupError> {
        let mut items = Vec::new();
        read(file, |item| {
            items.push(match item {
                Item::Component(digest, bytes) => format!("{digest}: {:?}", all(bytes)),
                Item::Key(name, text) => format!("{name}: {text}"),
                entry @ Item::Entry(..) => format!("{entry:?}"),
            });
            Ok(())
        })?;
        Ok(items)
    }

    #[test]
    fn what_was_written_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let digest = component(folder.path());
        let file = backup(&entries(), folder.path());
        let (mut found, mut components, mut keys) = (vec![], vec![], vec![]);
        let (manifest, end) = read(file.as_slice(), |item| {
            match item {
                Item::Entry(key, value) => found.push((key.to_vec(), value.to_vec())),
                Item::Component(digest, bytes) => components.push((digest, all(bytes))),
                Item::Key(name, text) => keys.push((name, text)),
            }
            Ok(())
        })
        .unwrap();
        assert_eq!(found, entries());
        assert_eq!(components, [(digest, COMPONENT.to_vec())]);
        assert_eq!(keys, [("link-keys", "1 ab".to_owned()), ("token", "t".to_owned())]);
        assert_eq!((end.parts, end.entries, end.components), (3, 5, 1));
        assert!(manifest.keys);
    }

    #[test]
    fn whatever_is_cut_off_or_changed_is_no_backup() {
        let folder = tempfile::tempdir().unwrap();
        component(folder.path());
        let file = backup(&entries(), folder.path());
        let whole = items(&file).unwrap();
        // Behind the last member's one block there are two empty ones, which nobody needs.
        for length in (0..file.len() - 1024 - 512).step_by(97) {
            assert!(items(&file[..length]).is_err(), "cut off at {length}");
        }
        // The manifest, which says when and by whom it was made, is the first two blocks.
        for at in (1024..file.len() - 1024).step_by(31) {
            let mut changed = file.clone();
            changed[at] ^= 1;
            // What else may be changed is the padding of members.
            let unnoticed = items(&changed).is_ok_and(|items| items != whole);
            assert!(!unnoticed, "a change at {at} went unnoticed");
        }
    }

    /// A manifest, and the head of a member of this kind that is as large as it says.
    fn begun(kind: u8, name: &str, size: u64) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let mut file = backup(&[], folder.path());
        // The manifest is a head and one block.
        file.truncate(1024);
        let mut header = tar::Header::new_gnu();
        header.set_size(size);
        let old = header.as_old_mut();
        old.name[..name.len()].copy_from_slice(name.as_bytes());
        old.linkflag = [kind];
        header.set_cksum();
        file.extend_from_slice(header.as_bytes());
        file
    }

    #[test]
    fn members_are_plain_files_and_nothing_else_that_tar_knows() {
        let plain = items(&begun(b'0', "keys/token", 0)).unwrap_err().to_string();
        assert!(plain.contains("cut off"), "{plain}");
        // Links, devices, folders; long names, sparse files, and what pax says.
        for kind in b"1234567LKSNVxgX" {
            let error = items(&begun(*kind, "keys/token", 0)).unwrap_err().to_string();
            assert!(error.contains("something else than files"), "{}: {error}", *kind as char);
        }
    }

    #[test]
    fn what_says_that_it_is_large_is_read_no_further_than_it_may_be() {
        for (kind, name, bytes_max) in [
            (b'L', "././@LongLink", 0),
            (b'x', "pax", 0),
            (b'S', "keys/token", 0),
            (b'0', "keys/token", MEMBER_BYTES_MAX),
            (b'0', "store/00000001", MEMBER_BYTES_MAX),
        ] {
            let begun = begun(kind, name, 8 << 30);
            let mut endless = begun.as_slice().chain(std::io::repeat(b'x')).take(1 << 30);
            assert!(read(&mut endless, |_| Ok(())).is_err(), "{name}");
            let taken = (1 << 30) - endless.limit();
            assert!(taken <= begun.len() as u64 + bytes_max + 1, "{name}: {taken} bytes");
        }
    }

    #[test]
    fn a_member_that_does_not_belong_there_is_refused() {
        for name in ["../evil", "/etc/passwd", "store/../../x", "components/abc.wasm", "keys/other"]
        {
            let mut tar = tar::Builder::new(Vec::new());
            let mut header = tar::Header::new_gnu();
            header.set_size(0);
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            tar.append(&header, std::io::empty()).unwrap();
            let error = read(tar.into_inner().unwrap().as_slice(), |_| Ok(())).unwrap_err();
            assert!(error.to_string().contains("no backup"), "{name}: {error}");
        }
    }
}
