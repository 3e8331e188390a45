//! The port through which chaincodes learn what a client may do, and by which rules a channel
//! works.

use wasmcc_ledger::LedgerError;
use wasmcc_types::{Permission, ProposalContext};

/// One collection of a chaincode on a channel.
#[derive(Clone, Copy, Debug)]
pub struct CollectionName<'a> {
    /// The channel.
    pub channel: &'a str,
    /// The chaincode.
    pub namespace: &'a str,
    /// The collection.
    pub collection: &'a str,
}

/// What not every channel lets a chaincode do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Endorsement policies of single keys.
    KeyLevelEndorsement,
    /// Purging private data.
    PurgePrivateData,
}

/// Why a collection cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CollectionError {
    /// There is none of its name, or no usable one: every peer says so.
    #[error("{0}")]
    Refused(String),
    /// The definition on this peer is not what peers write.
    #[error("{0}")]
    Damaged(String),
    /// The simulation could not read the definition.
    #[error(transparent)]
    State(#[from] LedgerError),
}

/// Reads a key of a namespace in the simulation that asks; the read is recorded.
pub type ReadState<'a> = dyn FnMut(&str, &str) -> Result<Option<Vec<u8>>, LedgerError> + 'a;

/// Checks the creator of a proposal. The proposal's signature has been verified before any
/// chaincode runs, so this is about who the creator is, not about signatures.
pub trait AccessControl: Send + Sync {
    /// Whether the creator may use `resource` (Fabric's names, such as "peer/Propose") on
    /// `channel`, which is empty for resources of the peer itself: the one of the organization
    /// `org` (MSP id), which simulates. The error says which rule refused.
    fn check(
        &self,
        resource: &str,
        channel: &str,
        org: &str,
        proposal: &ProposalContext,
    ) -> Result<(), String>;

    /// What the creator may do with a collection.
    fn collection_permission(
        &self,
        name: CollectionName<'_>,
        proposal: &ProposalContext,
        read: &mut ReadState<'_>,
    ) -> Result<Permission, CollectionError>;

    /// Whether a chaincode has such a collection, which is all that the hash of a value needs.
    fn check_collection(
        &self,
        name: CollectionName<'_>,
        read: &mut ReadState<'_>,
    ) -> Result<(), CollectionError>;

    /// Whether the channel's capabilities include a feature.
    fn check_feature(&self, feature: Feature, channel: &str) -> Result<(), String>;

    /// Whether the peers of a channel know `_lifecycle` (capability V2_0).
    fn has_lifecycle(&self, channel: &str) -> bool;
}
