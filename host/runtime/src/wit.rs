//! The WIT texts of the interface, for tools that build components.

/// The files of the package `fabric:chaincode`: names and texts.
pub const WIT: [(&str, &str); 11] = [
    ("contract.wit", include_str!("../wit/contract.wit")),
    ("event.wit", include_str!("../wit/event.wit")),
    ("invocation.wit", include_str!("../wit/invocation.wit")),
    ("log.wit", include_str!("../wit/log.wit")),
    ("private-data.wit", include_str!("../wit/private-data.wit")),
    ("query.wit", include_str!("../wit/query.wit")),
    ("rows.wit", include_str!("../wit/rows.wit")),
    ("state.wit", include_str!("../wit/state.wit")),
    ("transaction.wit", include_str!("../wit/transaction.wit")),
    ("types.wit", include_str!("../wit/types.wit")),
    ("world.wit", include_str!("../wit/world.wit")),
];

/// The files of version 0.1, which the host supports as well.
pub const WIT_0_1: [(&str, &str); 10] = [
    ("contract.wit", include_str!("../wit/0.1/contract.wit")),
    ("event.wit", include_str!("../wit/0.1/event.wit")),
    ("invocation.wit", include_str!("../wit/0.1/invocation.wit")),
    ("log.wit", include_str!("../wit/0.1/log.wit")),
    ("private-data.wit", include_str!("../wit/0.1/private-data.wit")),
    ("query.wit", include_str!("../wit/0.1/query.wit")),
    ("state.wit", include_str!("../wit/0.1/state.wit")),
    ("transaction.wit", include_str!("../wit/0.1/transaction.wit")),
    ("types.wit", include_str!("../wit/0.1/types.wit")),
    ("world.wit", include_str!("../wit/0.1/world.wit")),
];
