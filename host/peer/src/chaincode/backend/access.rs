//! The port for access control: what a client may do, and what a channel allows.

use wasmcc_channel::collections::{LookupError, NotDefined, UnusableCollection};
use wasmcc_ledger::LedgerError;
use wasmcc_msp::AclError;
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

/// A feature that a channel must enable for chaincodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Endorsement policies of single keys.
    KeyLevelEndorsement,
    /// Purging private data.
    PurgePrivateData,
}

impl Feature {
    fn name(self) -> &'static str {
        match self {
            Self::KeyLevelEndorsement => "key level endorsement",
            Self::PurgePrivateData => "purge private data",
        }
    }

    fn capability(self) -> &'static str {
        match self {
            Self::KeyLevelEndorsement => "V1_3",
            Self::PurgePrivateData => "V2_5",
        }
    }
}

/// Why a client may not use a resource.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The organization whose peer should decide has none in this process.
    #[error("{0} has no peer here")]
    NoPeer(String),
    /// The rule that refuses it.
    #[error(transparent)]
    Acl(Box<AclError>),
}

impl From<AclError> for AccessError {
    fn from(error: AclError) -> Self {
        Self::Acl(Box::new(error))
    }
}

/// Why a channel does not let a chaincode do something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeatureError {
    /// The peer has not joined the channel.
    #[error("application config does not exist for {0}")]
    UnknownChannel(String),
    /// The channel does not have the capability.
    #[error(
        "{} is not enabled, channel application capability of {} or later is required",
        .0.name(), .0.capability()
    )]
    NotEnabled(Feature),
}

/// Why a collection cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CollectionError {
    /// The peer has not joined the channel.
    #[error("channel '{0}' not found")]
    UnknownChannel(String),
    /// The chaincode has no collection of this name; the text has channel, chaincode and name.
    #[error("collection {0} could not be found")]
    NotFound(String),
    /// The chaincode's definition of the collection cannot be used.
    #[error("error setting up collection {path}: {reason}")]
    Unusable {
        /// Channel, chaincode and name.
        path: String,
        /// What is wrong.
        reason: UnusableCollection,
    },
    /// The chaincode has no collections, or other ones.
    #[error(transparent)]
    NotDefined(#[from] NotDefined),
    /// The simulation could not read the definition, or it is not what peers write.
    #[error(transparent)]
    LookUp(#[from] LookupError<LedgerError>),
}

/// Reads a key of a namespace in the simulation; the read is recorded.
pub type ReadState<'a> = dyn FnMut(&str, &str) -> Result<Option<Vec<u8>>, LedgerError> + 'a;

/// Checks the creator of a proposal. The proposal's signature is verified before any chaincode
/// runs, so implementations check the identity only.
pub trait AccessControl: Send + Sync {
    /// Checks that the creator may use `resource` (Fabric's names, such as "peer/Propose") on
    /// `channel`. The channel is empty for resources of the peer itself, which the organization
    /// `org` (MSP id) of the simulating peer controls.
    fn check(
        &self,
        resource: &str,
        channel: &str,
        org: &str,
        proposal: &ProposalContext,
    ) -> Result<(), AccessError>;

    /// Returns what the creator may do with a collection.
    fn collection_permission(
        &self,
        name: CollectionName<'_>,
        proposal: &ProposalContext,
        read: &mut ReadState<'_>,
    ) -> Result<Permission, CollectionError>;

    /// Checks that a chaincode has the collection. Reading the hash of a value needs nothing more.
    fn check_collection(
        &self,
        name: CollectionName<'_>,
        read: &mut ReadState<'_>,
    ) -> Result<(), CollectionError>;

    /// Checks that the channel's capabilities include a feature.
    fn check_feature(&self, feature: Feature, channel: &str) -> Result<(), FeatureError>;

    /// Whether the channel has `_lifecycle` (capability V2_0).
    fn has_lifecycle(&self, channel: &str) -> bool;
}
