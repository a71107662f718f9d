//! `wasi:io/error`, without the host's own backtrace.

use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::p2::IoError;

use crate::guest::Guest;

/// The version that `wasmtime_wasi` links.
const INTERFACE: &str = "wasi:io/error@0.2.12";

/// Puts a `to-debug-string` into `linker` that tells the chain of causes and no more. The
/// original shows a guest the host's stack where `RUST_BACKTRACE` is set.
pub(super) fn hide_backtraces(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    linker.instance(INTERFACE)?.func_wrap(
        "[method]error.to-debug-string",
        |mut store, (error,): (Resource<IoError>,)| {
            let error = store.data_mut().ctx().table.get(&error)?;
            Ok((format!("{error:#}"),))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}
