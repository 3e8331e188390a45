//! The host's side of `wit/`, generated.
//!
//! Invariant: the `bindgen!` invocation and nothing else.

wasmtime::component::bindgen!({
    path: "../wit",
    world: "chaincode",
    imports: { default: trappable },
    with: {
        "fabric:chaincode/query.state-iterator": crate::runtime::imports::StateIterator,
        "fabric:chaincode/query.history-iterator": crate::runtime::imports::HistoryIterator,
    },
});
