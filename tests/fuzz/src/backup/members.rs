//! Archives of any members, whose end is right about them.

use arbitrary::{Result, Unstructured};
use sha2::{Digest as _, Sha256};
use waystation_core::Digest;

/// Members of an archive.
const MEMBERS_MAX: usize = 8;

const MANIFEST: &str = "{\"format\":\"waystation-backup-1\",\"store_format\":\"waystation-3\",\
     \"created_at\":\"2026-01-01T00:00:00Z\",\"version\":\"0.1.0\",\"keys\":true}";

/// Where no member may lead.
const NAMES: [&str; 10] = [
    "../evil",
    "/etc/passwd",
    "store/../../evil",
    "keys/../../evil",
    "components/../evil.wasm",
    "keys/",
    "store/db",
    "./keys/token",
    "keys//token",
    "././@LongLink",
];

#[derive(Default)]
struct Archive {
    bytes: Vec<u8>,
    hash: Sha256,
    parts: usize,
    entries: usize,
    components: usize,
}

/// An archive as `bytes` say.
pub(super) fn archive(bytes: &mut Unstructured<'_>) -> Vec<u8> {
    let mut archive = Archive::default();
    // Too few bytes say no more members.
    let _ = archive.fill(bytes);
    archive.end();
    archive.bytes
}

/// The archive of an empty store.
pub(super) fn smallest() -> Vec<u8> {
    let mut archive = Archive::default();
    archive.add("waystation-backup.json", MANIFEST.as_bytes(), b'0', None);
    let mut part = Vec::new();
    push(&mut part, b"mformat", b"waystation-3");
    archive.part(&(1, part), b'0', None);
    archive.end();
    archive.bytes
}

impl Archive {
    fn fill(&mut self, bytes: &mut Unstructured<'_>) -> Result<()> {
        match bytes.ratio(1, 16)? {
            true => self.add("waystation-backup.json", text(bytes)?.as_bytes(), b'0', None),
            false => self.add("waystation-backup.json", MANIFEST.as_bytes(), b'0', None),
        }
        for _ in 0..MEMBERS_MAX {
            if bytes.is_empty() {
                break;
            }
            self.member(bytes)?;
        }
        Ok(())
    }

    fn member(&mut self, bytes: &mut Unstructured<'_>) -> Result<()> {
        let kind = match bytes.ratio(1, 8)? {
            true => *bytes.choose(b"\0\x31\x32\x33\x35\x37gxKLSV")?,
            false => b'0',
        };
        let told = if bytes.ratio(1, 16)? { Some(bytes.arbitrary()?) } else { None };
        match bytes.int_in_range(0..=5)? {
            0 | 1 => self.part(&part(bytes)?, kind, told),
            2 => {
                let content = content(bytes)?;
                let name = format!("components/{}.wasm", Digest::of(content).hex());
                self.components += 1;
                self.add(&name, content, kind, told);
            }
            3 => {
                let name = *bytes.choose(&["keys/link-keys", "keys/secret-key", "keys/token"])?;
                let content = content(bytes)?;
                self.hash.update(content);
                self.add(name, content, kind, told);
            }
            4 => {
                let name = *bytes.choose(&NAMES)?;
                self.add(name, content(bytes)?, kind, told);
            }
            _ => {
                let name = text(bytes)?;
                self.add(name, content(bytes)?, kind, told);
            }
        }
        Ok(())
    }

    fn part(&mut self, (entries, part): &(usize, Vec<u8>), kind: u8, told: Option<u64>) {
        self.parts += 1;
        self.entries += entries;
        self.hash.update(part);
        self.add(&format!("store/{:08}", self.parts), part, kind, told);
    }

    /// `told`: what it says of its length, if not the truth.
    fn add(&mut self, name: &str, content: &[u8], kind: u8, told: Option<u64>) {
        let mut header = tar::Header::new_gnu();
        header.set_size(told.unwrap_or(content.len() as u64));
        header.set_mode(0o644);
        let old = header.as_old_mut();
        let length = name.len().min(old.name.len());
        old.name[..length].copy_from_slice(&name.as_bytes()[..length]);
        old.linkflag = [kind];
        header.set_cksum();
        self.bytes.extend_from_slice(header.as_bytes());
        self.bytes.extend_from_slice(content);
        self.bytes.resize(self.bytes.len().next_multiple_of(512), 0);
    }

    fn end(&mut self) {
        let sha256: String =
            self.hash.finalize_reset().iter().map(|byte| format!("{byte:02x}")).collect();
        let end = serde_json::json!({
            "parts": self.parts, "entries": self.entries, "components": self.components,
            "sha256": sha256,
        });
        self.add("end.json", end.to_string().as_bytes(), b'0', None);
    }
}

/// A part of a store: its entries, and how many.
fn part(bytes: &mut Unstructured<'_>) -> Result<(usize, Vec<u8>)> {
    let mut part = Vec::new();
    if bytes.arbitrary()? {
        push(&mut part, b"mformat", b"waystation-3");
    }
    let entries = bytes.int_in_range(0..=4)?;
    for _ in 0..entries {
        let key = content(bytes)?;
        push(&mut part, key, content(bytes)?);
    }
    if bytes.ratio(1, 16)? {
        part.extend_from_slice(content(bytes)?);
    }
    Ok((entries + usize::from(part.starts_with(b"\0\0\0\x07\0\0\0\x0cmformat")), part))
}

fn push(part: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    for length in [key.len(), value.len()] {
        part.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    }
    part.extend_from_slice(key);
    part.extend_from_slice(value);
}

fn content<'a>(bytes: &mut Unstructured<'a>) -> Result<&'a [u8]> {
    let length = bytes.int_in_range(0..=64)?;
    bytes.bytes(length)
}

fn text<'a>(bytes: &mut Unstructured<'a>) -> Result<&'a str> {
    Ok(std::str::from_utf8(content(bytes)?).unwrap_or("?"))
}
