//! Calls with a profile: the fuel of each function is measured.

use std::sync::Arc;

use crate::sandbox::{Call, Endorsed, Sandbox, SandboxError};
use wasmcc_peer::endorser::UnpackedProposal;
use wasmcc_runtime::Profile;

impl Sandbox {
    /// As [`endorse`](Self::endorse), and returns the fuel of each function, even if the chaincode
    /// fails. The sandbox must be made with [`profiled`], and the component needs probes
    /// ([`with_probes`]).
    ///
    /// [`profiled`]: crate::sandbox::SandboxBuilder::profiled
    /// [`with_probes`]: wasmcc_runtime::with_probes
    pub fn profile(&self, call: Call) -> Result<(Endorsed, Profile), SandboxError> {
        let (builder, org, user) = call.into_proposal();
        let org = org.unwrap_or_else(|| self.org.clone());
        let signer = self.identity_of(&org, &user)?;
        let proposal = builder.sign(&signer);
        let profiling = self.peer.runtime().profile(&proposal.tx_id);
        let unpacked = UnpackedProposal::unpack_for_endorser(proposal.signed.clone())?;
        let processed = self.process(self.peer_of(&org), &unpacked)?;
        let profile = profiling.profile();
        let endorsed = Endorsed::read(processed, (proposal, unpacked), Arc::clone(&signer))?;
        Ok((endorsed, profile))
    }
}
