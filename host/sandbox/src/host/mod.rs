//! The host's functions of `wit/step.wit`, an interface a file; and those of WASI's that are the
//! host's own here.

mod argument;
mod context;
mod exports;
mod flow;
mod http;
mod http_response;
mod io_error;
mod send;

use wasmtime::component::{HasSelf, Linker};

use crate::bindings::Step;
use crate::bindings::waystation::step::types;
use crate::guest::Guest;

impl types::Host for Guest {}

/// Everything a component may import.
pub(crate) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    Step::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    http::count_messages(&mut linker)?;
    io_error::hide_backtraces(&mut linker)?;
    Ok(linker)
}
