//! Names of gRPC metadata that our clients and peers use in addition to Fabric's messages.

/// In the answer of `gateway.Gateway/CommitStatus`: why the transaction is not valid, a UTF-8 text
/// of at most 4,000 bytes. Fabric's message has no field for it, and Fabric's clients ignore
/// metadata.
pub const REASON: &str = "wasmcc-reason-bin";

/// Of the answers and errors of Endorse, Evaluate and ProcessProposal: what each endorsement cost,
/// JSON such as `{"mspId":"Org1MSP","fuel":12000,"hostCalls":3}`, one value for each.
pub const RECEIPT: &str = "wasmcc-receipt";

/// Of a request: how many bytes of an error's message and details the client takes in trailers, in
/// decimal digits. Without it they are cut to what all clients take.
pub const TRAILER_BYTES: &str = "wasmcc-trailer-bytes";
