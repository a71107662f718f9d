//! The functions of `wasi:http` that make the host hold more, with a look at how much it holds
//! already.

use wasmtime::component::{ComponentNamedList, Lift, Linker, LinkerInstance, Lower, Resource};
use wasmtime_wasi_http::p2::bindings::http::outgoing_handler::Host as _;
use wasmtime_wasi_http::p2::bindings::http::types::{self as wit, ErrorCode, HeaderError, Method};
use wasmtime_wasi_http::p2::body::{HostFutureTrailers, HostOutgoingBody};
use wasmtime_wasi_http::p2::types::{
    HostFutureIncomingResponse, HostOutgoingRequest, HostOutgoingResponse,
};
use wasmtime_wasi_http::p2::{HeaderResult, HttpResult};
use wasmtime_wasi_http::{FieldMap, RequestOptions, WasiHttpCtxView, WasiHttpView as _};

use crate::guest::Guest;
use crate::held::{self, BODY_BYTES, CALL_BYTES, TRAILERS_BYTES_MAX};

/// The versions that `wasmtime_wasi_http` links.
const TYPES: &str = "wasi:http/types@0.2.12";
const HANDLER: &str = "wasi:http/outgoing-handler@0.2.12";

/// A method or an authority, in bytes: no host has a longer name, and the library takes any.
const WORD_BYTES_MAX: usize = 1024;

type Http<'a> = WasiHttpCtxView<'a>;

