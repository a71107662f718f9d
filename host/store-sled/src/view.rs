//! The tree as it will be: what is stored, and what is staged to be.

use std::collections::{BTreeMap, BTreeSet};

use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use waystation_core::WorkflowName;
use waystation_store::{NoRoom, ReadyCounts, Room, StoreError};

use crate::keys::Key;
use crate::value;

/// Reads values; a [`Stage`] also reads what it is about to write.
pub(crate) trait Read {
    /// The bytes under exactly this key.
    fn raw(&self, key: &[u8]) -> Result<Option<sled::IVec>, StoreError>;

    /// The value under `key`.
    fn bytes(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.raw(&value::part_key(key, 0))? {
            Some(first) => {
                value::decode(&first, |part| self.raw(&value::part_key(key, part))).map(Some)
            }
            None => Ok(None),
        }
    }

    /// The record under `key`.
    fn record<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, StoreError> {
        self.bytes(key)?.map(|bytes| from_json(&bytes)).transpose()
    }
}

pub(crate) fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|error| StoreError::Damaged(error.to_string()))
}

/// A failed read means that the disk or the database is broken.
pub(crate) fn broken(error: sled::Error) -> StoreError {
    StoreError::Damaged(error.to_string())
}

impl Read for sled::Tree {
    fn raw(&self, key: &[u8]) -> Result<Option<sled::IVec>, StoreError> {
        self.get(key).map_err(broken)
    }
}

/// What a group of requests is going to write. Each request stages its changes and then
/// [keeps](Stage::keep) them, or [drops](Stage::discard) them all.
pub(crate) struct Stage<'a> {
    tree: &'a sled::Tree,
    /// The number of the commit that it will be.
    number: u64,
    kept: BTreeMap<Key, Option<Vec<u8>>>,
    current: BTreeMap<Key, Option<Vec<u8>>>,
    bytes: usize,
    /// How many are ready, those included that are kept.
    ready: &'a Mutex<ReadyCounts>,
    /// Executions of these workflows become ready with the current request …
    come: Vec<WorkflowName>,
    /// … and of these are no longer.
    go: Vec<WorkflowName>,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(
        tree: &'a sled::Tree,
        number: u64,
        ready: &'a Mutex<ReadyCounts>,
    ) -> Stage<'a> {
        let (kept, current) = (BTreeMap::new(), BTreeMap::new());
        Stage { tree, number, kept, current, bytes: 0, ready, come: Vec::new(), go: Vec::new() }
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Puts a value, in as many parts as it takes.
    pub(crate) fn put_bytes(&mut self, key: &[u8], bytes: &[u8]) -> Result<(), StoreError> {
        if bytes.len() > value::VALUE_BYTES_MAX {
            return Err(StoreError::Damaged("a value that is too large".into()));
        }
        let before = self.parts_of(key)?;
        let parts = value::encode(bytes);
        for surplus in value::parts(bytes.len())..before {
            self.current.insert(value::part_key(key, surplus), None);
        }
        for (part, bytes) in (0..).zip(parts) {
            self.current.insert(value::part_key(key, part), Some(bytes));
        }
        Ok(())
    }

    pub(crate) fn put<T: Serialize>(&mut self, key: &[u8], record: &T) -> Result<(), StoreError> {
        let json = serde_json::to_vec(record);
        self.put_bytes(key, &json.map_err(|error| StoreError::Damaged(error.to_string()))?)
    }

    /// Takes a value away.
    pub(crate) fn remove(&mut self, key: &[u8]) -> Result<(), StoreError> {
        for part in 0..self.parts_of(key)? {
            self.current.insert(value::part_key(key, part), None);
        }
        Ok(())
    }

    /// Puts an entry of an index: a key without a value.
    pub(crate) fn list(&mut self, key: Key) {
        self.list_with(key, &[]);
    }

    /// The same with a few bytes beside it.
    pub(crate) fn list_with(&mut self, key: Key, bytes: &[u8]) {
        self.current.insert(key, Some(bytes.to_vec()));
    }

    pub(crate) fn unlist(&mut self, key: Key) {
        self.current.insert(key, None);
    }

    /// Is there room for one more of the workflow, beside all that are kept?
    pub(crate) fn check_room(&self, workflow: &WorkflowName, room: &Room) -> Result<(), NoRoom> {
        self.ready.lock().check(workflow, room)
    }

    /// One more of the workflow is ready.
    pub(crate) fn count_ready(&mut self, workflow: &WorkflowName) {
        self.come.push(workflow.clone());
    }

    /// One less is.
    pub(crate) fn discount_ready(&mut self, workflow: &WorkflowName) {
        self.go.push(workflow.clone());
    }

    fn parts_of(&self, key: &[u8]) -> Result<u16, StoreError> {
        match self.raw(&value::part_key(key, 0))? {
            Some(first) => value::length(&first).map(value::parts),
            None => Ok(0),
        }
    }

    /// The first keys with this prefix, at most `limit`, in order.
    pub(crate) fn keys(&self, prefix: &[u8], limit: usize) -> Result<Vec<Key>, StoreError> {
        self.keys_until(prefix, |_| false, limit)
    }

    /// The same up to the first key that is `over`.
    pub(crate) fn keys_until(
        &self,
        prefix: &[u8],
        over: impl Fn(&[u8]) -> bool,
        limit: usize,
    ) -> Result<Vec<Key>, StoreError> {
        let staged = self.kept.keys().chain(self.current.keys());
        let staged = staged.filter(|key| key.starts_with(prefix) && !over(key));
        let mut keys: BTreeSet<Key> = staged.cloned().collect();
        keys.retain(|key| self.staged(key).is_some_and(Option::is_some));
        let mut stored = 0;
        for entry in self.tree.scan_prefix(prefix) {
            let (key, _) = entry.map_err(broken)?;
            if over(&key) {
                break;
            }
            if self.staged(&key).is_none() {
                keys.insert(key.to_vec());
                stored += 1;
            }
            if stored >= limit {
                break;
            }
        }
        Ok(keys.into_iter().take(limit).collect())
    }

    /// Is there a key with this prefix?
    pub(crate) fn any_with_prefix(&self, prefix: &[u8]) -> Result<bool, StoreError> {
        Ok(!self.keys(prefix, 1)?.is_empty())
    }

    fn staged(&self, key: &[u8]) -> Option<&Option<Vec<u8>>> {
        self.current.get(key).or_else(|| self.kept.get(key))
    }

    pub(crate) fn keep(&mut self) {
        for (key, value) in std::mem::take(&mut self.current) {
            self.bytes += key.len() + value.as_ref().map_or(0, Vec::len);
            self.kept.insert(key, value);
        }
        let mut ready = self.ready.lock();
        self.come.drain(..).for_each(|workflow| ready.add(&workflow));
        self.go.drain(..).for_each(|workflow| ready.remove(&workflow));
    }

    pub(crate) fn discard(&mut self) {
        self.current.clear();
        self.come.clear();
        self.go.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Bytes kept so far.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The keys that are going to change.
    pub(crate) fn changes(&self) -> impl Iterator<Item = &Key> {
        self.kept.keys()
    }

    pub(crate) fn into_batch(self) -> sled::Batch {
        let mut batch = sled::Batch::default();
        for (key, value) in self.kept {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        batch
    }
}

impl Read for Stage<'_> {
    fn raw(&self, key: &[u8]) -> Result<Option<sled::IVec>, StoreError> {
        match self.staged(key) {
            Some(staged) => Ok(staged.as_deref().map(Into::into)),
            None => self.tree.raw(key),
        }
    }
}
