//! Backups that were tampered with.

mod entries;
mod file;
mod members;
mod store;

use std::fs;
use std::path::Path;

use arbitrary::Unstructured;
use waystation_backup::{Hands, read, unpack};

pub(crate) use self::file::seeds;

/// What readers of the file and of the store know.
pub(crate) const WORDS: &[&[u8]] = &[
    b"waystation-backup.json",
    b"{\"format\":\"waystation-backup-1\",\"store_format\":\"waystation-3\"",
    b"waystation-2",
    b"store/00000001",
    b"store/00000002",
    b"keys/token",
    b"components/",
    b"end.json",
    b"ustar  \0",
    b"../../x",
    b"mformat",
    b"mcommit",
    b"4294967295",
    b"18446744073709551615",
    b"\"state\":",
    b"null",
    b"\0\0\0\x01",
    b"\xff\xff\xff\xff",
];

/// Longest message that says why a backup or a store is refused, in bytes. A quoted word of a
/// store has up to 4096 bytes, and is escaped.
const MESSAGE_BYTES_MAX: usize = 32 * 1024;

/// The first byte says what the rest is: a file as it stands, members of an archive, or changes to
/// what a server kept. It is refused in a line or unpacked, nothing is written elsewhere, and what
/// is unpacked is a store that opens and answers, or is refused in a line, too.
pub fn backup(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    let mut bytes = Unstructured::new(rest);
    let file = match kind % 4 {
        0 => rest.to_vec(),
        1 => members::archive(&mut bytes),
        _ => file::of(&entries::changed(&mut bytes)),
    };
    let readable = match read(file.as_slice(), |_| Ok(())) {
        Ok((manifest, _)) => {
            // As it is shown to who restores it.
            assert!(manifest.created_at.to_string().len() < 40);
            true
        }
        Err(refused) => {
            is_told(&refused.to_string());
            false
        }
    };
    // Members are written before the end is known; of a file as it stands that is seldom worth
    // a database.
    if readable || kind % 4 == 1 {
        let home = tempfile::tempdir().expect("a folder");
        unpacks(&file, home.path(), readable);
    }
}

fn unpacks(file: &[u8], home: &Path, readable: bool) {
    let to = home.join("to");
    let hands = Hands { write_key: |path, text| fs::write(path, text), give_up };
    let unpacked = unpack(file, &to, hands);
    assert_eq!(names(home), ["to"]);
    for name in names(&to) {
        let known = ["components", "link-keys", "secret-key", "store", "token"];
        assert!(known.contains(&name.as_str()), "{name:?}");
    }
    for name in names(&to.join("components")) {
        let digest = name.strip_suffix(".wasm").map(|hex| format!("sha256:{hex}"));
        let digest = digest.and_then(|text| text.parse::<waystation_core::Digest>().ok());
        assert!(digest.is_some(), "{name:?}");
    }
    match unpacked {
        Ok(_) => {
            assert!(readable, "unpacked, and can't be read");
            store::opens_and_answers(&to);
        }
        Err(refused) => is_told(&refused.to_string().replace(&to.display().to_string(), "")),
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string());
    let mut names: Vec<String> = names.map(|name| name.expect("a plain name")).collect();
    names.sort();
    names
}

fn give_up(why: &str) -> ! {
    panic!("{why}")
}

fn is_told(message: &str) {
    assert!(!message.is_empty() && !message.contains(char::is_control), "{message:?}");
    assert!(message.len() <= MESSAGE_BYTES_MAX, "{} bytes: {message:?}", message.len());
}
