//! The host's side of `wit/step.wit`, generated.

#![allow(missing_docs, unreachable_pub, reason = "generated from WIT, which documents it")]

wasmtime::component::bindgen!({
    path: "../../wit/step.wit",
    world: "step",
    exports: { default: async },
});
