//! The host's side of `wit/`, generated for the current version and for the earlier versions that
//! components were built for.
//!
//! Does not contain other code.

wasmtime::component::bindgen!({
    path: "wit",
    world: "chaincode",
    imports: {
        "fabric:chaincode/invocation": async | trappable,
        "fabric:chaincode/private-data": async | trappable,
        "fabric:chaincode/query": async | trappable,
        "fabric:chaincode/rows": async | trappable,
        "fabric:chaincode/state": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: {
        "fabric:chaincode/rows.state-iterator": crate::imports::StateIterator,
        "fabric:chaincode/rows.history-iterator": crate::imports::HistoryIterator,
    },
});

/// The first version.
pub(crate) mod v0_1 {
    wasmtime::component::bindgen!({
        path: "wit/0.1",
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
            "fabric:chaincode/types": crate::bindings::fabric::chaincode::types,
            "fabric:chaincode/query.state-iterator": crate::imports::StateIterator,
            "fabric:chaincode/query.history-iterator": crate::imports::HistoryIterator,
        },
    });
}
