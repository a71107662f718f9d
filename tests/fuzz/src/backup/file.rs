//! Backups as a server writes them.

use std::sync::LazyLock;

use tempfile::TempDir;
use waystation_backup::{Source, write};
use waystation_core::{Digest, Timestamp};
use waystation_store_sled::StoreEntry;

use super::members;

/// Entries in a part of a backup.
const PART: usize = 100;

/// Components of every backup.
static COMPONENTS: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let name = format!("{}.wasm", Digest::of(b"\0asm").hex());
    std::fs::write(folder.path().join(name), b"\0asm").expect("a component");
    folder
});

/// A backup of these entries.
pub(super) fn of(entries: &[StoreEntry]) -> Vec<u8> {
    let source = Source {
        created_at: Timestamp::from_millis(7),
        keys: Some([("link-keys", "1 ab\n".to_owned()), ("token", "t\n".to_owned())].into()),
        components: COMPONENTS.path().to_owned(),
    };
    let mut parts = entries.chunks(PART).map(<[_]>::to_vec);
    let mut file = Vec::new();
    write(&mut file, &source, || Ok(parts.next())).expect("a backup");
    file
}

/// Names of inputs and the inputs, for a fuzzer to begin with.
pub(crate) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let file = [vec![0], members::smallest()].concat();
    vec![("file", file), ("as-it-was-kept", vec![2])]
}
