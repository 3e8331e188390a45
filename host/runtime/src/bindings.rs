//! The host's side of `wit/`, generated.
//!
//! Does not contain other code.

wasmtime::component::bindgen!({
    path: "wit",
    world: "chaincode",
    imports: {
        "fabric:chaincode/invocation": async | trappable,
        "fabric:chaincode/private-data": async | trappable,
        "fabric:chaincode/query": async | trappable,
        "fabric:chaincode/state": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: {
        "fabric:chaincode/query.state-iterator": crate::imports::StateIterator,
        "fabric:chaincode/query.history-iterator": crate::imports::HistoryIterator,
    },
});
