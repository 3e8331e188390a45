//! What the ledger must know of collections of private data, asked for from outside.
//!
//! Invariant: the ledger itself never looks into a collection's definition.

use crate::ledger::error::LedgerError;
use crate::ledger::snapshot::Snapshot;

/// What the committed state says of collections, asked while a block is committed.
pub trait CollectionRules: Send + Sync {
    /// None: there is no such collection. Then nothing of it is stored in the clear, and the block
    /// is committed all the same. Asked at most once a block for each collection.
    ///
    /// Errors: only what keeps this from looking; the block is not committed then.
    fn rule(
        &self,
        namespace: &str,
        collection: &str,
    ) -> Result<Option<CollectionRule>, LedgerError>;
}

/// What the ledger does with the private data of one collection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CollectionRule {
    /// Organizations of this process that may hold the data in the clear (MSP ids).
    pub holders: Vec<String>,
    /// Blocks after which data is forgotten: what block n wrote goes with block
    /// n + `block_to_live` + 1. 0: never.
    pub block_to_live: u64,
}

/// Rules without collections.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCollections;

impl CollectionRules for NoCollections {
    fn rule(&self, _: &str, _: &str) -> Result<Option<CollectionRule>, LedgerError> {
        Ok(None)
    }
}

/// Makes rules from a state, for blocks that are judged again: `wasmcc ledger` reads the channel's
/// collections there as a peer does.
pub trait RulesOfState: Send + Sync {
    /// The rules that hold for the block which comes next to a state.
    fn rules(&self, state: &Snapshot) -> Box<dyn CollectionRules>;
}

impl RulesOfState for NoCollections {
    fn rules(&self, _: &Snapshot) -> Box<dyn CollectionRules> {
        Box::new(Self)
    }
}
