//! Somebody who watches what the peer does, such as a developer's terminal.

use std::sync::Arc;
use std::time::Duration;

use wasmcc_peer::endorser::{Processed, Rejected, UnpackedProposal};

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
