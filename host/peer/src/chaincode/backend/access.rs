//! The port for access control: the rights of clients, and the features and collections of
//! channels.

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

/// The reason why a client may not use a resource.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The organization that should decide has no peer in this process.
    #[error("{0} has no peer here")]
    NoPeer(String),
    /// A rule refuses it.
    #[error(transparent)]
    Acl(Box<AclError>),
}

impl From<AclError> for AccessError {
    fn from(error: AclError) -> Self {
        Self::Acl(Box::new(error))
    }
}

/// The reason why a channel does not allow a chaincode a feature.
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

/// The reason why a collection cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CollectionError {
    /// The peer has not joined the channel.
    #[error("channel '{0}' not found")]
    UnknownChannel(String),
    /// The chaincode has no collection of this name; the text contains channel, chaincode and name.
    #[error("collection {0} could not be found")]
    NotFound(String),
    /// The chaincode's definition of the collection cannot be used.
    #[error("error setting up collection {path}: {reason}")]
    Unusable {
        /// Channel, chaincode and name.
        path: String,
        /// Describes the error.
        reason: UnusableCollection,
    },
    /// The chaincode has no collections, or not this one.
    #[error(transparent)]
    NotDefined(#[from] NotDefined),
    /// The simulation could not read the definition, or the definition is damaged.
    #[error(transparent)]
    LookUp(#[from] LookupError<LedgerError>),
}

/// Reads a key of a namespace in the simulation, which records the read.
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

    /// Returns the creator's rights to a collection.
    fn collection_permission(
        &self,
        name: CollectionName<'_>,
        proposal: &ProposalContext,
        read: &mut ReadState<'_>,
    ) -> Result<Permission, CollectionError>;

    /// Checks that a chaincode has the collection. No other check is needed to read the hash of a
    /// value.
    fn check_collection(
        &self,
        name: CollectionName<'_>,
        read: &mut ReadState<'_>,
    ) -> Result<(), CollectionError>;

    /// Checks that the channel's capabilities include a feature.
    fn check_feature(&self, feature: Feature, channel: &str) -> Result<(), FeatureError>;

    /// Returns true if the channel has `_lifecycle` (capability V2_0).
    fn has_lifecycle(&self, channel: &str) -> bool;
}
