//! The whole database as it stood at one moment, read while it goes on changing.
//!
//! sled's iterators show whatever is there when they come by. So the committer, before it
//! writes to a key that the snapshot has not come to yet, puts aside what was there; and it
//! does the reading itself, a small part at a time between two commits. A commit waits for one
//! such part at the most.

use std::collections::BTreeMap;
use std::ops::Bound;

use waystation_store::StoreError;

use crate::keys::Key;
use crate::view::broken;

/// What a snapshot reads at once, in bytes, about.
const PART_BYTES: usize = 256 * 1024;

/// What may be put aside for a snapshot that is read too slowly, in bytes, about.
const ASIDE_BYTES_MAX: usize = 256 << 20;

/// What an entry takes beside its key and value, in bytes, about.
const ENTRY_BYTES: usize = 100;

/// A key and its value.
pub type StoreEntry = (Vec<u8>, Vec<u8>);

/// The first key that is read; those before it come last. So marks of removals and executions
/// come before all that refers to them.
const FIRST: u8 = b'd';

/// A snapshot that is being read.
pub(crate) struct Snapshot {
    /// Read so far: all up to this key.
    cursor: Bound<Key>,
    /// Has it come to the keys before [`FIRST`]?
    wrapped: bool,
    /// What keys that were not read yet held at the moment of the snapshot.
    aside: BTreeMap<Key, Option<sled::IVec>>,
    aside_bytes: usize,
}

impl Snapshot {
    pub(crate) fn new() -> Snapshot {
        Snapshot {
            cursor: Bound::Included(vec![FIRST]),
            wrapped: false,
            aside: BTreeMap::new(),
            aside_bytes: 0,
        }
    }

    /// Puts aside what `keys` hold, before they change.
    pub(crate) fn before_change<'a>(
        &mut self,
        tree: &sled::Tree,
        keys: impl Iterator<Item = &'a Key>,
    ) -> Result<(), StoreError> {
        for key in keys {
            if self.has_read(key) || self.aside.contains_key(key) {
                continue;
            }
            let value = tree.get(key).map_err(broken)?;
            self.aside_bytes += held(key, value.as_ref());
            self.aside.insert(key.clone(), value);
        }
        Ok(())
    }

    /// Is it read so slowly that it has to be given up?
    pub(crate) fn is_too_slow(&self) -> bool {
        self.aside_bytes > ASIDE_BYTES_MAX
    }

    fn has_read(&self, key: &[u8]) -> bool {
        let behind = match &self.cursor {
            Bound::Included(cursor) => key < cursor.as_slice(),
            Bound::Excluded(cursor) => key <= cursor.as_slice(),
            Bound::Unbounded => true,
        };
        match (self.wrapped, key.first().is_some_and(|tag| *tag >= FIRST)) {
            (false, true) | (true, false) => behind,
            (false, false) => false,
            (true, true) => true,
        }
    }

    /// The next entries, which may be none; `None` at the end.
    pub(crate) fn next(
        &mut self,
        tree: &sled::Tree,
    ) -> Result<Option<Vec<StoreEntry>>, StoreError> {
        if matches!(self.cursor, Bound::Unbounded) {
            if self.wrapped {
                return Ok(None);
            }
            self.wrapped = true;
            self.cursor = Bound::Included(Vec::new());
        }
        self.part(tree).map(Some)
    }

    /// The next part of this side of [`FIRST`]. Leaves the cursor unbounded when that is over.
    fn part(&mut self, tree: &sled::Tree) -> Result<Vec<StoreEntry>, StoreError> {
        let start = std::mem::replace(&mut self.cursor, Bound::Unbounded);
        let end = if self.wrapped { Bound::Excluded(vec![FIRST]) } else { Bound::Unbounded };
        let mut entries = BTreeMap::new();
        let mut bytes = 0;
        let mut upto = end.clone();
        for stored in tree.range((start.clone(), end)) {
            let (key, value) = stored.map_err(broken)?;
            bytes += key.len() + value.len();
            entries.insert(key.to_vec(), value.to_vec());
            if bytes >= PART_BYTES {
                upto = Bound::Included(key.to_vec());
                self.cursor = Bound::Excluded(key.to_vec());
                break;
            }
        }
        let aside: Vec<Key> = self.aside.range((start, upto)).map(|(key, _)| key.clone()).collect();
        for key in aside {
            let value = self.aside.remove(&key).flatten();
            self.aside_bytes = self.aside_bytes.saturating_sub(held(&key, value.as_ref()));
            match value {
                Some(value) => entries.insert(key, value.to_vec()),
                None => entries.remove(&key),
            };
        }
        Ok(entries.into_iter().collect())
    }
}

/// What an entry that is put aside takes, in bytes, about.
fn held(key: &[u8], value: Option<&sled::IVec>) -> usize {
    ENTRY_BYTES + key.len() + value.map_or(0, |value| value.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Random changes between any two parts: what is read is what was there at the beginning.
    fn read_while_it_changes(stored: &[(u8, u8)], changes: &[(u8, u8, bool)]) {
        let db = sled::Config::new().temporary(true).open().unwrap();
        let key = |tag: u8, n: u8| vec![b'a' + tag % 8, n];
        for (tag, n) in stored {
            // Large enough for several parts.
            db.insert(key(*tag, *n), vec![*n; 40_000]).unwrap();
        }
        let expected: BTreeMap<Vec<u8>, Vec<u8>> =
            db.iter().map(|entry| entry.map(|(k, v)| (k.to_vec(), v.to_vec())).unwrap()).collect();
        let mut snapshot = Snapshot::new();
        let mut read = Vec::new();
        let mut changes = changes.iter();
        loop {
            for (tag, n, put) in changes.by_ref().take(3) {
                let key = key(*tag, *n);
                snapshot.before_change(&db, [&key].into_iter()).unwrap();
                match put {
                    true => drop(db.insert(key, b"changed").unwrap()),
                    false => drop(db.remove(key).unwrap()),
                }
            }
            match snapshot.next(&db).unwrap() {
                Some(part) => read.extend(part),
                None => break,
            }
        }
        let tags: Vec<u8> = read.iter().map(|(key, _)| key[0].wrapping_sub(FIRST)).collect();
        assert!(tags.is_sorted(), "from the first tag on, and then those before it");
        assert_eq!(read.len(), expected.len());
        assert_eq!(read.into_iter().collect::<BTreeMap<_, _>>(), expected);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn it_shows_one_moment(
            stored in proptest::collection::vec(any::<(u8, u8)>(), 0..60),
            changes in proptest::collection::vec(any::<(u8, u8, bool)>(), 0..60),
        ) {
            read_while_it_changes(&stored, &changes);
        }
    }
}
