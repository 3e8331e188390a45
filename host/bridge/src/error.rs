//! Errors that end a stream to a peer or prevent it.

use std::net::SocketAddr;

use tonic::{Code, Status, transport};

use wasmcc_protocol::ProtocolError;
use wasmcc_tls as tls;

/// An error between a chaincode and its peer. Failures of single transactions are not included:
/// they are reported to the peer.
#[derive(Debug, thiserror::Error)]
pub enum BridgeError {
    /// The socket cannot be opened.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: String,
        /// The error of the system.
        source: std::io::Error,
    },
    /// The address, key or certificates cannot be used, or the transport failed.
    #[error("{what}: {why}")]
    Transport {
        /// The attempted action.
        what: String,
        /// The error with all its causes.
        why: String,
    },
    /// The server's TLS key or certificates cannot be used.
    #[error("the server's TLS key and certificates cannot be used: {0}")]
    UnusableTls(tls::UnusableTls),
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
        /// The peer's text. It names the expected id, if there is one.
        reason: String,
    },
    /// The peer did not complete the registration.
    #[error(
        "the peer has not completed the registration of chaincode '{id}' within {} s; a Fabric \
         peer that expects another package id does not answer", .waited.as_secs()
    )]
    NotAnswered {
        /// The id in REGISTER.
        id: String,
        /// The time since REGISTER.
        waited: std::time::Duration,
    },
    /// The peer broke the protocol.
    #[error("the stream to the peer broke: {0}")]
    Protocol(#[source] ProtocolError),
    /// The peer refused the stream.
    #[error("cannot open the stream of chaincode '{id}' to the peer: {why}")]
    NotOpened {
        /// The id in REGISTER.
        id: String,
        /// The reason, with all causes.
        why: String,
    },
    /// The stream ended with a status.
    #[error("the peer ended the stream of chaincode '{id}': {why}")]
    Status {
        /// The id in REGISTER.
        id: String,
        /// The status of the peer or of the transport, with all causes.
        why: String,
    },
    /// The peer sent a message over the size limit. It cannot be skipped, so the stream ends.
    #[error(
        "the stream of chaincode '{id}' ends with all its transactions, because the peer sent a \
         message that is too large: {why}"
    )]
    TooLarge {
        /// The id in REGISTER.
        id: String,
        /// The text with both sizes.
        why: String,
    },
    /// The peer does not read its messages.
    #[error(
        "the stream of chaincode '{id}' ends, because the peer has read no message for {} s",
        .waited.as_secs()
    )]
    NotRead {
        /// The id in REGISTER.
        id: String,
        /// The minimum time that messages have waited.
        waited: std::time::Duration,
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

impl BridgeError {
    pub(crate) fn transport(what: impl Into<String>, error: &transport::Error) -> Self {
        Self::Transport { what: what.into(), why: tls::chain(error) }
    }

    /// The error of a stream that the peer refused to open.
    pub(crate) fn not_opened(id: &str, status: &Status) -> Self {
        let why = match status.message() {
            "" => tls::status_text(status),
            text => text.to_owned(),
        };
        Self::NotOpened { id: id.into(), why }
    }

    /// The error of a stream that ended with a status.
    pub(crate) fn lost(id: &str, status: &Status) -> Self {
        let (id, why) = (id.into(), tls::status_text(status));
        // Only the text identifies this case. This side made the status.
        if status.code() == Code::OutOfRange && why.contains("message length too large") {
            return Self::TooLarge { id, why };
        }
        Self::Status { id, why }
    }
}
