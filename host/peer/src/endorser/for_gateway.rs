//! Reads the parts of a proposal that a gateway needs before it sends it to endorsers (fabric
//! `internal/pkg/gateway/evaluate.go`, `getChannelAndChaincodeFromSignedProposal`, and
//! `endorse.go`).

use std::sync::Arc;

use crate::endorser::error::Rejected;
use crate::endorser::proposal::{
    ChaincodeProposalPayload, Header, Proposal, UnpackedProposal, bytes_of, decode,
};
use wasmcc_types::proto::{common, protos};

impl UnpackedProposal {
    /// Checks the parts for a gateway, of a proposal that cannot be unpacked.
    ///
    /// # Errors
    /// The outer error: they cannot be read. The inner one: the channel or the chaincode is
    /// missing. If there is no error, the endorser refuses the proposal.
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

    /// Checks that the proposal names a channel and a chaincode.
    pub fn check_named(&self) -> Result<(), Rejected> {
        check_named(self.channel_id(), Some(self.context.called.as_deref()))
    }

    /// Returns the chaincode that the invocation names, which a gateway uses. Endorsers use the one
    /// in the header.
    pub fn called(&self) -> &str {
        self.context.called.as_deref().unwrap_or_default()
    }
}

/// Checks the names; `called` is the name in the id in the specification.
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
