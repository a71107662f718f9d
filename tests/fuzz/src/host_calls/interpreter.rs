//! A guest that does what its input says: compiled once, it makes any calls of the host's with any
//! arguments.
//!
//! A program is bytes. Each instruction begins with a byte that chooses an operation: one of the
//! host's functions, or one of [`OWN`]. Arguments follow, by the types of the core functions:
//!
//! - a number: two low bits say whether the other six are its value, where in the last result it
//!   is to be found, which of the sixteen values kept last it is, or that four bytes follow
//! - a string or list: its length and its bytes; or from 240 on elements with pointers, from 250
//!   on any address and length
//! - where a result goes: below 250 its place, otherwise any address
//!
//! So every byte string is a program, and small changes of it are small changes of what is done.

use std::fmt::Write as _;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::abi::{AbiVariant, WasmSignature, WasmType};
use wit_parser::{Resolve, TypeDefKind, WorldItem, WorldKey};

/// Longest program, in bytes.
pub(super) const PROGRAM_BYTES_MAX: usize = 4096;

/// Operations beside the host's functions, with what each does.
pub(super) const OWN: &[(&str, &str)] = &[
    ("store", "(i32.store (call $number) (call $number))"),
    (
        "answer",
        "(i32.store (i32.add (i32.const 6144) (i32.and (call $byte) (i32.const 60))) (call $number))",
    ),
    ("return", "(global.set $answer (call $number))"),
    ("keep", "(call $keep (i32.load (i32.add (i32.const 4096) (call $byte))))"),
    ("realloc", "(global.set $realloc (i32.rem_u (call $byte) (i32.const 8)))"),
    (
        "repeat",
        "(if (i32.lt_u (global.get $rounds) (i32.const 20)) (then
            (global.set $rounds (i32.add (global.get $rounds) (i32.const 1)))
            (global.set $pc (i32.const 65536))))",
    ),
    ("grow", "(drop (memory.grow (call $byte)))"),
    ("trap", "unreachable"),
    ("spin", "(loop $again (br $again))"),
    ("recurse", "(call $recurse)"),
];

/// A component, and the names of its operations in order.
pub(super) struct Interpreter {
    pub(super) component: Vec<u8>,
    /// `interface#function` for the host's.
    pub(super) operations: Vec<String>,
}

impl Interpreter {
    pub(super) fn build() -> Interpreter {
        let mut resolve = Resolve::default();
        for (name, text) in [
            ("step.wit", include_str!("../../../../wit/step.wit")),
            ("io.wit", include_str!("../../../../wit/deps/io.wit")),
            ("clocks.wit", include_str!("../../../../wit/deps/clocks.wit")),
            ("http.wit", include_str!("../../../../wit/deps/http.wit")),
        ] {
            resolve.push_str(name, text).expect("WIT of the repository");
        }
        let package = resolve.push_str("world.wit", include_str!("world.wit")).expect("WIT");
        let world = resolve.select_world(&[package], Some("guest")).expect("the world");
        let imports = imports(&resolve, world);
        let operations = imports
            .iter()
            .map(|import| format!("{}#{}", import.interface, import.name))
            .chain(OWN.iter().map(|(name, _)| (*name).to_owned()))
            .collect();
        let mut module = wat::parse_str(module(&imports)).expect("WAT");
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
            .expect("metadata");
        let component = ComponentEncoder::default()
            .module(&module)
            .expect("a module of the world")
            .encode()
            .expect("a component");
        Interpreter { component, operations }
    }
}

/// A core function of the host's.
struct Import {
    interface: String,
    name: String,
    signature: WasmSignature,
}

fn imports(resolve: &Resolve, world: wit_parser::WorldId) -> Vec<Import> {
    let mut imports = Vec::new();
    for (key, item) in &resolve.worlds[world].imports {
        let (WorldKey::Interface(_), WorldItem::Interface { id, .. }) = (key, item) else {
            continue;
        };
        let interface = resolve.id_of(*id).expect("a named interface");
        for function in resolve.interfaces[*id].functions.values() {
            let signature = resolve.wasm_signature(AbiVariant::GuestImport, function);
            let name = function.name.clone();
            imports.push(Import { interface: interface.clone(), name, signature });
        }
        for (name, ty) in &resolve.interfaces[*id].types {
            if matches!(resolve.types[*ty].kind, TypeDefKind::Resource) {
                imports.push(Import {
                    interface: interface.clone(),
                    name: format!("[resource-drop]{name}"),
                    signature: WasmSignature {
                        params: vec![WasmType::I32],
                        results: Vec::new(),
                        indirect_params: false,
                        retptr: false,
                    },
                });
            }
        }
    }
    imports
}

fn module(imports: &[Import]) -> String {
    let mut text = String::from("(module (type $operation (func))\n");
    for (at, Import { interface, name, signature }) in imports.iter().enumerate() {
        let of =
            |types: &[WasmType]| types.iter().map(|ty| core(*ty)).collect::<Vec<_>>().join(" ");
        let (params, results) = (of(&signature.params), of(&signature.results));
        let _ = writeln!(
            text,
            "(import {interface:?} {name:?} (func $i{at} (param {params}) (result {results})))"
        );
    }
    text.push_str(include_str!("interpreter.wat"));
    let withdraw = imports.iter().position(|import| import.name == "withdraw");
    let withdraw = withdraw.expect("flow.withdraw");
    let _ = writeln!(text, "(func $calls_the_host (call $i{withdraw}))");
    for (at, import) in imports.iter().enumerate() {
        let _ = writeln!(text, "(func $o{at} {})", call(at, &import.signature));
    }
    for (at, (_, body)) in OWN.iter().enumerate() {
        let _ = writeln!(text, "(func $o{} {body})", imports.len() + at);
    }
    let count = imports.len() + OWN.len();
    let all: Vec<String> = (0..count).map(|at| format!("$o{at}")).collect();
    let _ = writeln!(text, "(table funcref (elem {}))", all.join(" "));
    let _ = writeln!(text, "(func $operations (result i32) (i32.const {count})))");
    text
}

fn core(ty: WasmType) -> &'static str {
    match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => "i32",
        WasmType::I64 | WasmType::PointerOrI64 => "i64",
        WasmType::F32 => "f32",
        WasmType::F64 => "f64",
    }
}

/// The call of a function, its arguments read from the program and its result kept.
fn call(at: usize, signature: &WasmSignature) -> String {
    let mut call = format!("(call $i{at}");
    for (index, ty) in signature.params.iter().enumerate() {
        let is_last = index + 1 == signature.params.len();
        call.push_str(match ty {
            WasmType::Pointer if signature.retptr && is_last => " (call $target)",
            WasmType::Pointer => " (call $pointer)",
            WasmType::Length => " (call $length)",
            WasmType::I32 => " (call $number)",
            WasmType::I64 | WasmType::PointerOrI64 => " (call $long)",
            WasmType::F32 => " (f32.reinterpret_i32 (call $number))",
            WasmType::F64 => " (f64.reinterpret_i64 (call $long))",
        });
    }
    call.push(')');
    match signature.results.first().map(|ty| core(*ty)) {
        Some("i32") => format!("(call $keep {call})"),
        Some(_) => format!("(drop {call})"),
        None if signature.retptr => format!("{call} (call $keep_result)"),
        None => call,
    }
}
