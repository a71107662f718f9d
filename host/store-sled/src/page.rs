//! Records that are read a page at a time.

use serde::de::DeserializeOwned;
use waystation_store::{Page, Part, StoreError};

use crate::keys::Key;
use crate::value;
use crate::view::{Read as _, broken, from_json};

/// The records whose keys start with `prefix` and come after `after`, each with its key, in
/// order.
pub(crate) fn read<T: DeserializeOwned>(
    tree: &sled::Tree,
    prefix: &[u8],
    after: &[u8],
    page: Page,
) -> Result<Part<(Key, T)>, StoreError> {
    let mut part = Part { items: Vec::new(), more: false };
    let mut bytes_read = 0;
    // Past all parts of the value that `after` names.
    let start = [after, &[0xff; 2]].concat();
    for stored in tree.range(start..) {
        let (key, first) = stored.map_err(broken)?;
        if !key.starts_with(prefix) {
            break;
        }
        // The first part of a value stands for all of it.
        let Some(base) = key.strip_suffix(&[0, 0]) else { continue };
        if page.is_full(part.items.len(), bytes_read) {
            part.more = true;
            break;
        }
        let bytes = value::decode(&first, |number| tree.raw(&value::part_key(base, number)))?;
        bytes_read += bytes.len();
        part.items.push((base.to_vec(), from_json(&bytes)?));
    }
    Ok(part)
}
