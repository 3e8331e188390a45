//! Why an envelope is not ordered.
//!
//! Invariant: each has the status that a client of an orderer gets to see. Fabric:
//! `orderer/common/broadcast/broadcast.go`, `ClassifyError`.

use crate::block_cutter::MessageTooLarge;
use wasmcc_channel::configtx::ConfigTxError;
use wasmcc_msp::PolicyError;
use wasmcc_types::proto::common::Status;

/// Why an envelope is not ordered.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// It is not an envelope with headers.
    #[error("{0}")]
    Malformed(String),
    /// It is for another channel.
    #[error("channel does not exist")]
    UnknownChannel,
    /// Orderers make such envelopes themselves.
    #[error("{0}")]
    NotForBroadcast(&'static str),
    /// It is an update of the channel's configuration that does not hold.
    #[error("error applying config update to existing channel '{channel}': {source}")]
    ConfigUpdate {
        /// The channel.
        channel: String,
        /// The reason.
        source: Box<ConfigTxError>,
    },
    /// An update of the channel's configuration, or what it leads to, is refused as any envelope.
    #[error("config update for existing channel did not pass {checks} checks: {source}")]
    OfUpdate {
        /// Initial, final or maintenance.
        checks: &'static str,
        /// Why.
        source: Box<OrderError>,
    },
    /// An update changes the consensus in a way that maintenance mode does not allow.
    #[error("config transaction inspection failed: {0}")]
    Inspection(String),
    /// The channel takes no transactions while its orderers are in maintenance mode.
    #[error("normal transactions are rejected: maintenance mode")]
    MaintenanceMode,
    /// The policy for sending to the orderer is missing.
    #[error("could not find policy {0}")]
    NoPolicy(&'static str),
    /// No signer for a new configuration is here.
    #[error("the orderer has no identity that the channel knows")]
    NoSigner,
    /// It fits into no block.
    #[error(transparent)]
    TooLarge(#[from] MessageTooLarge),
    /// The certificate of its creator is not valid any more.
    #[error("broadcast client identity expired")]
    Expired,
    /// Its creator may not write to the channel.
    #[error("{0}: permission denied")]
    Denied(#[source] PolicyError),
    /// Too much is waiting already.
    #[error("the orderer's queue is full")]
    QueueFull,
    /// This machine cannot commit just now. It tries again by itself.
    #[error("channel '{channel}' takes no transactions until this peer can write again: {reason}")]
    Interrupted {
        /// The channel.
        channel: String,
        /// What fails.
        reason: String,
    },
    /// The orderer was stopped, or its channel had to stop.
    #[error("the orderer of channel '{channel}' has stopped: {reason}")]
    Stopped {
        /// The channel.
        channel: String,
        /// Why.
        reason: String,
    },
    /// It could not be brought to disk, so it is not accepted.
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
