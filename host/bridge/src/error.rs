//! Why a stream to a peer cannot be opened, or ended.

use std::net::SocketAddr;

use tonic::transport;

use wasmcc_protocol::ProtocolError;
use wasmcc_tls as tls;

/// What can go wrong between a chaincode and its peer. Failures of single transactions are not
/// included: they are reported to the peer.
#[derive(Debug, thiserror::Error)]
pub enum BridgeError {
    /// The socket cannot be opened.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// The address, key or certificates cannot be used, or the transport failed.
    #[error("{what}")]
    Transport {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: transport::Error,
    },
    /// The server's TLS key or certificates cannot be used.
    #[error("the server's TLS key and certificates cannot be used")]
    UnusableTls(#[source] tls::UnusableTls),
    /// A peer's address is not `host:port`.
    #[error("'{0}' is not a peer's address: it must be host:port")]
    Address(String),
    /// The peer answered REGISTER with ERROR.
    #[error(
        "the peer refuses chaincode id '{announced}': {reason} (the id must be the package id that \
         `peer lifecycle chaincode queryinstalled` shows)"
    )]
    NotRegistered {
        /// The id in REGISTER.
        announced: String,
        /// The peer's text. It names the id that the peer expects, if it expects one.
        reason: String,
    },
    /// The peer did not answer REGISTER.
    #[error(
        "the peer has not gone on after REGISTER of chaincode '{id}' for {} s; a Fabric peer that \
         expects another package id says nothing", .waited.as_secs()
    )]
    NotAnswered {
        /// The id in REGISTER.
        id: String,
        /// How long the chaincode waited.
        waited: std::time::Duration,
    },
    /// The peer broke the protocol.
    #[error("the stream to the peer broke: {0}")]
    Protocol(#[source] ProtocolError),
    /// The stream ended with a status.
    #[error("the peer ended the stream of chaincode '{id}': {source}")]
    Status {
        /// The id in REGISTER.
        id: String,
        /// The peer's, or the transport's.
        #[source]
        source: Box<tonic::Status>,
    },
    /// The peer closed the stream.
    #[error("the peer closed the stream of chaincode '{id}'")]
    Closed {
        /// The id in REGISTER.
        id: String,
    },
    /// Transactions were still running when the grace period ended.
    #[error("transactions were still running on {address} when it stopped")]
    Unfinished {
        /// The listener.
        address: SocketAddr,
    },
}
