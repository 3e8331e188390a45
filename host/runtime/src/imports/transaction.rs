//! `fabric:chaincode/transaction`.

use crate::backend::ProposalPart;
use crate::bindings::fabric::chaincode::transaction::{Host, SignedProposal};
use crate::bindings::fabric::chaincode::types::{Entry, Timestamp};
use crate::cost::{self, Received};
use crate::imports::entry;
use crate::tx_state::TxState;

impl Host for TxState {
    fn get_args(&mut self) -> wasmtime::Result<Vec<Vec<u8>>> {
        self.count_call(0)?;
        let args = self.invocation().args.clone();
        self.charge(args.cost());
        Ok(args)
    }

    fn get_tx_id(&mut self) -> wasmtime::Result<String> {
        self.count_call(0)?;
        Ok(self.invocation().tx_id.to_string())
    }

    fn get_channel_id(&mut self) -> wasmtime::Result<String> {
        self.count_call(0)?;
        Ok(self.invocation().channel_id.clone())
    }

    fn get_creator(&mut self) -> wasmtime::Result<Vec<u8>> {
        self.count_call(self.invocation().proposal.creator.len())?;
        Ok(self.invocation().proposal.creator.clone())
    }

    fn get_transient(&mut self) -> wasmtime::Result<Vec<Entry>> {
        self.count_call(0)?;
        self.reads_proposal(ProposalPart::Transient);
        self.charge(cost::entries(&self.invocation().proposal.transient));
        let transient = &self.invocation().proposal.transient;
        Ok(transient.iter().map(|(name, value)| entry((name.clone(), value.clone()))).collect())
    }

    fn get_tx_timestamp(&mut self) -> wasmtime::Result<Option<Timestamp>> {
        self.count_call(0)?;
        let timestamp = self.invocation().proposal.timestamp;
        Ok(timestamp.map(|at| Timestamp { seconds: at.seconds, nanos: at.nanos }))
    }

    fn get_binding(&mut self) -> wasmtime::Result<Vec<u8>> {
        self.count_call(0)?;
        Ok(self.invocation().proposal.binding())
    }

    fn get_signed_proposal(&mut self) -> wasmtime::Result<Option<SignedProposal>> {
        self.count_call(self.invocation().proposal.signed.proposal_bytes.len())?;
        self.reads_proposal(ProposalPart::Signed);
        let proposal = &self.invocation().proposal.signed;
        Ok((!proposal.proposal_bytes.is_empty()).then(|| SignedProposal {
            proposal_bytes: proposal.proposal_bytes.clone(),
            signature: proposal.signature.clone(),
        }))
    }

    fn get_decorations(&mut self) -> wasmtime::Result<Vec<Entry>> {
        self.count_call(0)?;
        self.charge(cost::entries(&self.invocation().decorations));
        let decorations = &self.invocation().decorations;
        Ok(decorations.iter().map(|(name, value)| entry((name.clone(), value.clone()))).collect())
    }

    fn get_peer_msp_id(&mut self) -> wasmtime::Result<Option<String>> {
        self.count_call(0)?;
        let msp_id = &self.invocation().peer_msp_id;
        Ok((!msp_id.is_empty()).then(|| msp_id.clone()))
    }
}
