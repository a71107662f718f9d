//! What a component is, told from its bytes alone.

use wasmparser::types::Types;
use wasmparser::{
    BinaryReaderError, ComponentTypeRef, Parser, Payload, TypeBounds, Validator, WasmFeatures,
};
use wasmtime::Engine;
use waystation_core::Digest;

use crate::interfaces::{abilities, is_offered, offer};
use crate::invalid::short;
use crate::{InvalidComponent, Manifest, handler_type, shape};

/// Names of all imports and exports together, in bytes. The largest language runtime has some
/// thousand; they are stored and shown.
const NAMES_BYTES_MAX: usize = 64 << 10;

/// Checks that `bytes` are a component that the host could run, and says what it is. Compiles
/// nothing; takes about a tenth of a second for 20 MiB.
///
/// # Errors
///
/// Says what is wrong, all but what only a compiler finds.
///
/// ```
/// let module = b"\0asm\x01\0\0\0";
/// assert_eq!(waystation_sandbox::inspect(module).unwrap_err().code(), "core_module");
/// ```
pub fn inspect(bytes: &[u8]) -> Result<Manifest, InvalidComponent> {
    check_sort(bytes)?;
    shape::check(bytes)?;
    let types = validate(bytes)?;
    let (imports, exports) = names(bytes)?;
    if let Some(import) = imports.iter().find(|import| !is_offered(import)) {
        return Err(InvalidComponent::UnknownImport { import: import.clone(), offered: offer() });
    }
    let Some(handler) = types.as_ref().component_item_for_export("handler") else {
        return Err(InvalidComponent::NoHandler { exports });
    };
    handler_type::check(types.as_ref(), handler.ty)
        .map_err(|found| InvalidComponent::HandlerType { found })?;
    Ok(Manifest {
        digest: Digest::of(bytes),
        size: bytes.len() as u64,
        abilities: abilities(&imports),
        imports,
        exports,
    })
}

/// Is it a component, and if not, what else?
fn check_sort(bytes: &[u8]) -> Result<(), InvalidComponent> {
    if Engine::detect_precompiled(bytes).is_some() {
        return Err(InvalidComponent::Precompiled);
    }
    if Parser::is_component(bytes) {
        return Ok(());
    }
    if Parser::is_core_wasm(bytes) {
        return Err(InvalidComponent::CoreModule);
    }
    Err(InvalidComponent::NotWebAssembly { found: guess(bytes).into() })
}

fn guess(bytes: &[u8]) -> &'static str {
    let start = bytes.get(..bytes.len().min(4096)).unwrap_or_default();
    let text = match std::str::from_utf8(start) {
        Ok(text) => Some(text),
        // Cut in the middle of a character.
        Err(error) if error.error_len().is_none() => {
            start.get(..error.valid_up_to()).and_then(|valid| std::str::from_utf8(valid).ok())
        }
        Err(_) => None,
    };
    match (start, text) {
        ([], _) => "empty",
        ([0, b'a', b's', b'm', ..], _) => "WebAssembly of an unknown version",
        ([0x7f, b'E', b'L', b'F', ..], _) => "a program for a machine",
        ([b'P', b'K', 3, 4, ..], _) => "a ZIP archive",
        ([0x1f, 0x8b, ..], _) => "a gzip file",
        (_, Some(text)) if text.trim_start().starts_with(['(', ';']) => {
            "the text form of WebAssembly"
        }
        (_, Some(_)) => "text",
        (_, None) => "something else",
    }
}

fn validate(bytes: &[u8]) -> Result<Types, InvalidComponent> {
    let error = match Validator::new_with_features(features()).validate_all(bytes) {
        Ok(types) => return Ok(types),
        Err(error) => error,
    };
    let (offset, message) = (error.offset() as u64, short(error.message()));
    // With everything on it would be sound: then a feature is what is missing.
    match Validator::new_with_features(WasmFeatures::all()).validate_all(bytes) {
        Ok(_) => Err(InvalidComponent::FeatureOff { offset, message }),
        Err(_) => Err(InvalidComponent::Malformed { offset, message }),
    }
}

