//! Names of gRPC metadata that our clients and peers use in addition to Fabric's messages.

/// In the answer of `gateway.Gateway/CommitStatus`: why the transaction is not valid, a UTF-8 text
/// of at most 4,000 bytes. Fabric's message has no field for it, and Fabric's clients ignore
/// metadata.
pub const REASON: &str = "wasmcc-reason-bin";
