//! What became of a proposal that was not refused.

use wasmcc_types::proto::protos;

/// What [`Endorser::process`](crate::endorser::Endorser::process) gave: the answer, and what it
/// cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Processed {
    /// What the client gets.
    pub response: protos::ProposalResponse,
    /// Units of work of the chaincode; 0 if it did not run or is a system chaincode.
    pub fuel: u64,
    /// Calls of the chaincode to its peer; 0 as for `fuel`.
    pub host_calls: u64,
    /// Namespaces and public keys that the transaction read after it had written them: it got the
    /// values from before.
    pub own_reads: Vec<(String, String)>,
    /// Whether this peer failed, before the transaction used up what it may: another peer may get
    /// further. False for whatever a chaincode answered.
    pub is_of_this_peer: bool,
}

impl Processed {
    /// Fabric's answer to trouble in the execution.
    pub(super) fn failed(message: String, is_of_this_peer: bool) -> Self {
        let response = protos::Response { status: 500, message, payload: Vec::new() };
        let response = protos::ProposalResponse { response: Some(response), ..Default::default() };
        Self { response, fuel: 0, host_calls: 0, own_reads: Vec::new(), is_of_this_peer }
    }
}
