//! What the fuzz targets call: values as they lie in a database. No part of the crate's interface.

use crate::{StoreEntry, keys, value};

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Where it lies. Of a value that is cut, without the number of the part.
    pub key: Vec<u8>,
    /// All of it, without heads.
    pub value: Vec<u8>,
    /// Is it stored in parts, with a head?
    pub cut: bool,
}

impl Stored {
    /// The entries that hold it.
    pub fn entries(&self) -> Vec<StoreEntry> {
        if !self.cut {
            return vec![(self.key.clone(), self.value.clone())];
        }
        let parts = (0..).zip(value::encode(&self.value));
        parts.map(|(number, part)| (value::part_key(&self.key, number), part)).collect()
    }
}

/// What the entries of a sound snapshot hold, in its order.
pub fn stored(entries: &[StoreEntry]) -> Vec<Stored> {
    let mut all: Vec<Stored> = Vec::new();
    for (key, part) in entries {
        let cut = key.first().is_some_and(|tag| keys::CUT.contains(tag));
        match key.split_last_chunk::<2>().filter(|_| cut) {
            Some((key, [0, 0])) => {
                let value = part.get(value::HEAD_BYTES..).unwrap_or_default().to_vec();
                all.push(Stored { key: key.to_vec(), value, cut });
            }
            Some(_) => {
                if let Some(last) = all.last_mut() {
                    last.value.extend_from_slice(part);
                }
            }
            None => all.push(Stored { key: key.clone(), value: part.clone(), cut }),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_apart_and_together() {
        let whole = vec![
            Stored { key: b"eid".to_vec(), value: vec![7; 10_000], cut: true },
            Stored { key: b"wname".to_vec(), value: vec![], cut: false },
            Stored { key: b"mformat".to_vec(), value: b"f".to_vec(), cut: false },
        ];
        let entries: Vec<StoreEntry> = whole.iter().flat_map(Stored::entries).collect();
        assert_eq!(entries.len(), 3 + 1 + 1);
        assert_eq!(stored(&entries), whole);
    }
}
