//! Guests from core WebAssembly text: small components that do one thing, for tests.
//!
//! [`guest`] takes the body of a handler, [`guest_with`] items of the module besides, and
//! [`module`] all items, the handler among them. In scope, each of them:
//!
//! - `$props` and `$props_len`, the parameters of the handler;
//! - every function of the host's, named as in `imports.wat`;
//! - `$return` (a string), `$return_nothing`, `$fail` (a message): what a handler gives back;
//! - a string of yours as `{text}`, which becomes its address and length.
//!
//! Memory: strings are below 8192, what functions give back is at 8192 to 8256, what the host
//! writes may go from 8256, and `cabi_realloc` gives from 16384 on.
//!
//! What is wrong with a guest ends the test.
#![expect(clippy::expect_used, reason = "a guest that is none fails the test")]

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const STEP_WIT: &str = include_str!("../../../wit/step.wit");
const WASI_WIT: &str = include_str!("wasi.wit");

/// Every function of the host's, a line each.
const IMPORTS: &str = include_str!("imports.wat");

/// Two pages.
const MEMORY: &str = "(memory (export \"memory\") 2)";

/// Gives new memory each time, and frees none.
const REALLOC: &str = include_str!("realloc.wat");

/// `$return`, `$return_nothing` and `$fail`.
const RESULTS: &str = include_str!("results.wat");

/// `$print` and `$eprint` (a string to the log), for a guest that wants them.
pub const PRINT: &str = r#"
    (func $print (param $text i32) (param $len i32)
        (call $write (call $get_stdout) (local.get $text) (local.get $len) (i32.const 8256)))
    (func $eprint (param $text i32) (param $len i32)
        (call $write (call $get_stderr) (local.get $text) (local.get $len) (i32.const 8256)))
"#;

/// Where the first string of a guest goes, and where there is no more room for strings.
const STRINGS: std::ops::Range<usize> = 64..8192;

/// A component of the world `guest` whose handler has this body.
pub fn guest(body: &str) -> Vec<u8> {
    guest_with("", body)
}

/// The same with more items in the module.
pub fn guest_with(items: &str, body: &str) -> Vec<u8> {
    module(&format!(
        "{items} (func $handler (export \"handler\") (param $props i32) (param $props_len i32) (result i32) {body})"
    ))
}

/// A component of the world `guest` from all items of its module, which has an export `handler`.
/// Items that export `memory` or `cabi_realloc` stand in for the usual ones.
///
/// # Panics
///
/// They are not WebAssembly, or no guest.
pub fn module(items: &str) -> Vec<u8> {
    let (items, data) = with_strings(items);
    let usual = |export: &str, item| if items.contains(export) { "" } else { item };
    let memory = usual("(export \"memory\")", MEMORY);
    let realloc = usual("(export \"cabi_realloc\")", REALLOC);
    let wat = format!("(module {IMPORTS} {memory} {realloc} {RESULTS} {data} {items})");
    // Only what is called is imported: a component should not ask for more.
    component(&without_unused_imports(&wat), "guest")
}

/// A component of `world` from a core module.
///
/// # Panics
///
/// It is not WebAssembly, or does not fit the world.
pub fn component(wat: &str, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    resolve.push_str("step.wit", STEP_WIT).expect("the step's WIT");
    let package = resolve.push_str("wasi.wit", WASI_WIT).expect("the WIT of WASI");
    let world = resolve.select_world(&[package], Some(world)).expect("a world of the WIT");
    let mut module = wat::parse_str(wat).unwrap_or_else(|error| panic!("{error}\n{wat}"));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("the module's types are embedded");
    let encoded = ComponentEncoder::default().module(&module).expect("a module").encode();
    encoded.unwrap_or_else(|error| panic!("{error:#}"))
}

/// The text with an address and a length in place of each `{string}`, and what puts the strings
/// there.
fn with_strings(wat: &str) -> (String, String) {
    let (mut placed, mut data, mut address) = (String::new(), String::new(), STRINGS.start);
    let mut rest = wat;
    while let Some((before, after)) = rest.split_once('{') {
        let (text, after) = after.split_once('}').expect("a string has an end");
        let escaped: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
        data.push_str(&format!("(data (i32.const {address}) \"{escaped}\")\n"));
        placed.push_str(before);
        placed.push_str(&format!("(i32.const {address}) (i32.const {})", text.len()));
        address += text.len();
        rest = after;
    }
    assert!(address < STRINGS.end, "the strings of a guest have {address} bytes");
    (placed + rest, data)
}

fn without_unused_imports(wat: &str) -> String {
    let uses = |name: &str| {
        let with_end = |end: char| wat.matches(&format!("{name}{end}")).count();
        with_end(' ') + with_end(')') + with_end('\n')
    };
    let keep = |line: &&str| match line.trim().strip_prefix("(import") {
        Some(import) => {
            let name = import.split("(func ").nth(1).and_then(|rest| rest.split([' ', ')']).next());
            uses(name.expect("an import has a name")) > 1
        }
        None => true,
    };
    wat.lines().filter(keep).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_get_places() {
        let (wat, data) = with_strings("(call $a {xy}) (call $b {z})");
        assert_eq!(
            wat,
            "(call $a (i32.const 64) (i32.const 2)) (call $b (i32.const 66) (i32.const 1))"
        );
        assert_eq!(data, "(data (i32.const 64) \"\\78\\79\")\n(data (i32.const 66) \"\\7a\")\n");
    }

    #[test]
    fn what_is_not_called_is_not_imported() {
        let wat = "(import \"a\" \"b\" (func $a (param i32)))\n(import \"a\" \"c\" (func $b))\n(call $a )";
        assert_eq!(without_unused_imports(wat).lines().count(), 2);
    }
}
