//! The metrics of one proposal.
//!
//! Invariant: names from a client's claims appear in metrics only if they exist on this peer.

use std::sync::Arc;
use std::time::Instant;

use crate::endorser::processed::Processed;
use crate::endorser::proposal::UnpackedProposal;
use wasmcc_metrics::Chaincode;
use wasmcc_types::Response;

/// One proposal, from its arrival on.
pub(super) struct Measured {
    since: Instant,
    /// None while it is unknown whether the chaincode exists.
    series: Option<Arc<Chaincode>>,
}

impl Measured {
    /// Records the arrival of a proposal.
    pub(super) fn begin() -> Self {
        wasmcc_metrics::get().endorser.proposals_received.inc();
        Self { since: Instant::now(), series: None }
    }

    /// Records that it failed the first checks.
    pub(super) fn is_invalid() {
        wasmcc_metrics::get().endorser.proposal_validation_failures.inc();
    }

    /// Records the arrival of a proposal that cannot be unpacked.
    pub(super) fn is_unreadable() {
        wasmcc_metrics::get().endorser.proposals_received.inc();
        Self::is_invalid();
    }

    /// Returns the series of a proposal whose chaincode was not looked up.
    pub(super) fn known(proposal: &UnpackedProposal) -> Arc<Chaincode> {
        wasmcc_metrics::known_chaincode(proposal.channel_id(), &proposal.chaincode_id.name)
    }

    /// Records that LSCC deployed a chaincode whose init failed.
    pub(super) fn instantiation_failed(channel: &str, chaincode: &str) {
        wasmcc_metrics::known_chaincode(channel, chaincode).instantiation_failures.inc();
    }

    /// Records that the chaincode exists and will be executed.
    pub(super) fn executes(&mut self, channel: &str, chaincode: &str) -> Arc<Chaincode> {
        let series = wasmcc_metrics::chaincode(channel, chaincode);
        self.series = Some(Arc::clone(&series));
        series
    }

    /// Records the end of a proposal, with its answer if there is one.
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
            proposal.line().executed(status, processed.fuel, processed.host_calls, took);
        }
    }
}
