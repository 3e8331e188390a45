//! What a gateway reads of a proposal, before it asks endorsers (fabric
//! `internal/pkg/gateway/evaluate.go`, `getChannelAndChaincodeFromSignedProposal`, and
//! `endorse.go`).

use std::sync::Arc;

use crate::endorser::error::Rejected;
use crate::endorser::proposal::{
    ChaincodeProposalPayload, Header, Proposal, UnpackedProposal, bytes_of, decode,
};
use wasmcc_types::proto::{common, protos};

impl UnpackedProposal {
    /// Reads what a gateway needs of a proposal that cannot be unpacked.
    ///
    /// # Errors
    /// The outer error: that cannot be read. The inner one: it names nothing to evaluate. Without
    /// either, it is the endorser that refuses the proposal.
    pub fn read_for_gateway(
        signed: &Arc<protos::SignedProposal>,
    ) -> Result<Result<(), Rejected>, Rejected> {
        let proposal: Proposal = decode(bytes_of(signed), "Proposal")?;
        let header: Header = decode(proposal.header, "Header")?;
        let channel: common::ChannelHeader = decode(header.channel_header, "ChannelHeader")?;
        let payload: ChaincodeProposalPayload =
            decode(proposal.payload, "ChaincodeProposalPayload")?;
        let invocation: protos::ChaincodeInvocationSpec =
            decode(payload.input, "ChaincodeInvocationSpec")?;
        let called = invocation.chaincode_spec.as_ref().map(|spec| spec.chaincode_id.as_ref());
        Ok(check_named(&channel.channel_id, called.map(|id| id.map(|id| id.name.as_str()))))
    }

    /// Checks that there is a channel, and a chaincode, to evaluate it.
    pub fn check_named(&self) -> Result<(), Rejected> {
        check_named(self.channel_id(), Some(self.context.called.as_deref()))
    }

    /// The chaincode that runs it by the word of the invocation, which a gateway goes by. Endorsers
    /// go by that of the header.
    pub fn called(&self) -> &str {
        self.context.called.as_deref().unwrap_or_default()
    }
}

/// `called` is the name in the id in the specification.
fn check_named(channel: &str, called: Option<Option<&str>>) -> Result<(), Rejected> {
    if channel.is_empty() {
        return Err(Rejected::new("no channel id provided"));
    }
    let missing = match called {
        None => "spec",
        Some(None) => "id",
        Some(Some("")) => "name",
        Some(Some(_)) => return Ok(()),
    };
    Err(Rejected::new(format!("no chaincode {missing} is provided, channel id [{channel}]")))
}
