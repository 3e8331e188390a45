//! Names of gRPC metadata that clients and peers of this project use in addition to Fabric's
//! messages.

/// In the response of `gateway.Gateway/CommitStatus`: the reason why the transaction is not valid,
/// a UTF-8 text of at most 4,000 bytes. Fabric's message has no field for it, and Fabric's clients
/// ignore metadata.
pub const REASON: &str = "wasmcc-reason-bin";

/// In the responses and errors of Endorse, Evaluate and ProcessProposal: the cost of the
/// endorsements. Each is one JSON value, such as
/// `{"mspId":"Org1MSP","fuel":12000,"hostCalls":3}`.
pub const RECEIPT: &str = "wasmcc-receipt";

/// In a request: the maximum size of an error's message and details in trailers, in bytes, as a
/// decimal number. Without it they are cut to a size that all clients accept.
pub const TRAILER_BYTES: &str = "wasmcc-trailer-bytes";
