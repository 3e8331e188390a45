//! The rules of collections for blocks that are validated again.
//!
//! Invariant: the ledger itself never reads a collection's definition.

use crate::private::rules::{CollectionRules, NoCollections};
use crate::simulate::snapshot::Snapshot;

/// Makes rules from a state, for blocks that are validated again: `wasmcc ledger` reads the
/// channel's collections as a peer does.
pub trait RulesOfState: Send + Sync {
    /// Returns the rules for the next block after this state.
    fn rules(&self, state: &Snapshot) -> Box<dyn CollectionRules>;
}

impl RulesOfState for NoCollections {
    fn rules(&self, _: &Snapshot) -> Box<dyn CollectionRules> {
        Box::new(Self)
    }
}
