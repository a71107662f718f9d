//! Reading a backup, which may be anything.

use std::io::{self, Read};

use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use waystation_core::Digest;
use waystation_store_sled::STORE_FORMATS_READ;

use super::{END, End, FORMAT, KEYS, MANIFEST, MEMBER_BYTES_MAX, Manifest};
use crate::failure::{Done, Failure};

/// The largest component that is read, in bytes: the most that the limit for uploads can be.
const COMPONENT_BYTES_MAX: u64 = u32::MAX as u64;

/// What comes out of a backup, piece by piece.
#[derive(Debug)]
pub(crate) enum Item<'a> {
    Entry(&'a [u8], &'a [u8]),
    Component(Digest, Vec<u8>),
    /// The name and the text of a file of keys.
    Key(&'static str, String),
}

/// Reads a backup to its end, and gives each piece to `on`.
///
/// # Errors
///
/// It is no backup, it is damaged or cut off, or `on` failed.
pub(crate) fn read(from: impl Read, mut on: impl FnMut(Item<'_>) -> Done) -> Done<(Manifest, End)> {
    let mut archive = tar::Archive::new(from);
    let mut manifest = None;
    let mut end = End::default();
    let mut hash = Sha256::new();
    for member in archive.entries().map_err(|error| unreadable(&error))? {
        let mut member = member.map_err(|error| unreadable(&error))?;
        let name = String::from_utf8_lossy(&member.path_bytes()).into_owned();
        match (name.as_str(), &manifest) {
            (MANIFEST, None) => {
                manifest = Some(read_manifest(&mut member)?);
            }
            (END, Some(manifest)) => {
                let told: End = json(&mut member)?;
                end.sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
                if told != end {
                    return Err(damaged("its end tells of other content"));
                }
                return Ok((manifest.clone(), end));
            }
            (name, Some(_)) => {
                if let Some(part) = name.strip_prefix("store/") {
                    end.parts += 1;
                    if part != format!("{:08}", end.parts) {
                        return Err(damaged("a part of the store is missing"));
                    }
                    let part = bytes(&mut member, MEMBER_BYTES_MAX)?;
                    hash.update(&part);
                    end.entries += entries(&part, &mut on)?;
                } else if let Some(file) = name.strip_prefix("components/") {
                    let digest = digest(file)?;
                    let bytes = bytes(&mut member, COMPONENT_BYTES_MAX)?;
                    if Digest::of(&bytes) != digest {
                        return Err(damaged("a component's digest is another"));
                    }
                    end.components += 1;
                    on(Item::Component(digest, bytes))?;
                } else if let Some(key) = name.strip_prefix("keys/") {
                    let name = KEYS.into_iter().find(|name| *name == key);
                    let name = name.ok_or_else(|| damaged("it holds an unknown key"))?;
                    let text = String::from_utf8(bytes(&mut member, MEMBER_BYTES_MAX)?);
                    let text = text.map_err(|_| damaged("a key is no text"))?;
                    hash.update(&text);
                    on(Item::Key(name, text))?;
                } else {
                    return Err(damaged("it holds something else"));
                }
            }
            (_, None) => return Err(damaged("it does not begin like one")),
        }
    }
    Err(damaged("it is cut off"))
}

fn read_manifest(member: &mut impl Read) -> Done<Manifest> {
    let manifest: Manifest = json(member)?;
    if manifest.format != FORMAT {
        let found = crate::output::printable(&manifest.format);
        return Err(Failure::new(format!(
            "the backup has the format {found:?}; this version reads {FORMAT:?}"
        )));
    }
    if !STORE_FORMATS_READ.contains(&manifest.store_format.as_str()) {
        let found = crate::output::printable(&manifest.store_format);
        let reads = STORE_FORMATS_READ.map(|format| format!("{format:?}")).join(" and ");
        return Err(Failure::new(format!(
            "the backup is of a store of the format {found:?}; this version reads {reads}"
        ))
        .hint("restore it with the version that made it"));
    }
    Ok(manifest)
}

/// Gives each entry of a part to `on`; how many there were.
fn entries(mut part: &[u8], on: &mut impl FnMut(Item<'_>) -> Done) -> Done<u64> {
    let cut = || damaged("an entry of the store is cut off");
    let mut count = 0;
    while !part.is_empty() {
        let (lengths, rest) = part.split_first_chunk::<8>().ok_or_else(cut)?;
        let [k0, k1, k2, k3, v0, v1, v2, v3] = *lengths;
        let key_length = u32::from_be_bytes([k0, k1, k2, k3]) as usize;
        let value_length = u32::from_be_bytes([v0, v1, v2, v3]) as usize;
        let (key, rest) = rest.split_at_checked(key_length).ok_or_else(cut)?;
        let (value, rest) = rest.split_at_checked(value_length).ok_or_else(cut)?;
        on(Item::Entry(key, value))?;
        part = rest;
        count += 1;
    }
    Ok(count)
}

fn digest(file: &str) -> Done<Digest> {
    let digest = file.strip_suffix(".wasm").and_then(|hex| format!("sha256:{hex}").parse().ok());
    digest.ok_or_else(|| damaged("a component without a digest"))
}

fn json<T: DeserializeOwned>(member: &mut impl Read) -> Done<T> {
    let bytes = bytes(member, MEMBER_BYTES_MAX)?;
    serde_json::from_slice(&bytes).map_err(|_| damaged("its description can't be read"))
}

fn bytes(member: &mut impl Read, most: u64) -> Done<Vec<u8>> {
    let mut bytes = Vec::new();
    member.take(most + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > most { Err(damaged("a part of it is too large")) } else { Ok(bytes) }
}

/// What the disk says is told. What the archive's reader says quotes the file, which may be
/// anything, and is not.
fn unreadable(error: &io::Error) -> Failure {
    match error.raw_os_error() {
        Some(_) => Failure::new(format!("the backup can't be read: {error}")),
        None if error.kind() == io::ErrorKind::UnexpectedEof => damaged("it is cut off"),
        None => damaged("it is not a whole tar archive"),
    }
}

fn damaged(why: &str) -> Failure {
    Failure::new(format!("this is no backup, or a damaged one: {why}"))
}
