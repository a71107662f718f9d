//! What is taken as a component, and what is not.

use waystation_core::{Digest, Limits};
use waystation_sandbox::{InvalidComponent, OutboundPolicy, inspect};

use crate::support::{Empty, SANDBOX, component, guest, guest_with, sandbox_with};

const EMPTY_REALLOC: &str = "(memory (export \"memory\") 1)
    (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) unreachable)";

/// Both doors say the same.
async fn refused(bytes: &[u8]) -> InvalidComponent {
    let error = SANDBOX.admit(bytes.to_vec().into()).await.unwrap_err();
    assert_eq!(inspect(bytes).unwrap_err(), error);
    error
}

#[tokio::test]
async fn a_component_is_described() {
    let bytes = guest(
        "(call $suspend (i32.const 0) (i64.const 0) (i32.const 8256)) (call $return_nothing)",
    );
    let manifest = SANDBOX.admit(bytes.clone().into()).await.unwrap();
    assert_eq!(manifest, inspect(&bytes).unwrap());
    assert_eq!(manifest.digest, Digest::of(&bytes));
    assert_eq!(manifest.size, bytes.len() as u64);
    assert_eq!(manifest.exports, ["handler"]);
    assert!(manifest.imports.contains(&"waystation:step/flow@0.1.0".to_owned()));
    assert!(
        manifest
            .abilities
            .contains(&"can pause, repeat or end the workflow (waystation:step/flow)".to_owned())
    );
}

#[tokio::test]
async fn what_is_no_component_is_named() {
    for (bytes, code) in [
        (&b""[..], "not_webassembly"),
        (b"(component)", "not_webassembly"),
        (b"\x7fELF\x02\x01\x01\0\0\0", "not_webassembly"),
        (b"\0asm\x01\0\0\0", "core_module"),
    ] {
        assert_eq!(refused(bytes).await.code(), code);
    }
}

#[tokio::test]
async fn a_component_is_whole() {
    let bytes = guest("(call $return_nothing)");
    let cut = refused(&bytes[..bytes.len() - 1]).await;
    assert_eq!(cut.code(), "malformed", "{cut}");
    let mut changed = bytes;
    let middle = changed.len() / 2;
    changed[middle] ^= 0xff;
    // Changed bytes may still be a component, another one. They never crash the host.
    let _ = SANDBOX.admit(changed.into()).await;
}

#[tokio::test]
async fn machine_code_is_not_taken() {
    let engine = wasmtime::Engine::default();
    let code = engine.precompile_component(&guest("(call $return_nothing)")).unwrap();
    assert_eq!(refused(&code).await, InvalidComponent::Precompiled);
}

#[tokio::test]
async fn there_is_a_handler() {
    let none =
        component(&format!("(module {EMPTY_REALLOC} (func (export \"run\")))"), "no-handler");
    assert_eq!(refused(&none).await, InvalidComponent::NoHandler { exports: vec!["run".into()] });
    let other = component(
        &format!(
            "(module {EMPTY_REALLOC} (func (export \"handler\") (param i32) (result i32) i32.const 0))"
        ),
        "other-handler",
    );
    let InvalidComponent::HandlerType { found } = refused(&other).await else { panic!() };
    assert_eq!(found, "it is func(number: u32) -> list<u8>");
}

#[tokio::test]
async fn an_import_that_is_not_offered_is_named() {
    let wat = format!(
        "(module (import \"somewhere:else/magic@1.0.0\" \"cast\" (func $cast)) {EMPTY_REALLOC}
            (func (export \"handler\") (param i32 i32) (result i32) (call $cast) i32.const 0))"
    );
    let error = refused(&component(&wat, "stranger")).await;
    let text = error.to_string();
    assert!(text.contains("somewhere:else/magic@1.0.0, which this host does not offer"), "{text}");
    assert!(text.contains("waystation:step@0.1.x"), "{text}");
}

#[tokio::test]
async fn too_many_memories_are_refused() {
    let memories = "(memory 1)".repeat(20);
    let error =
        SANDBOX.admit(guest_with(&memories, "(call $return_nothing)").into()).await.unwrap_err();
    assert_eq!(error.code(), "too_demanding", "{error}");
    let error =
        SANDBOX.admit(guest_with("(table 200_000 funcref)", "(call $return_nothing)").into()).await;
    assert_eq!(error.unwrap_err().code(), "too_demanding");
}

#[tokio::test]
async fn features_that_are_off_are_named() {
    let exceptions = "(tag $t) (func (throw $t))";
    let error = refused(&guest_with(exceptions, "(call $return_nothing)")).await;
    assert_eq!(error.code(), "feature_off", "{error}");
    assert!(error.to_string().contains("exceptions"), "{error}");
}

#[tokio::test]
async fn there_is_a_largest_size() {
    let limits = Limits { component_bytes_max: 10, runs_max: 1, ..Limits::default() };
    let small = sandbox_with(OutboundPolicy::default(), limits, std::sync::Arc::new(Empty));
    let error = small.admit(vec![0; 11].into()).await.unwrap_err();
    assert_eq!(error, InvalidComponent::TooLarge { bytes: 11, bytes_max: 10 });
}
