//! The chaincode that the client called (fabric `protoutil/proputils.go`,
//! `InvokedChaincodeName`).

use prost::Message;

use wasmcc_types::proto::protos;

/// Refuses a call from another chaincode. `rejecting` begins the text.
pub(super) fn refuse_chaincodes(
    name: &str,
    signed: &protos::SignedProposal,
    rejecting: &str,
) -> Result<(), String> {
    let invoked = invoked_chaincode(signed)
        .map_err(|why| format!("Failed to identify the called chaincode: {why}"))?;
    if invoked == name {
        return Ok(());
    }
    Err(format!("{rejecting}, original invocation for '{invoked}'"))
}

/// The name in the invocation's specification, which the header need not agree with.
fn invoked_chaincode(signed: &protos::SignedProposal) -> Result<String, String> {
    let unreadable = |what: &str, error| format!("could not unmarshal {what}: {error}");
    let proposal = protos::Proposal::decode(signed.proposal_bytes.as_slice())
        .map_err(|error| unreadable("proposal", error))?;
    let payload = protos::ChaincodeProposalPayload::decode(proposal.payload.as_slice())
        .map_err(|error| unreadable("chaincode proposal payload", error))?;
    let invocation = protos::ChaincodeInvocationSpec::decode(payload.input.as_slice())
        .map_err(|error| unreadable("chaincode invocation spec", error))?;
    let spec = invocation.chaincode_spec.ok_or("chaincode spec is nil")?;
    let id = spec.chaincode_id.ok_or("chaincode id is nil")?;
    Ok(id.name)
}
