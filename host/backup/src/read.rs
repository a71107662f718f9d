//! Reading a backup, which may be anything.

use std::fmt;
use std::io::{self, Read};

use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use waystation_core::Digest;
use waystation_store_sled::STORE_FORMATS_READ;

use crate::error::word;
use crate::{BackupError, END, End, FORMAT, KEYS, MANIFEST, MEMBER_BYTES_MAX, Manifest};

/// The largest component that is read, in bytes: the most that the limit for uploads can be.
const COMPONENT_BYTES_MAX: u64 = u32::MAX as u64;

/// What comes out of a backup, piece by piece.
pub enum Item<'a> {
    /// An entry of the database: its key and its value.
    Entry(&'a [u8], &'a [u8]),
    /// A component. Whether the bytes are those of the digest shows when all of them were read.
    Component(Digest, &'a mut dyn Read),
    /// The name and the text of a file of keys.
    Key(&'static str, String),
}

impl fmt::Debug for Item<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Item::Entry(key, value) => f.debug_tuple("Entry").field(key).field(value).finish(),
            Item::Component(digest, _) => f.debug_tuple("Component").field(digest).finish(),
            Item::Key(name, _) => f.debug_tuple("Key").field(name).finish(),
        }
    }
}

/// Reads a backup to its end, and gives each piece to `on`. Holds one member of it at a time, and
/// of a component nothing. An error makes all that `on` was given worth nothing.
///
/// # Errors
///
/// It is no backup, it is damaged or cut off, or `on` failed.
pub fn read(
    from: impl Read,
    on: impl FnMut(Item<'_>) -> Result<(), BackupError>,
) -> Result<(Manifest, End), BackupError> {
    let mut archive = tar::Archive::new(from);
    // Members as they stand: what else a tar archive can say (a name of gigabytes, holes that
    // become gigabytes of zeros) no backup does.
    let members = archive.entries().map_err(unreadable)?.raw(true);
    let (mut manifest, mut content) = (None, Content::new(on));
    for member in members {
        let mut member = member.map_err(unreadable)?;
        if !member.header().entry_type().is_file() {
            return Err(BackupError::Damaged("it holds something else than files"));
        }
        let name = String::from_utf8_lossy(&member.path_bytes()).into_owned();
        match (name.as_str(), &manifest) {
            (MANIFEST, None) => manifest = Some(read_manifest(&mut member)?),
            (_, None) => return Err(BackupError::Damaged("it does not begin like one")),
            (END, Some(manifest)) => {
                let end = content.end();
                return match json::<End>(&mut member)? == end {
                    true => Ok((manifest.clone(), end)),
                    false => Err(BackupError::Damaged("its end tells of other content")),
                };
            }
            (name, Some(_)) => content.member(name, &mut member)?,
        }
    }
    Err(BackupError::Damaged("it is cut off"))
}

/// What was read between the manifest and the end.
struct Content<F> {
    on: F,
    count: End,
    hash: Sha256,
}

impl<F: FnMut(Item<'_>) -> Result<(), BackupError>> Content<F> {
    fn new(on: F) -> Self {
        Content { on, count: End::default(), hash: Sha256::new() }
    }

    fn end(&mut self) -> End {
        let sha256 = self.hash.finalize_reset().iter().map(|byte| format!("{byte:02x}")).collect();
        End { sha256, ..self.count.clone() }
    }

    fn member(&mut self, name: &str, member: &mut impl Read) -> Result<(), BackupError> {
        match name.split_once('/') {
            Some(("store", number)) => self.part(number, member),
            Some(("components", file)) => self.component(file, member),
            Some(("keys", name)) => self.key(name, member),
            _ => Err(BackupError::Damaged("it holds something else")),
        }
    }

    fn part(&mut self, number: &str, member: &mut impl Read) -> Result<(), BackupError> {
        self.count.parts += 1;
        if number != format!("{:08}", self.count.parts) {
            return Err(BackupError::Damaged("a part of the store is missing"));
        }
        let part = bytes(member)?;
        self.hash.update(&part);
        self.count.entries += entries(&part, &mut self.on)?;
        Ok(())
    }

    fn component(&mut self, file: &str, member: &mut impl Read) -> Result<(), BackupError> {
        let digest = file.strip_suffix(".wasm");
        let digest = digest.and_then(|hex| format!("sha256:{hex}").parse::<Digest>().ok());
        let digest = digest.ok_or(BackupError::Damaged("a component without a digest"))?;
        let mut hashed = Hashed { from: member.take(COMPONENT_BYTES_MAX + 1), hash: Sha256::new() };
        (self.on)(Item::Component(digest, &mut hashed))?;
        io::copy(&mut hashed, &mut io::sink()).map_err(unreadable)?;
        if hashed.from.limit() == 0 {
            return Err(TOO_LARGE);
        }
        if hashed.hash.finalize().as_slice() != digest.as_bytes() {
            return Err(BackupError::Damaged("a component's digest is another"));
        }
        self.count.components += 1;
        Ok(())
    }

    fn key(&mut self, name: &str, member: &mut impl Read) -> Result<(), BackupError> {
        let name = KEYS.into_iter().find(|known| *known == name);
        let name = name.ok_or(BackupError::Damaged("it holds an unknown key"))?;
        let text = String::from_utf8(bytes(member)?);
        let text = text.map_err(|_| BackupError::Damaged("a key is no text"))?;
        self.hash.update(&text);
        (self.on)(Item::Key(name, text))
    }
}

/// Hashes what is read.
struct Hashed<R> {
    from: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.from.read(buffer)?;
        self.hash.update(buffer.get(..length).unwrap_or_default());
        Ok(length)
    }
}

fn read_manifest(member: &mut impl Read) -> Result<Manifest, BackupError> {
    let manifest: Manifest = json(member)?;
    if manifest.format != FORMAT {
        return Err(BackupError::Format { found: word(&manifest.format) });
    }
    if !STORE_FORMATS_READ.contains(&manifest.store_format.as_str()) {
        return Err(BackupError::StoreFormat { found: word(&manifest.store_format) });
    }
    Ok(manifest)
}

/// Gives each entry of a part to `on`; how many there were.
fn entries(
    mut part: &[u8],
    on: &mut impl FnMut(Item<'_>) -> Result<(), BackupError>,
) -> Result<u64, BackupError> {
    let cut = || BackupError::Damaged("an entry of the store is cut off");
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

fn json<T: DeserializeOwned>(member: &mut impl Read) -> Result<T, BackupError> {
    let bytes = bytes(member)?;
    let read = serde_json::from_slice(&bytes);
    read.map_err(|_| BackupError::Damaged("its description can't be read"))
}

const TOO_LARGE: BackupError = BackupError::Damaged("a part of it is too large");

fn bytes(member: &mut impl Read) -> Result<Vec<u8>, BackupError> {
    let mut bytes = Vec::new();
    member.take(MEMBER_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MEMBER_BYTES_MAX { Err(TOO_LARGE) } else { Ok(bytes) }
}

/// What the disk says is told. What the archive's reader says quotes the file, which may be
/// anything, and is not.
fn unreadable(error: io::Error) -> BackupError {
    match error.raw_os_error() {
        Some(_) => BackupError::Unreadable(error),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            BackupError::Damaged("it is cut off")
        }
        None => BackupError::Damaged("it is not a whole tar archive"),
    }
}
