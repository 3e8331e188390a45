//! A call of a chaincode in a test.

use std::collections::BTreeMap;

use crate::sandbox::CHANNEL;
use wasmcc_client::ProposalBuilder;
use wasmcc_types::Timestamp;

/// A call of a chaincode: function, arguments and caller. By default the caller is `User1` of the
/// peer's organization, and the time is the current time.
#[derive(Clone, Debug)]
pub struct Call {
    proposal: ProposalBuilder,
    transient: BTreeMap<String, Vec<u8>>,
    org: Option<String>,
    user: String,
}

impl Call {
    /// Makes a call of `function` of `chaincode`.
    pub fn new(chaincode: &str, function: &str) -> Self {
        let proposal = ProposalBuilder::new(CHANNEL, chaincode).args([function]);
        Self { proposal, transient: BTreeMap::new(), org: None, user: "User1".into() }
    }

    /// Sets the arguments after the function's name.
    pub fn args<A: Into<Vec<u8>>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.proposal = self.proposal.args(args);
        self
    }

    /// Sets the caller's organization. Its peer endorses if it has one, otherwise the first peer.
    pub fn org(mut self, msp_id: &str) -> Self {
        self.org = Some(msp_id.to_owned());
        self
    }

    /// Sets the caller, a user of its organization.
    pub fn user(mut self, user: &str) -> Self {
        user.clone_into(&mut self.user);
        self
    }

    /// Adds transient data, which only endorsers see.
    pub fn transient(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.transient.insert(name.to_owned(), value.into());
        self
    }

    /// Sets the client's time.
    pub fn timestamp(mut self, timestamp: Timestamp) -> Self {
        self.proposal = self.proposal.timestamp(timestamp);
        self
    }

    /// Sets the nonce, which makes the transaction id repeatable. By default it is random.
    pub fn nonce(mut self, nonce: impl Into<Vec<u8>>) -> Self {
        self.proposal = self.proposal.nonce(nonce);
        self
    }

    /// Returns the unsigned proposal, and the caller's organization and name.
    pub(super) fn into_proposal(self) -> (ProposalBuilder, Option<String>, String) {
        (self.proposal.transient(self.transient), self.org, self.user)
    }
}
