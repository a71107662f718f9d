//! A component from a core module, for compilers that know no components.
//!
//! What the module imports and exports by the names of the Canonical ABI is tied to the world
//! `step-http`; what it wants of WASI preview 1, as C libraries and Go do, goes through the
//! adapter of wasmtime.

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, SourceMap, UnresolvedPackageGroup};

use crate::{BuildError, assets};

/// The world that core modules are built for.
const WORLD: &str = "step-http";
/// Where the WASI packages are among the WIT.
const DEPENDENCIES: &str = "deps/";
/// Who failed, when no component comes of a module.
const TOOL: &str = "making the component";

/// Makes the component of a core `module`. Only what the module imports is in it.
pub(crate) fn from_core_module(mut module: Vec<u8>) -> Result<Vec<u8>, BuildError> {
    // Errors of these crates have their causes in the alternate form.
    let failed = |error| BuildError::ToolFailed { tool: TOOL, output: format!("{error:#}") };
    let mut resolve = Resolve::default();
    let package =
        resolve.push_groups(group(|name| !name.starts_with(DEPENDENCIES))?, dependencies()?);
    let package = package.map_err(|error| invalid_wit(&error))?;
    let world = resolve.select_world(&[package], Some(WORLD)).map_err(failed)?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).map_err(failed)?;
    ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(|encoder| {
            encoder.adapter(
                WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
                WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
            )
        })
        .and_then(|mut encoder| encoder.encode())
        .map_err(failed)
}

/// The WASI packages, a file each.
fn dependencies() -> Result<Vec<UnresolvedPackageGroup>, BuildError> {
    wit_files()
        .filter(|(name, _)| name.starts_with(DEPENDENCIES))
        .map(|(name, _)| group(|other| other == name))
        .collect()
}

/// The package that these of the carried files make.
fn group(is_in: impl Fn(&str) -> bool) -> Result<UnresolvedPackageGroup, BuildError> {
    let mut sources = SourceMap::default();
    for (name, text) in wit_files().filter(|(name, _)| is_in(name)) {
        sources.push_str(&name, &text);
    }
    sources.parse().map_err(|(_, error)| invalid_wit(&error))
}

/// Not the notes beside them.
fn wit_files() -> impl Iterator<Item = (String, String)> {
    assets::texts::<assets::Wit>().filter(|(name, _)| name.ends_with(".wit"))
}

fn invalid_wit(error: &impl std::fmt::Display) -> BuildError {
    BuildError::ToolFailed { tool: TOOL, output: format!("{error:#}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module with the handler, and with `items` beside it.
    fn module(items: &str) -> Vec<u8> {
        wat::parse_str(format!(
            r#"(module {items}
                (memory (export "memory") 1)
                (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 0)
                (func (export "handler") (param i32 i32) (result i32) i32.const 64))"#
        ))
        .unwrap()
    }

    #[test]
    fn a_module_with_the_handler_becomes_a_component() {
        let exit = r#"(import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))"#;
        let made = from_core_module(module(exit)).unwrap();
        assert_eq!(&made[..8], b"\0asm\x0d\0\x01\0");
        assert_eq!(made, from_core_module(module(exit)).unwrap());
        let smaller = from_core_module(module("")).unwrap();
        assert!(smaller.len() < made.len(), "the adapter comes only when it is needed");
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        let none = wat::parse_str("(module (memory (export \"memory\") 1))").unwrap();
        let error = from_core_module(none).unwrap_err().to_string();
        assert!(error.contains("handler"), "{error}");
        let unknown = module(r#"(import "env" "gethostname" (func))"#);
        let error = from_core_module(unknown).unwrap_err().to_string();
        assert!(error.contains("env"), "{error}");
    }
}
