//! What is taken as a component, and what is not.

use wasmparser::{Instance, Parser, Payload};
use waystation_core::{Digest, Limits};
use waystation_sandbox::{AdmitError, InvalidComponent, OutboundPolicy, inspect};

use crate::support::{Empty, SANDBOX, component, guest, guest_with, refusal, sandbox_with};

const EMPTY_REALLOC: &str = "(memory (export \"memory\") 1)
    (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) unreachable)";

/// Both doors say the same.
async fn refused(bytes: &[u8]) -> InvalidComponent {
    let error = refusal(bytes.to_vec()).await;
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

/// A guest with more items in its module, admitted; or the code of what is against it.
async fn admitted(items: &str) -> Result<(), &'static str> {
    match SANDBOX.admit(guest_with(items, "(call $return_nothing)").into()).await {
        Ok(_) => Ok(()),
        Err(AdmitError::Invalid(invalid)) => Err(invalid.code()),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_component_has_so_many_memories_and_tables_at_the_most() {
    let memories = Limits::MEMORIES_PER_COMPONENT_MAX as usize;
    // The guest has one itself.
    assert_eq!(admitted(&"(memory 1)".repeat(memories - 1)).await, Ok(()));
    assert_eq!(admitted(&"(memory 1)".repeat(memories)).await, Err("too_demanding"));
    let tables = Limits::TABLES_PER_COMPONENT_MAX as usize;
    // What makes components of modules adds one, through which it calls the host.
    assert_eq!(admitted(&"(table 1 funcref)".repeat(tables - 1)).await, Ok(()));
    assert_eq!(admitted(&"(table 1 funcref)".repeat(tables)).await, Err("too_demanding"));
}

#[tokio::test]
async fn a_table_has_so_many_elements_at_the_most() {
    let elements = Limits::TABLE_ELEMENTS_MAX;
    assert_eq!(admitted(&format!("(table {elements} funcref)")).await, Ok(()));
    assert_eq!(admitted(&format!("(table {} funcref)", elements + 1)).await, Err("too_demanding"));
}

#[tokio::test]
async fn a_memory_is_no_larger_from_the_start_than_a_step_may_ask_for() {
    // The sandbox of the tests has 256 MiB for it.
    assert_eq!(admitted("(memory 4096)").await, Ok(()));
    assert_eq!(admitted("(memory 4097)").await, Err("too_demanding"));
}

#[tokio::test]
async fn a_component_has_so_many_instances_at_the_most() {
    let max = Limits::INSTANCES_PER_COMPONENT_MAX as usize;
    let guest = guest("(call $return_nothing)");
    let own = count(&guest, |payload| match payload {
        // Others only give names to what is there.
        Payload::InstanceSection(instances) => instances
            .clone()
            .into_iter()
            .filter(|instance| matches!(instance, Ok(Instance::Instantiate { .. })))
            .count(),
        _ => 0,
    });
    SANDBOX.admit(with_instances(&guest, max - own).into()).await.unwrap();
    let error = refusal(with_instances(&guest, max - own + 1)).await;
    assert_eq!(error.code(), "too_demanding", "{error}");
}

/// The same component with an empty core module that is instantiated so many times.
fn with_instances(component: &[u8], instances: usize) -> Vec<u8> {
    let module = count(component, |payload| usize::from(is_module(payload)));
    assert!(module < 128 && instances < 128, "numbers take one byte here");
    let instances = u8::try_from(instances).unwrap();
    let instantiate = [0, u8::try_from(module).unwrap(), 0];
    let mut bytes = component.to_vec();
    bytes.extend(b"\x01\x08\0asm\x01\0\0\0");
    let section = [vec![instances], instantiate.repeat(instances.into())].concat();
    let length = section.len();
    bytes.push(2);
    bytes.extend([u8::try_from(length % 128).unwrap() | 0x80, u8::try_from(length / 128).unwrap()]);
    bytes.extend(section);
    bytes
}

fn is_module(payload: &Payload<'_>) -> bool {
    matches!(payload, Payload::ModuleSection { .. })
}

/// What `of` adds up to over the component's own sections.
fn count(component: &[u8], of: impl Fn(&Payload<'_>) -> usize) -> usize {
    let mut depth = 0;
    let mut sum = 0;
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload.unwrap();
        if depth == 1 {
            sum += of(&payload);
        }
        match payload {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            _ => {}
        }
    }
    sum
}

#[tokio::test]
async fn machine_code_has_a_largest_size() {
    let limits = Limits { machine_code_mib_max: 1, runs_max: 1, ..Limits::default() };
    let sandbox = sandbox_with(OutboundPolicy::default(), limits, std::sync::Arc::new(Empty));
    let data = |mib: usize| {
        let items = format!("(data \"{}\")", "x".repeat(mib << 20));
        guest_with(&items, "(call $return_nothing)")
    };
    sandbox.admit(guest("(call $return_nothing)").into()).await.unwrap();
    let Err(AdmitError::Invalid(error)) = sandbox.admit(data(1).into()).await else { panic!() };
    assert_eq!(error.code(), "too_demanding");
    assert!(error.to_string().contains("machine code; at most 1048576"), "{error}");
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
    assert_eq!(error, InvalidComponent::TooLarge { bytes: 11, bytes_max: 10 }.into());
}
