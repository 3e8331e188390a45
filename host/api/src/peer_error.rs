//! Errors of a peer's operations for its services. The texts are sent to clients.

use std::error::Error;

use wasmcc_msp::AclError;
use wasmcc_msp::policy::PolicyError;
use wasmcc_types::proto::common;

/// An error of the peer whose type the services do not know.
type Cause = Box<dyn Error + Send + Sync>;

/// The reason why a channel's ledger cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LedgerReadError {
    /// The peer has not joined the channel.
    #[error("channel '{0}' not found")]
    NoChannel(String),
    /// The requested data cannot be read, or the request is not valid.
    #[error(transparent)]
    Unreadable(Cause),
}

/// The reason why a client lacks a right.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The peer has not joined the channel.
    #[error("channel '{0}' not found")]
    NoChannel(String),
    /// The channel has no policy of this name.
    #[error("could not find policy {0}")]
    NoPolicy(String),
    /// The access control of a resource refuses.
    #[error(transparent)]
    Acl(#[from] AclError),
    /// A policy of the channel refuses.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// The reason why the peers of this process cannot be listed, or cannot endorse together.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// No peer of this process has joined the channel.
    #[error("channel '{0}' not found")]
    NoChannel(String),
    /// The organization has no peer in this process.
    #[error("organization {0} has no peer here")]
    NoPeer(String),
    /// The peers cannot satisfy the policies, whatever chaincodes they run.
    #[error("no peer combination can satisfy the endorsement policy")]
    Unsatisfiable,
    /// The peers that run the chaincodes do not satisfy the policies.
    #[error("required chaincodes are not installed on sufficient peers")]
    NotInstalled,
    /// The channel does not have the requested data, or the data cannot be read.
    #[error(transparent)]
    Unreadable(Cause),
}

impl DiscoveryError {
    /// Wraps an error of a type that the services do not know.
    pub fn unreadable(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Unreadable(Box::new(error))
    }
}

/// The reason why a client may not administer the peer of an organization.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The organization has no peer in this process.
    #[error("organization {0} has no peer here")]
    NoPeer(String),
    /// The signature is not valid, or its identity is not an admin.
    #[error(transparent)]
    Refused(#[from] PolicyError),
    /// As `Refused`, by the ACL of a resource.
    #[error(transparent)]
    Acl(#[from] AclError),
}

/// The reason why a request for a snapshot is refused.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct SnapshotError(pub Cause);

/// The reason why endorsements cannot be assembled to a transaction.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct AssembleError(pub Cause);

/// The reason why an orderer refuses a transaction. The text is the `info` of its answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// It is malformed.
    #[error("{0}")]
    BadRequest(String),
    /// Its creator may not write to the channel.
    #[error("{0}")]
    Forbidden(String),
    /// The orderer accepts nothing at present.
    #[error("{0}")]
    Unavailable(String),
}

impl OrderError {
    /// Returns the status of the orderer's `BroadcastResponse`.
    pub fn status(&self) -> common::Status {
        match self {
            Self::BadRequest(_) => common::Status::BadRequest,
            Self::Forbidden(_) => common::Status::Forbidden,
            Self::Unavailable(_) => common::Status::ServiceUnavailable,
        }
    }
}
