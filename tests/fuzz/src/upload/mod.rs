//! Uploaded components.

use std::sync::{LazyLock, Mutex, PoisonError};

use fastrand::Rng;
use waystation_core::{Allow, Digest};
use waystation_sandbox::inspect;

use crate::bounds::Bounds;
use crate::mutate;

/// Longest message that says why a component is refused, in bytes.
const MESSAGE_BYTES_MAX: usize = 8 * 1024;

/// Components that one sandbox takes: what it has compiled stays on the disk.
const ADMITTED_MAX: usize = 500;

static BOUNDS: LazyLock<Mutex<(Bounds, usize)>> =
    LazyLock::new(|| Mutex::new((Bounds::new(Allow::default()), 0)));

/// The input is an upload: it is refused in a few words, or it has a `handler`, can be compiled
/// and runs within its limits.
pub fn upload(data: &[u8]) {
    let manifest = match inspect(data) {
        Ok(manifest) => manifest,
        Err(refused) => {
            let message = refused.to_string();
            assert!(!refused.code().is_empty() && !message.is_empty(), "{refused:?}");
            assert!(message.len() <= MESSAGE_BYTES_MAX, "{} bytes: {message}", message.len());
            return;
        }
    };
    assert!(manifest.exports.iter().any(|name| name == "handler"), "{manifest:?}");
    assert_eq!((manifest.digest, manifest.size), (Digest::of(data), data.len() as u64));
    let is_ours = |name: &String| name.starts_with("waystation:step/") || name.starts_with("wasi:");
    assert!(manifest.imports.iter().all(is_ours), "{manifest:?}");
    let features = wasmparser::WasmFeatures::all();
    let valid = wasmparser::Validator::new_with_features(features).validate_all(data).map(drop);
    assert!(valid.is_ok(), "{valid:?}");
    runs(data, manifest.digest);
}

fn runs(data: &[u8], digest: Digest) {
    let mut bounds = BOUNDS.lock().unwrap_or_else(PoisonError::into_inner);
    bounds.1 += 1;
    if bounds.1 > ADMITTED_MAX {
        *bounds = (Bounds::new(Allow::default()), 0);
    }
    // What only the compiler and the linker find may still be wrong.
    if bounds.0.admit(data.to_vec()).is_ok() {
        bounds.0.run(digest, "{}".into());
    }
}

/// Names of components and the components, for a fuzzer to begin with.
pub fn components() -> Vec<(&'static str, Vec<u8>)> {
    [
        ("plain", include_str!("components/plain.wat")),
        ("calls", include_str!("components/calls.wat")),
        ("demanding", include_str!("components/demanding.wat")),
        ("other-handler", include_str!("components/other-handler.wat")),
        ("stranger", include_str!("components/stranger.wat")),
        ("module", include_str!("components/module.wat")),
    ]
    .into_iter()
    .map(|(name, text)| (name, wat::parse_str(text).expect("WAT")))
    .collect()
}

/// A component with changes that leave its frame whole, or any.
pub fn mutate(rng: &mut Rng, input: &[u8]) -> Vec<u8> {
    match Sections::of(input) {
        Some(sections) if rng.u8(..4) > 0 => sections.changed(rng),
        _ => mutate::bytes(rng, input, &[b"\0asm\x0d\0\x01\0", b"\0asm\x01\0\0\0", b"\x07handler"]),
    }
}

/// The sections of a component or of a module, each with its id.
struct Sections {
    header: [u8; 8],
    sections: Vec<(u8, Vec<u8>)>,
}

impl Sections {
    fn of(bytes: &[u8]) -> Option<Sections> {
        let (header, mut rest) = bytes.split_first_chunk::<8>()?;
        let mut sections = Vec::new();
        while let Some((id, after)) = rest.split_first() {
            let (length, after) = leb(after)?;
            let (content, after) = after.split_at_checked(length)?;
            sections.push((*id, content.to_vec()));
            rest = after;
        }
        (header.starts_with(b"\0asm") && !sections.is_empty())
            .then_some(Sections { header: *header, sections })
    }

    /// Changed in one to three places, with lengths that are right again.
    fn changed(mut self, rng: &mut Rng) -> Vec<u8> {
        for _ in 0..rng.usize(1..=3) {
            if self.sections.is_empty() {
                break;
            }
            let at = rng.usize(..self.sections.len());
            let other = rng.usize(..self.sections.len());
            match rng.u8(..8) {
                0 => drop(self.sections.remove(at)),
                1 => self.sections.swap(at, other),
                2 => self.sections.insert(other, self.sections[at].clone()),
                // Modules and components within.
                3 | 4 => self.change_inside(rng),
                _ => {
                    let content = &mut self.sections[at].1;
                    *content = mutate::bytes(rng, content, &[]);
                }
            }
        }
        self.bytes()
    }

    fn change_inside(&mut self, rng: &mut Rng) {
        let (rng, sections) = (rng, &mut self.sections);
        let mut nested: Vec<&mut Vec<u8>> = sections
            .iter_mut()
            .filter(|(_, content)| content.starts_with(b"\0asm"))
            .map(|(_, content)| content)
            .collect();
        if nested.is_empty() {
            return;
        }
        let at = rng.usize(..nested.len());
        if let Some(inner) = Sections::of(nested[at]) {
            *nested[at] = inner.changed(rng);
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.header.to_vec();
        for (id, content) in &self.sections {
            bytes.push(*id);
            push_leb(&mut bytes, content.len());
            bytes.extend(content);
        }
        bytes.truncate(4 * mutate::INPUT_BYTES_MAX);
        bytes
    }
}

/// An unsigned LEB128 number of at most 32 bits, and what follows.
fn leb(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut number = 0;
    for (at, byte) in bytes.iter().take(5).enumerate() {
        number |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((number, &bytes[at + 1..]));
        }
    }
    None
}

fn push_leb(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(u8::try_from(number & 0x7f).unwrap_or_default() | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_come_apart_and_together() {
        let component = wat::parse_str("(component (core module (memory 1)) (component))").unwrap();
        let sections = Sections::of(&component).unwrap();
        assert_eq!(sections.sections.len(), 2);
        assert_eq!(sections.bytes(), component);
        let mut bytes = Vec::new();
        push_leb(&mut bytes, 300);
        assert_eq!(leb(&bytes), Some((300, &[][..])));
    }
}
