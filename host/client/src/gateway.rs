//! Signed requests to a peer's gateway service.

use prost::Message;

use wasmcc_msp::SigningIdentity;
use wasmcc_types::proto::gateway;
use wasmcc_types::proto::orderer::SeekPosition;

/// Asks for the outcome of a transaction; the peer responds when the transaction is committed.
pub fn commit_status_request(
    channel_id: &str,
    tx_id: &str,
    signer: &SigningIdentity,
) -> gateway::SignedCommitStatusRequest {
    let request = gateway::CommitStatusRequest {
        transaction_id: tx_id.to_owned(),
        channel_id: channel_id.to_owned(),
        identity: signer.serialized().to_vec(),
    };
    let request = request.encode_to_vec();
    let signature = signer.sign(&request);
    gateway::SignedCommitStatusRequest { request, signature }
}

/// Asks for the events of a chaincode, beginning with `start`; without it, with the next block.
pub fn chaincode_events_request(
    channel_id: &str,
    chaincode_id: &str,
    start: Option<SeekPosition>,
    signer: &SigningIdentity,
) -> gateway::SignedChaincodeEventsRequest {
    let request = gateway::ChaincodeEventsRequest {
        channel_id: channel_id.to_owned(),
        chaincode_id: chaincode_id.to_owned(),
        identity: signer.serialized().to_vec(),
        start_position: start,
        after_transaction_id: String::new(),
    };
    let request = request.encode_to_vec();
    let signature = signer.sign(&request);
    gateway::SignedChaincodeEventsRequest { request, signature }
}
