//! Why an envelope is not ordered.
//!
//! Invariant: each error has the status that Fabric's orderer returns. Fabric:
//! `orderer/common/broadcast/broadcast.go`, `ClassifyError`.

use crate::block_cutter::MessageTooLarge;
use crate::maintenance::MaintenanceError;
use wasmcc_channel::configtx::ConfigTxError;
use wasmcc_msp::PolicyError;
use wasmcc_types::proto::common::Status;

/// Why an envelope is not ordered.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// The bytes are not an envelope with headers.
    #[error("{0}")]
    Malformed(String),
    /// The envelope is for another channel.
    #[error("channel does not exist")]
    UnknownChannel,
    /// Only orderers may make such envelopes.
    #[error("{0}")]
    NotForBroadcast(&'static str),
    /// An invalid update of the channel's configuration.
    #[error("error applying config update to existing channel '{channel}': {source}")]
    ConfigUpdate {
        /// The channel.
        channel: String,
        /// The reason.
        source: Box<ConfigTxError>,
    },
    /// An update of the configuration, or the configuration that results from it, fails the checks
    /// of an envelope.
    #[error("config update for existing channel did not pass {checks} checks: {source}")]
    OfUpdate {
        /// Initial, final or maintenance.
        checks: &'static str,
        /// The cause.
        source: Box<OrderError>,
    },
    /// An update changes the consensus in a way that maintenance mode does not allow.
    #[error("config transaction inspection failed: {0}")]
    Inspection(MaintenanceError),
    /// The channel takes no transactions while its orderers are in maintenance mode.
    #[error("normal transactions are rejected: maintenance mode")]
    MaintenanceMode,
    /// The policy for sending to the orderer is missing.
    #[error("could not find policy {0}")]
    NoPolicy(&'static str),
    /// No signer for new configurations is valid on the channel.
    #[error("the orderer has no identity that is valid on the channel")]
    NoSigner,
    /// The envelope is too large for a block.
    #[error(transparent)]
    TooLarge(#[from] MessageTooLarge),
    /// The certificate of the creator has expired.
    #[error("broadcast client identity expired")]
    Expired,
    /// The creator may not write to the channel.
    #[error("{0}: permission denied")]
    Denied(#[source] PolicyError),
    /// The queue is full.
    #[error("the orderer's queue is full")]
    QueueFull,
    /// This machine cannot commit now. It retries by itself.
    #[error("channel '{channel}' takes no transactions until this peer can write again: {reason}")]
    Interrupted {
        /// The channel.
        channel: String,
        /// The failure.
        reason: String,
    },
    /// The orderer was stopped, or stopped because its channel failed.
    #[error("the orderer of channel '{channel}' has stopped: {reason}")]
    Stopped {
        /// The channel.
        channel: String,
        /// The reason.
        reason: String,
    },
    /// The envelope could not be written to disk, so it is not accepted.
    #[error(
        "the orderer of channel '{channel}' cannot keep the envelope: {reason}; it was not \
         accepted, and may be sent again when that has been mended"
    )]
    NotKept {
        /// The channel.
        channel: String,
        /// The system's error.
        reason: String,
    },
}

impl OrderError {
    /// The status for the orderer's client.
    pub fn status(&self) -> Status {
        match self {
            Self::Malformed(_)
            | Self::Expired
            | Self::UnknownChannel
            | Self::NotForBroadcast(_)
            | Self::ConfigUpdate { .. }
            | Self::Inspection(_)
            | Self::NoPolicy(_)
            | Self::TooLarge(_) => Status::BadRequest,
            Self::OfUpdate { source, .. } => source.status(),
            Self::Denied(_) => Status::Forbidden,
            Self::NoSigner
            | Self::MaintenanceMode
            | Self::QueueFull
            | Self::Interrupted { .. }
            | Self::Stopped { .. }
            | Self::NotKept { .. } => Status::ServiceUnavailable,
        }
    }
}
