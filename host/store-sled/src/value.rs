//! Values, cut into parts that sled never moves out of its one synced file.
//!
//! sled writes a tree node that has grown past a quarter of a segment into a file of its own,
//! which it never syncs. A node holds up to 17 entries; with parts of at most 4 KiB it stays
//! far below that.
//!
//! A value under the key `k` is stored as `k 0`, `k 1`, …, the number in two bytes. The first
//! part begins with a head: format (1 byte), length of the whole value (4), its CRC-32 (4).

use waystation_store::StoreError;

use crate::keys::Key;

/// The record format that this version writes, and the only one that it reads.
pub(crate) const FORMAT: u8 = 1;

pub(crate) const PART_BYTES_MAX: usize = 4096;

pub(crate) const HEAD_BYTES: usize = 1 + 4 + 4;

/// The largest value: more parts than this can't be numbered.
pub(crate) const VALUE_BYTES_MAX: usize = (u16::MAX as usize) * PART_BYTES_MAX;

/// The key of a value's part.
pub(crate) fn part_key(key: &[u8], part: u16) -> Key {
    let mut part_key = Vec::with_capacity(key.len() + 2);
    part_key.extend_from_slice(key);
    part_key.extend_from_slice(&part.to_be_bytes());
    part_key
}

/// How many parts a value of this length has.
pub(crate) fn parts(length: usize) -> u16 {
    let parts = (HEAD_BYTES + length).div_ceil(PART_BYTES_MAX);
    u16::try_from(parts).unwrap_or(u16::MAX)
}

/// The parts of `value`, in order.
pub(crate) fn encode(value: &[u8]) -> Vec<Vec<u8>> {
    let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
    let mut whole = Vec::with_capacity(HEAD_BYTES + value.len());
    whole.push(FORMAT);
    whole.extend_from_slice(&length.to_be_bytes());
    whole.extend_from_slice(&crc32fast::hash(value).to_be_bytes());
    whole.extend_from_slice(value);
    whole.chunks(PART_BYTES_MAX).map(<[u8]>::to_vec).collect()
}

/// The length of the value whose first part this is.
pub(crate) fn length(first: &[u8]) -> Result<usize, StoreError> {
    Ok(head(first)?.0)
}

fn head(first: &[u8]) -> Result<(usize, u32), StoreError> {
    let damaged = |what: &str| StoreError::Damaged(what.to_owned());
    let (head, _) = first.split_first_chunk::<HEAD_BYTES>().ok_or_else(|| damaged("short head"))?;
    let [format, l0, l1, l2, l3, c0, c1, c2, c3] = *head;
    if format != FORMAT {
        return Err(damaged("a record of an unknown format"));
    }
    let length = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
    Ok((length, u32::from_be_bytes([c0, c1, c2, c3])))
}

/// The value, given its first part and a way to the others.
pub(crate) fn decode(
    first: &[u8],
    mut rest: impl FnMut(u16) -> Result<Option<sled::IVec>, StoreError>,
) -> Result<Vec<u8>, StoreError> {
    let (length, crc) = head(first)?;
    // It grows with the parts that are there: what its head says of its length may be anything.
    let mut value = first.get(HEAD_BYTES..).unwrap_or_default().to_vec();
    for part in 1..parts(length) {
        let bytes = rest(part)?.ok_or_else(|| StoreError::Damaged("a part is missing".into()))?;
        value.extend_from_slice(&bytes);
    }
    if value.len() != length || crc32fast::hash(&value) != crc {
        return Err(StoreError::Damaged("a checksum does not match".into()));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(parts: &[Vec<u8>]) -> Result<Vec<u8>, StoreError> {
        decode(&parts[0], |n| Ok(parts.get(usize::from(n)).map(|part| part.as_slice().into())))
    }

    #[test]
    fn no_part_is_larger_than_the_limit() {
        for length in [0, 1, 4086, 4087, 4088, 4096, 524_288] {
            let encoded = encode(&vec![7; length]);
            assert_eq!(encoded.len(), usize::from(parts(length)), "{length}");
            assert!(encoded.iter().all(|part| part.len() <= PART_BYTES_MAX));
        }
    }

    #[test]
    fn damage_is_noticed() {
        let mut encoded = encode(&[7; 5000]);
        encoded[1][0] ^= 1;
        assert!(matches!(read(&encoded), Err(StoreError::Damaged(_))));
        encoded.pop();
        assert!(matches!(read(&encoded), Err(StoreError::Damaged(_))));
        assert!(matches!(read(&[vec![9; 20]]), Err(StoreError::Damaged(_))));
    }

    proptest! {
        #[test]
        fn a_value_reads_back(value in proptest::collection::vec(any::<u8>(), 0..20_000)) {
            prop_assert_eq!(read(&encode(&value)).unwrap(), value);
        }
    }
}
