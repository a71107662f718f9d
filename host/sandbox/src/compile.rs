//! From a component's bytes to machine code in a folder. This is the work that a hostile
//! component can make long and large; whoever calls it bounds it.

use std::path::Path;

use wasmtime::component::Component;

use crate::{AdmitError, InvalidComponent, Manifest, engine, inspect};

/// Names of imports and exports that a component may have together, in bytes: they are kept
/// beside it.
const NAMES_BYTES_MAX: usize = 64 << 10;

/// What every error says that is the system's `ENOMEM`.
pub const OUT_OF_MEMORY: &str = "os error 12";

/// Says what a component is.
///
/// # Errors
///
/// It is not fit to be a step.
pub fn check(bytes: &[u8]) -> Result<Manifest, InvalidComponent> {
    let manifest = inspect(bytes)?;
    let names = manifest.imports.iter().chain(&manifest.exports).map(String::len).sum::<usize>();
    if names > NAMES_BYTES_MAX {
        let message = format!(
            "the names of its imports and exports take {names} bytes; at most {NAMES_BYTES_MAX} \
             are allowed"
        );
        return Err(InvalidComponent::TooDemanding { message });
    }
    Ok(manifest)
}

/// The same, and compiles it. Its machine code is then in `into`, which is empty before, as the
/// one entry of a cache of wasmtime's.
///
/// # Errors
///
/// It is not fit, or becomes more than `machine_code_bytes_max`; or the folder can't be used.
pub fn compile(
    bytes: &[u8],
    into: &Path,
    machine_code_bytes_max: usize,
) -> Result<Manifest, AdmitError> {
    let manifest = check(bytes)?;
    let host = |error: wasmtime::Error| AdmitError::Host(format!("{error:#}"));
    let engine = engine::for_compiling(into).map_err(host)?;
    let component = Component::from_binary(&engine, bytes).map_err(|error| {
        let message = format!("{error:#}");
        // The system's word for it comes through several types of errors.
        if error.is::<wasmtime::OutOfMemory>() || message.contains(OUT_OF_MEMORY) {
            InvalidComponent::CompileMemory
        } else {
            InvalidComponent::Uncompilable { message }
        }
    })?;
    let code = machine_code_bytes(&component);
    if code > machine_code_bytes_max {
        let message =
            format!("it becomes {code} bytes of machine code; at most {machine_code_bytes_max}");
        return Err(InvalidComponent::TooDemanding { message }.into());
    }
    Ok(manifest)
}

/// What the machine code of a component takes in memory.
pub(crate) fn machine_code_bytes(component: &Component) -> usize {
    let image = component.image_range();
    (image.end as usize).saturating_sub(image.start as usize)
}