/// Puts functions that count what they make the host hold into `linker`, in place of those that
/// do not.
pub(super) fn count_messages(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut types = linker.instance(TYPES)?;
    count_fields(&mut types)?;
    count_requests(&mut types)?;
    count_bodies(&mut types)?;
    count_answers(&mut types)?;
    counted(
        &mut linker.instance(HANDLER)?,
        "handle",
        |_, _| CALL_BYTES,
        |http, (request, options): (Resource<HostOutgoingRequest>, Option<Resource<RequestOptions>>)| {
            let answer = http.handle(request, options);
            code(http, answer)
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

fn count_fields(types: &mut LinkerInstance<'_, Guest>) -> wasmtime::Result<()> {
    counted(
        types,
        "[static]fields.from-list",
        |_, (entries,): &(Vec<(String, Vec<u8>)>,)| {
            entries.iter().map(|(name, value)| held::of_field(name, value)).sum()
        },
        |http, (entries,)| {
            let fields = wit::HostFields::from_list(http, entries);
            header_error(http, fields)
        },
    )?;
    counted(
        types,
        "[method]fields.set",
        |_, (_, name, values): &(Resource<FieldMap>, String, Vec<Vec<u8>>)| {
            values.iter().map(|value| held::of_field(name, value)).sum()
        },
        |http, (fields, name, values)| {
            let set =
                |http: &mut Http<'_>, fields| wit::HostFields::set(http, fields, name, values);
            changed(http, &fields, set)
        },
    )?;
    counted(
        types,
        "[method]fields.delete",
        |_, _| 0,
        |http, (fields, name): (Resource<FieldMap>, String)| {
            changed(http, &fields, |http, fields| wit::HostFields::delete(http, fields, name))
        },
    )?;
    counted(
        types,
        "[method]fields.append",
        |_, (_, name, value): &(Resource<FieldMap>, String, Vec<u8>)| held::of_field(name, value),
        |http, (fields, name, value)| {
            let done = wit::HostFields::append(http, fields, name, value);
            header_error(http, done)
        },
    )?;
    // The copy is made when one of the two is changed.
    counted(
        types,
        "[method]fields.clone",
        |http, (fields,): &(Resource<FieldMap>,)| {
            http.table.get(fields).map_or(0, |fields| held::of_fields(fields))
        },
        |http, (fields,)| Ok((wit::HostFields::clone(http, fields)?,)),
    )
}

/// Changes `fields`, and makes them anew: what is taken out of a map leaves its place behind, which
/// nobody could count.
fn changed(
    http: &mut Http<'_>,
    fields: &Resource<FieldMap>,
    change: impl FnOnce(&mut Http<'_>, Resource<FieldMap>) -> HeaderResult<()>,
) -> wasmtime::Result<(Result<(), HeaderError>,)> {
    let changed = change(http, Resource::new_borrow(fields.rep()));
    if changed.is_ok() {
        let fresh = wit::HostFields::new(http)?;
        let mut fresh = http.table.delete(fresh)?;
        let old = http.table.get_mut(fields)?;
        for (name, value) in old.iter() {
            fresh.append_raw(name.clone(), value.clone())?;
        }
        *old = fresh;
    }
    header_error(http, changed)
}

fn count_requests(types: &mut LinkerInstance<'_, Guest>) -> wasmtime::Result<()> {
    counted(
        types,
        "[method]outgoing-request.set-method",
        |_, (_, method): &(Resource<HostOutgoingRequest>, Method)| match method {
            Method::Other(method) => method.len(),
            _ => 0,
        },
        |http, (request, method)| {
            if matches!(&method, Method::Other(word) if word.len() > WORD_BYTES_MAX) {
                return Ok((Err(()),));
            }
            Ok((wit::HostOutgoingRequest::set_method(http, request, method)?,))
        },
    )?;
    counted(
        types,
        "[method]outgoing-request.set-authority",
        |_, (_, authority): &(Resource<HostOutgoingRequest>, Option<String>)| {
            len(authority.as_ref())
        },
        |http, (request, authority)| {
            if len(authority.as_ref()) > WORD_BYTES_MAX {
                return Ok((Err(()),));
            }
            Ok((wit::HostOutgoingRequest::set_authority(http, request, authority)?,))
        },
    )?;
    counted(
        types,
        "[method]outgoing-request.set-path-with-query",
        |_, (_, path): &(Resource<HostOutgoingRequest>, Option<String>)| len(path.as_ref()),
        |http, (request, path)| {
            Ok((wit::HostOutgoingRequest::set_path_with_query(http, request, path)?,))
        },
    )
}

fn count_bodies(types: &mut LinkerInstance<'_, Guest>) -> wasmtime::Result<()> {
    counted(
        types,
        "[method]outgoing-request.body",
        |_, _| BODY_BYTES,
        |http, (request,): (Resource<HostOutgoingRequest>,)| {
            Ok((wit::HostOutgoingRequest::body(http, request)?,))
        },
    )?;
    counted(
        types,
        "[method]outgoing-response.body",
        |_, _| BODY_BYTES,
        |http, (response,): (Resource<HostOutgoingResponse>,)| {
            Ok((wit::HostOutgoingResponse::body(http, response)?,))
        },
    )?;
    // From here on the trailers are in the body, which has room for so many.
    counted(
        types,
        "[static]outgoing-body.finish",
        |_, _| 0,
        |http, (body, trailers): (Resource<HostOutgoingBody>, Option<Resource<FieldMap>>)| {
            let fields = trailers.as_ref().map(|trailers| http.table.get(trailers)).transpose()?;
            let bytes = fields.map_or(0, |fields| held::of_fields(fields));
            if bytes > TRAILERS_BYTES_MAX {
                trailers.map(|trailers| http.table.delete(trailers)).transpose()?;
                wit::HostOutgoingBody::drop(http, body)?;
                let bytes = u32::try_from(bytes).ok();
                return Ok((Err(ErrorCode::HttpRequestTrailerSectionSize(bytes)),));
            }
            let done = wit::HostOutgoingBody::finish(http, body, trailers);
            code(http, done)
        },
    )
}

fn count_answers(types: &mut LinkerInstance<'_, Guest>) -> wasmtime::Result<()> {
    counted(
        types,
        "[method]future-incoming-response.get",
        |http, (future,): &(Resource<HostFutureIncomingResponse>,)| {
            http.table.get(future).map_or(0, held::of_answer)
        },
        |http, (future,)| Ok((wit::HostFutureIncomingResponse::get(http, future)?,)),
    )?;
    counted(
        types,
        "[method]future-trailers.get",
        |http, (trailers,): &(Resource<HostFutureTrailers>,)| {
            http.table.get(trailers).map_or(0, held::of_trailers)
        },
        |http, (trailers,)| Ok((wit::HostFutureTrailers::get(http, trailers)?,)),
    )
}

/// Defines a function that makes the host hold at most what `bytes` says before it is called.
fn counted<P, R>(
    interface: &mut LinkerInstance<'_, Guest>,
    name: &str,
    bytes: fn(&Http<'_>, &P) -> usize,
    call: fn(&mut Http<'_>, P) -> wasmtime::Result<R>,
) -> wasmtime::Result<()>
where
    P: ComponentNamedList + Lift + 'static,
    R: ComponentNamedList + Lower + 'static,
{
    interface.func_wrap(name, move |mut store, parameters: P| {
        let guest = store.data_mut();
        let bytes = bytes(&guest.http(), &parameters);
        guest.hold(bytes)?;
        call(&mut guest.http(), parameters)
    })?;
    Ok(())
}

fn header_error<T>(
    http: &mut Http<'_>,
    result: HeaderResult<T>,
) -> wasmtime::Result<(Result<T, HeaderError>,)> {
    Ok((match result {
        Ok(done) => Ok(done),
        Err(error) => Err(wit::Host::convert_header_error(http, error)?),
    },))
}

fn code<T>(
    http: &mut Http<'_>,
    result: HttpResult<T>,
) -> wasmtime::Result<(Result<T, ErrorCode>,)> {
    Ok((match result {
        Ok(done) => Ok(done),
        Err(error) => Err(wit::Host::convert_error_code(http, error)?),
    },))
}

fn len(text: Option<&String>) -> usize {
    text.map_or(0, String::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_functions_are_there_to_be_replaced() {
        let engine = wasmtime::Engine::default();
        let mut linker = Linker::<Guest>::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker).unwrap();
        for (interface, name) in [
            (TYPES, "[static]fields.from-list"),
            (TYPES, "[method]fields.set"),
            (TYPES, "[method]fields.append"),
            (TYPES, "[method]fields.delete"),
            (TYPES, "[method]fields.clone"),
            (TYPES, "[method]outgoing-request.set-method"),
            (TYPES, "[method]outgoing-request.set-authority"),
            (TYPES, "[method]outgoing-request.set-path-with-query"),
            (TYPES, "[method]outgoing-request.body"),
            (TYPES, "[method]outgoing-response.body"),
            (TYPES, "[static]outgoing-body.finish"),
            (TYPES, "[method]future-incoming-response.get"),
            (TYPES, "[method]future-trailers.get"),
            (HANDLER, "handle"),
        ] {
            let twice = linker.instance(interface).unwrap().func_wrap(name, |_, (): ()| Ok(()));
            assert!(twice.is_err(), "wasmtime_wasi_http links another {name}");
        }
        count_messages(&mut linker).unwrap();
    }
}