/// What the engine runs: see `engine.rs` and the crate features of wasmtime.
fn features() -> WasmFeatures {
    let off = WasmFeatures::GC_TYPES
        | WasmFeatures::EXCEPTIONS
        | WasmFeatures::THREADS
        | WasmFeatures::MEMORY64
        | WasmFeatures::RELAXED_SIMD;
    (WasmFeatures::WASM3 & !off) | WasmFeatures::COMPONENT_MODEL
}

/// The names of the component's imports and exports.
fn names(bytes: &[u8]) -> Result<(Vec<String>, Vec<String>), InvalidComponent> {
    let malformed = |error: BinaryReaderError| InvalidComponent::Malformed {
        offset: error.offset() as u64,
        message: short(error.message()),
    };
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(malformed)? {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    let import = import.map_err(malformed)?;
                    // A name for a type that needs nothing of the host.
                    if !matches!(import.ty, ComponentTypeRef::Type(TypeBounds::Eq(_))) {
                        imports.push(import.name.name.to_owned());
                    }
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    exports.push(export.map_err(malformed)?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    let bytes: usize = imports.iter().chain(&exports).map(String::len).sum();
    if bytes > NAMES_BYTES_MAX {
        let message = format!(
            "names of imports and exports with {bytes} bytes; at most {NAMES_BYTES_MAX} are allowed"
        );
        return Err(InvalidComponent::TooDemanding { message });
    }
    Ok((imports, exports))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(items: &str) -> Vec<u8> {
        wat::parse_str(format!("(component {items})")).unwrap()
    }

    #[test]
    fn names_have_an_exact_bound() {
        let exporting = |bytes: usize| {
            let (half, rest) = ("x".repeat(bytes / 2), "y".repeat(bytes - bytes / 2));
            let export = |name: String| format!("(export \"{name}\" (instance $i))");
            component(&format!("(instance $i) {} {}", export(half), export(rest)))
        };
        assert_eq!(inspect(&exporting(NAMES_BYTES_MAX)).unwrap_err().code(), "no_handler");
        let over = inspect(&exporting(NAMES_BYTES_MAX + 1)).unwrap_err();
        assert_eq!(over.code(), "too_demanding");
        assert!(over.to_string().contains("65537 bytes; at most 65536"), "{over}");
    }

    #[test]
    fn no_component_makes_a_message_long() {
        let many: String = (0..3000).map(|n| format!("(export \"e{n}\" (instance $i))")).collect();
        let long = "x".repeat(60_000);
        let fields: String = (0..30).map(|n| format!("(field \"{long}{n}\" u8)")).collect();
        let records: String = (0..900).map(|n| format!("(field \"r{n}\" $a)")).collect();
        for refused in [
            component(&format!("(instance $i) {many}")),
            component(&format!("(instance $i) (export \"{long}\" (instance $i))")),
            component(&format!("(import \"a:b/{long}\" (instance))")),
            component(&format!("(import \"{long}\" (instance)) (import \"{long}\" (instance))")),
            component(&format!(
                "(core module $m
                    (memory (export \"memory\") 1)
                    (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) unreachable)
                    (func (export \"f\") (param i32)))
                 (core instance $i (instantiate $m))
                 (type $a' (record {fields}))
                 (export $a \"a\" (type $a'))
                 (type $b' (record {records}))
                 (export $b \"b\" (type $b'))
                 (func (export \"handler\") (param \"p\" $b) (canon lift (core func $i \"f\")
                    (memory (core memory $i \"memory\")) (realloc (core func $i \"realloc\"))))"
            )),
        ] {
            let message = inspect(&refused).unwrap_err().to_string();
            assert!(message.len() < 4096, "{} bytes: {message}", message.len());
        }
    }

    #[test]
    fn what_is_no_wasm_is_named() {
        let found = |bytes: &[u8]| match inspect(bytes) {
            Err(InvalidComponent::NotWebAssembly { found }) => found,
            other => panic!("{other:?}"),
        };
        assert_eq!(found(b""), "empty");
        assert_eq!(found(b"(component)"), "the text form of WebAssembly");
        assert_eq!(found("hällo".as_bytes()), "text");
        assert_eq!(found(&[0xff, 0xfe, 0, 1]), "something else");
        assert_eq!(found(b"\0asm\x09\0\0\0"), "WebAssembly of an unknown version");
    }
}
