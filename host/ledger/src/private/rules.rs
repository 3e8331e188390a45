//! The rules of private data collections, which callers provide.
//!
//! Invariant: the ledger itself never reads a collection's definition.

use crate::error::LedgerError;

/// The collections in the committed state while a block is committed.
pub trait CollectionRules: Send + Sync {
    /// Returns the rule of a collection; None if it does not exist. Private data of an unknown
    /// collection are not stored, but the block is committed. Called at most once for each
    /// collection of a block.
    ///
    /// Errors: only a failure of this machine; then the block is not committed.
    fn rule(
        &self,
        namespace: &str,
        collection: &str,
    ) -> Result<Option<CollectionRule>, LedgerError>;

    /// Returns the organizations of this process that become holders of a collection by the writes
    /// of the transaction at this index, if it is valid.
    fn new_holders(&self, _tx: usize) -> &[NewHolder] {
        &[]
    }
}

/// An organization that gets the data that others of this process hold of a collection.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NewHolder {
    /// The namespace.
    pub namespace: String,
    /// The collection.
    pub collection: String,
    /// The MSP id of the organization.
    pub org: String,
}

/// The rule for the private data of one collection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CollectionRule {
    /// The organizations of this process that may hold the plain data (MSP ids).
    pub holders: Vec<String>,
    /// Blocks after which the data expire: data of block n are removed with block n +
    /// `block_to_live` + 1. 0: never.
    pub block_to_live: u64,
}

/// Rules for blocks without collections.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCollections;

impl CollectionRules for NoCollections {
    fn rule(&self, _: &str, _: &str) -> Result<Option<CollectionRule>, LedgerError> {
        Ok(None)
    }
}
