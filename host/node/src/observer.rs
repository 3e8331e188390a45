//! Somebody who watches what the peer does, such as a developer's terminal.
//!
//! Does not change what comes of a proposal.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::determinism::Divergence;
use crate::twice::Twice;
use wasmcc_peer::endorser::{Checked, Checks, Endorser, Processed, Rejected, UnpackedProposal};
use wasmcc_runtime::Runtime;
use wasmcc_types::Client;

/// Hears of proposals. It is called on the thread that processed one, where it must neither wait
/// nor panic.
pub trait Observer: Send + Sync {
    /// A proposal was processed.
    fn processed(&self, seen: &Seen<'_>);
    /// A client has evaluated a transaction: nothing more will come of it.
    fn evaluated(&self, tx_id: &str);
    /// A proposal was run several times, and the contract did not do the same each time.
    fn diverged(&self, _proposal: &Arc<UnpackedProposal>, _divergence: &Divergence) {}
}

/// A proposal and what came of it.
pub struct Seen<'a> {
    /// The MSP id of the organization whose peer processed it.
    pub org: &'a str,
    /// What the client sent.
    pub proposal: &'a Arc<UnpackedProposal>,
    /// The answer, or why there is none.
    pub outcome: &'a Result<Processed, Rejected>,
    /// How long that took.
    pub elapsed: Duration,
    /// The checks that were made before anything ran.
    pub checks: &'a [Checked],
}

/// Where a proposal is processed.
pub(crate) struct Place<'a> {
    /// The MSP id of the organization.
    pub org: &'a str,
    /// The endorser of its peer.
    pub endorser: &'a Endorser,
    /// What runs components.
    pub runtime: &'a Runtime,
}

/// Has a proposal processed, several times if `twice` is there, and tells the observer.
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
