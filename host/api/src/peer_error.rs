//! Why a peer does not do what a service asks for. The texts go to clients.

use std::error::Error;

use wasmcc_msp::AclError;
use wasmcc_msp::policy::PolicyError;
use wasmcc_types::proto::common;

/// An error of the peer whose type its services do not know.
type Cause = Box<dyn Error + Send + Sync>;

/// Why the ledger of a channel does not answer.
#[derive(Debug, thiserror::Error)]
pub enum LedgerReadError {
    /// The peer has not joined the channel.
    #[error("channel '{0}' not found")]
    NoChannel(String),
    /// What was asked for cannot be read, or does not make sense.
    #[error(transparent)]
    Unreadable(Cause),
}

/// Why a client may not do something.
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

/// Why the peers of this process cannot be told, or none of them together can endorse.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// No peer of this process has joined the channel.
    #[error("channel '{0}' not found")]
    NoChannel(String),
    /// The organization has no peer in this process.
    #[error("organization {0} has no peer here")]
    NoPeer(String),
    /// Whatever the peers run, they do not satisfy the policies.
    #[error("no peer combination can satisfy the endorsement policy")]
    Unsatisfiable,
    /// Those that run the chaincodes do not satisfy the policies.
    #[error("required chaincodes are not installed on sufficient peers")]
    NotInstalled,
    /// The channel does not have what was asked for, or it cannot be read.
    #[error(transparent)]
    Unreadable(Cause),
}

impl DiscoveryError {
    /// An error of a type that the services do not know.
    pub fn unreadable(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Unreadable(Box::new(error))
    }
}

/// Why a client may not administer the peer of an organization.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The organization has no peer in this process.
    #[error("organization {0} has no peer here")]
    NoPeer(String),
    /// The signature is wrong, or its identity is no admin's.
    #[error(transparent)]
    Refused(#[from] PolicyError),
    /// As `Refused`, by the access control of a resource.
    #[error(transparent)]
    Acl(#[from] AclError),
}

/// Why a request for a snapshot is refused.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct SnapshotError(pub Cause);

/// Why endorsements do not make a transaction.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct AssembleError(pub Cause);

/// Why an orderer does not accept a transaction. The text is the `info` of its answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// It is malformed.
    #[error("{0}")]
    BadRequest(String),
    /// Its creator may not write to the channel.
    #[error("{0}")]
    Forbidden(String),
    /// The orderer accepts nothing now.
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
