//! What is counted of one proposal.
//!
//! Invariant: what a client claims is counted under its name only if that exists on this peer.

use std::sync::Arc;
use std::time::Instant;

use crate::endorser::processed::Processed;
use crate::endorser::proposal::UnpackedProposal;
use wasmcc_metrics::Chaincode;
use wasmcc_types::Response;

/// One proposal, from its arrival on.
pub(super) struct Measured {
    since: Instant,
    /// None: it is not known that there is such a chaincode.
    series: Option<Arc<Chaincode>>,
}

impl Measured {
    /// A proposal comes.
    pub(super) fn begin() -> Self {
        wasmcc_metrics::get().endorser.proposals_received.inc();
        Self { since: Instant::now(), series: None }
    }

    /// It fails the first checks.
    pub(super) fn is_invalid() {
        wasmcc_metrics::get().endorser.proposal_validation_failures.inc();
    }

    /// A proposal comes that cannot be unpacked.
    pub(super) fn is_unreadable() {
        wasmcc_metrics::get().endorser.proposals_received.inc();
        Self::is_invalid();
    }

    /// The series of a proposal whose chaincode was not looked up.
    pub(super) fn known(proposal: &UnpackedProposal) -> Arc<Chaincode> {
        wasmcc_metrics::known_chaincode(proposal.channel_id(), &proposal.chaincode_id.name)
    }

    /// LSCC deployed a chaincode whose init failed.
    pub(super) fn instantiation_failed(channel: &str, chaincode: &str) {
        wasmcc_metrics::known_chaincode(channel, chaincode).instantiation_failures.inc();
    }

    /// The chaincode exists and will be executed.
    pub(super) fn executes(&mut self, channel: &str, chaincode: &str) -> Arc<Chaincode> {
        let series = wasmcc_metrics::chaincode(channel, chaincode);
        self.series = Some(Arc::clone(&series));
        series
    }

    /// The proposal has come to its end, with this answer if there is one.
    pub(super) fn ends(self, proposal: &UnpackedProposal, processed: Option<&Processed>) {
        let took = self.since.elapsed();
        let status = |processed: &Processed| {
            let response = processed.response.response.as_ref();
            response.map_or(Response::ERROR, |response| response.status)
        };
        let status = processed.map(status);
        let is_success = status.is_some_and(|status| status < Response::ERROR_THRESHOLD);
        if is_success {
            wasmcc_metrics::get().endorser.successful_proposals.inc();
        }
        let series = self.series.unwrap_or_else(|| Self::known(proposal));
        series.proposal_ended(took, is_success);
        if let (Some(status), Some(processed)) = (status, processed) {
            // As in Fabric, errors of a chaincode (500 and above) do not count here.
            if (Response::ERROR_THRESHOLD..Response::ERROR).contains(&status) {
                series.chaincode_errors.inc();
            }
            let cost = (processed.fuel, processed.host_calls);
            proposal.line().executed(status, cost, took);
        }
    }
}
