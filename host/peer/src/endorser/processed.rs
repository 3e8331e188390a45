//! The result of a proposal that was not refused.

use wasmcc_ledger::OwnRead;
use wasmcc_types::proto::protos;

/// The result of [`Endorser::process`](crate::endorser::Endorser::process): the answer and its
/// cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Processed {
    /// The answer for the client.
    pub response: protos::ProposalResponse,
    /// Units of work of the chaincode; 0 if it did not run or is a system chaincode.
    pub fuel: u64,
    /// Calls of the chaincode to its peer; 0 as for `fuel`.
    pub host_calls: u64,
    /// Namespaces and public keys that the transaction read after it had written them; the reads
    /// returned the old values.
    pub own_reads: Vec<OwnRead>,
    /// True if this peer failed before the transaction used up its limits, so that another peer may
    /// succeed. False for all answers of a chaincode.
    pub is_of_this_peer: bool,
}

impl Processed {
    /// Makes Fabric's answer to an error in the execution.
    pub(super) fn failed(message: String, is_of_this_peer: bool) -> Self {
        let response = protos::Response { status: 500, message, payload: Vec::new() };
        let response = protos::ProposalResponse { response: Some(response), ..Default::default() };
        Self { response, fuel: 0, host_calls: 0, own_reads: Vec::new(), is_of_this_peer }
    }
}
