//! Calls that are run several times.

use std::sync::Arc;

use crate::determinism::{Run, compare};
use crate::sandbox::{Call, Endorsed, Sandbox, SandboxError};
use wasmcc_client::ClientProposal;
use wasmcc_msp::SigningIdentity;
use wasmcc_peer::endorser::UnpackedProposal;
use wasmcc_runtime::Variation;

impl Sandbox {
    /// As [`endorse`](Self::endorse), in several runs. The first run is as on a peer, and its
    /// result is returned. The others have different random numbers (and so a different order of
    /// hash maps), different clocks, or an earlier call in the same instance. If their calls to the
    /// peer or their responses differ, the error contains the first difference.
    ///
    /// A wasmcc peer hides all of these from contracts. Other hosts of the same contract do not, so
    /// there the same call may have another result when it is sent again.
    pub fn assert_deterministic(&self, call: Call) -> Result<Endorsed, SandboxError> {
        let (builder, org, user) = call.into_proposal();
        let org = org.unwrap_or_else(|| self.org.clone());
        let signer = self.identity_of(&org, &user)?;
        // All runs use one proposal: a contract may use the id and the time of its transaction.
        let proposal = builder.sign(&signer);
        let (endorsed, usual) = self.run_varied(&org, &proposal, &signer, Variation::None)?;
        for variation in Variation::ALL {
            let (_, other) = self.run_varied(&org, &proposal, &signer, variation)?;
            if let Some(divergence) = compare(variation, &usual, &other) {
                return Err(SandboxError::Diverged(Box::new(divergence)));
            }
        }
        Ok(endorsed)
    }

    fn run_varied(
        &self,
        org: &str,
        proposal: &ClientProposal,
        signer: &Arc<SigningIdentity>,
        variation: Variation,
    ) -> Result<(Endorsed, Run), SandboxError> {
        let recording = self.peer.runtime().record(&proposal.tx_id, variation);
        let unpacked = UnpackedProposal::unpack_for_endorser(proposal.signed.clone())?;
        let processed = self.process(self.peer_of(org), &unpacked)?;
        let calls = recording.host_calls();
        let endorsed = Endorsed::read(processed, (proposal.clone(), unpacked), Arc::clone(signer))?;
        let (response, event) = (endorsed.response.clone(), endorsed.event.clone());
        Ok((endorsed, Run { calls, response, event }))
    }
}
