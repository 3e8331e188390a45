//! A call of a chaincode, as a test writes it.

use std::collections::BTreeMap;

use crate::sandbox::CHANNEL;
use wasmcc_client::ProposalBuilder;
use wasmcc_types::Timestamp;

/// Whom to call with what, and as whom. By default the caller is `User1` of the peer's organization
/// and the time is now.
#[derive(Clone, Debug)]
pub struct Call {
    proposal: ProposalBuilder,
    transient: BTreeMap<String, Vec<u8>>,
    org: Option<String>,
    user: String,
}

impl Call {
    /// A call of `function` of `chaincode`.
    pub fn new(chaincode: &str, function: &str) -> Self {
        let proposal = ProposalBuilder::new(CHANNEL, chaincode).args([function]);
        Self { proposal, transient: BTreeMap::new(), org: None, user: "User1".into() }
    }

    /// Arguments after the function's name.
    pub fn args<A: Into<Vec<u8>>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.proposal = self.proposal.args(args);
        self
    }

    /// The caller's organization, whose peer is asked if it has one; without, the first one.
    pub fn org(mut self, msp_id: &str) -> Self {
        self.org = Some(msp_id.to_owned());
        self
    }

    /// The caller, a user of that organization.
    pub fn user(mut self, user: &str) -> Self {
        user.clone_into(&mut self.user);
        self
    }

    /// Data for the endorser's eyes only.
    pub fn transient(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.transient.insert(name.to_owned(), value.into());
        self
    }

    /// The client's clock.
    pub fn timestamp(mut self, timestamp: Timestamp) -> Self {
        self.proposal = self.proposal.timestamp(timestamp);
        self
    }

    /// Makes the transaction's id repeatable; without, every call has its own.
    pub fn nonce(mut self, nonce: impl Into<Vec<u8>>) -> Self {
        self.proposal = self.proposal.nonce(nonce);
        self
    }

    /// The proposal, not signed yet, and the caller's organization and name.
    pub(super) fn into_proposal(self) -> (ProposalBuilder, Option<String>, String) {
        (self.proposal.transient(self.transient), self.org, self.user)
    }
}
