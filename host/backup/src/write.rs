//! Writing a backup.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use waystation_core::{Digest, Timestamp};
use waystation_store_sled::StoreEntry;

use crate::{END, End, MANIFEST, Manifest};

/// Beside the entries of the store: what goes into a backup.
pub struct Source {
    /// The moment that it shows.
    pub created_at: Timestamp,
    /// The files of keys by name, if they are to be in it.
    pub keys: Option<BTreeMap<&'static str, String>>,
    /// The folder of the components' files.
    pub components: PathBuf,
}

/// Writes a backup. `next` gives the entries of the store, part by part; `None` at the end. A
/// component whose file is damaged is left out: a check of what is restored names it.
///
/// # Errors
///
/// What was written so far is no backup.
pub fn write(
    to: impl Write,
    source: &Source,
    mut next: impl FnMut() -> io::Result<Option<Vec<StoreEntry>>>,
) -> io::Result<()> {
    let mut archive = Archive(tar::Builder::new(to));
    archive.json(MANIFEST, &Manifest::new(source.created_at, source.keys.is_some()))?;
    let mut end = End::default();
    let mut hash = Sha256::new();
    for (name, text) in source.keys.iter().flatten() {
        hash.update(text);
        archive.bytes(&format!("keys/{name}"), text.as_bytes())?;
    }
    while let Some(entries) = next()? {
        if entries.is_empty() {
            continue;
        }
        let part = encode(&entries)?;
        hash.update(&part);
        end.parts += 1;
        end.entries += entries.len() as u64;
        archive.bytes(&format!("store/{:08}", end.parts), &part)?;
    }
    // The store names only components whose bytes were there before.
    for digest in components(source)? {
        let name = format!("{}.wasm", digest.hex());
        let bytes = std::fs::read(source.components.join(&name))?;
        if Digest::of(&bytes) != digest {
            tracing::error!(%digest, "a component is damaged, and left out of the backup");
            continue;
        }
        archive.bytes(&format!("components/{name}"), &bytes)?;
        end.components += 1;
    }
    end.sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    archive.json(END, &end)?;
    archive.0.into_inner()?.flush()
}

fn encode(entries: &[StoreEntry]) -> io::Result<Vec<u8>> {
    let mut part = Vec::new();
    for (key, value) in entries {
        for length in [key.len(), value.len()] {
            let length = u32::try_from(length).map_err(io::Error::other)?;
            part.extend_from_slice(&length.to_be_bytes());
        }
        part.extend_from_slice(key);
        part.extend_from_slice(value);
    }
    Ok(part)
}

/// The components that are there; what is not whole yet has another name.
fn components(source: &Source) -> io::Result<Vec<Digest>> {
    let mut digests = Vec::new();
    for entry in std::fs::read_dir(&source.components)? {
        let name = entry?.file_name();
        let name = name.to_str().and_then(|name| name.strip_suffix(".wasm"));
        digests.extend(name.and_then(|hex| format!("sha256:{hex}").parse::<Digest>().ok()));
    }
    digests.sort_unstable();
    Ok(digests)
}

struct Archive<W: Write>(tar::Builder<W>);

impl<W: Write> Archive<W> {
    fn json(&mut self, name: &str, record: &impl Serialize) -> io::Result<()> {
        let mut json = serde_json::to_vec_pretty(record)?;
        json.push(b'\n');
        self.bytes(name, &json)
    }

    fn bytes(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        self.0.append_data(&mut header, name, bytes)
    }
}
