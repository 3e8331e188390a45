//! The port for an observer of a peer, such as a developer's terminal.
//!
//! Does not change the result of a proposal.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::determinism::Divergence;
use crate::twice::Twice;
use wasmcc_peer::endorser::{Checked, Checks, Endorser, Processed, Rejected, UnpackedProposal};
use wasmcc_runtime::Runtime;
use wasmcc_types::Client;

/// Observes proposals. Called on the thread that processed one, so it must neither wait nor panic.
pub trait Observer: Send + Sync {
    /// Called after a proposal was processed.
    fn processed(&self, seen: &Seen<'_>);
    /// Called after a client has evaluated a transaction, which will not be submitted.
    fn evaluated(&self, tx_id: &str);
    /// Called if the runs of a proposal differ, after it was run several times.
    fn diverged(&self, _proposal: &Arc<UnpackedProposal>, _divergence: &Divergence) {}
}

/// A proposal and its result.
pub struct Seen<'a> {
    /// The MSP id of the organization whose peer processed it.
    pub org: &'a str,
    /// The proposal of the client.
    pub proposal: &'a Arc<UnpackedProposal>,
    /// The answer, or the refusal.
    pub outcome: &'a Result<Processed, Rejected>,
    /// The time that it took.
    pub elapsed: Duration,
    /// The checks before the execution.
    pub checks: &'a [Checked],
}

/// The endorser and the runtime that process a proposal.
pub(crate) struct Place<'a> {
    /// The MSP id of the organization.
    pub org: &'a str,
    /// The endorser of its peer.
    pub endorser: &'a Endorser,
    /// The runtime of components.
    pub runtime: &'a Runtime,
}

/// Processes a proposal, several times if `twice` is set, and informs the observer.
pub(crate) async fn process(
    at: Place<'_>,
    observer: &dyn Observer,
    twice: Option<&Twice>,
    proposal: Arc<UnpackedProposal>,
    client: Client,
) -> Result<Processed, Rejected> {
    let (started, mut checks) = (Instant::now(), Checks::watched());
    let (outcome, elapsed) = match twice {
        None => {
            let outcome = at.endorser.process_watched(Arc::clone(&proposal), client, &mut checks);
            let outcome = outcome.await;
            (outcome, started.elapsed())
        }
        Some(twice) => {
            let (outcome, elapsed, divergence) =
                twice.process(&at, &proposal, client, &mut checks).await;
            if let Some(divergence) = divergence {
                observer.diverged(&proposal, &divergence);
            }
            (outcome, elapsed)
        }
    };
    let org = at.org;
    let (proposal, checks) = (&proposal, checks.made());
    observer.processed(&Seen { org, proposal, outcome: &outcome, elapsed, checks });
    outcome
}
