//! Somebody who watches what the peer does, such as a developer's terminal.
//!
//! Does not change what comes of a proposal.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmcc_peer::endorser::{Endorser, Processed, Rejected, UnpackedProposal};
use wasmcc_types::Client;

/// Hears of proposals. It is called on the thread that processed one, where it must neither wait
/// nor panic.
pub trait Observer: Send + Sync {
    /// A proposal was processed.
    fn processed(&self, seen: &Seen<'_>);
    /// A client has evaluated a transaction: nothing more will come of it.
    fn evaluated(&self, tx_id: &str);
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
}

/// Has a proposal processed, and tells the observer, if there is one.
pub(crate) async fn process(
    endorser: &Endorser,
    observer: Option<&dyn Observer>,
    org: &str,
    proposal: Arc<UnpackedProposal>,
    client: Client,
) -> Result<Processed, Rejected> {
    let Some(observer) = observer else { return endorser.process(proposal, client).await };
    let started = Instant::now();
    let outcome = endorser.process(Arc::clone(&proposal), client).await;
    let elapsed = started.elapsed();
    observer.processed(&Seen { org, proposal: &proposal, outcome: &outcome, elapsed });
    outcome
}
