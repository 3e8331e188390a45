//! Names in gRPC metadata that our clients and peers agree on beside Fabric's messages.

/// Of the answer to `gateway.Gateway/CommitStatus`: why the transaction is not valid, a text in
/// UTF-8 of at most 4,000 bytes. Fabric's message has no place for it, and its clients do not look
/// at metadata.
pub const REASON: &str = "wasmcc-reason-bin";
