//! Errors on a chaincode stream.

use crate::{MessageType, TxKey};

/// An error of the protocol, or an execution that failed without a response. Clients match on
/// Fabric's texts, so these must not change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// A message type that this version does not know.
    #[error("[{}] cannot handle message ({number})", .tx.tx_id)]
    UnknownType {
        /// The transaction that the message named.
        tx: TxKey,
        /// The type's number on the wire.
        number: i32,
    },
    /// The payload cannot be decoded as the message that the type requires.
    #[error("[{}] failed to unmarshal the payload of {}", .tx.tx_id, .kind.as_str_name())]
    Malformed {
        /// The transaction that the message named.
        tx: TxKey,
        /// The type that the message has.
        kind: MessageType,
        /// The error of the decoder.
        source: prost::DecodeError,
    },
    /// The chaincode sent a message that the peer does not accept in this state; the stream ends
    /// (`core/chaincode/handler.go`, `handleMessageReadyState` and its neighbours).
    #[error(
        "[{}] Fabric side handler cannot handle message ({}) while in {state} state",
        .tx.tx_id, .kind.as_str_name()
    )]
    RefusedByPeer {
        /// The transaction that the message named.
        tx: TxKey,
        /// The type that the message has.
        kind: MessageType,
        /// The peer side's state.
        state: &'static str,
    },
    /// The peer sent a message that a chaincode does not accept in this state; the stream ends
    /// (fabric-chaincode-go `shim/handler.go`, `handleMessage`).
    #[error(
        "[{}] Chaincode h cannot handle message ({}) while in state: {state}",
        .tx.tx_id, .kind.as_str_name()
    )]
    RefusedByShim {
        /// The transaction that the message named.
        tx: TxKey,
        /// The type that the message has.
        kind: MessageType,
        /// The chaincode side's state.
        state: &'static str,
    },
    /// The peer answered REGISTER with ERROR.
    #[error("the peer refuses the registration: {0}")]
    NotRegistered(String),
    /// An execution needs a registered chaincode.
    #[error("cannot execute transaction {tx} in state {state}")]
    NotReady {
        /// The transaction to execute.
        tx: TxKey,
        /// The peer side's state.
        state: &'static str,
    },
    /// A chaincode runs a transaction only once at a time, so it cannot call itself on its own
    /// channel (`core/chaincode/transaction_contexts.go`, `Create`).
    #[error("txid: {0} exists")]
    TxExists(TxKey),
    /// A transaction has one request at a time.
    #[error("another request of transaction {0} waits for its answer")]
    RequestInFlight(TxKey),
    /// A message of the transaction exceeds the size limit of the stream.
    #[error(
        "a message ({}) of {bytes} bytes is longer than the limit of {limit} bytes",
        .kind.as_str_name()
    )]
    TooLarge {
        /// The type of the message.
        kind: MessageType,
        /// Its size in bytes.
        bytes: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The transaction has ended or was cancelled.
    #[error("transaction {0} is not running")]
    NotRunning(TxKey),
    /// The chaincode answered with ERROR (`core/chaincode/chaincode_support.go`,
    /// `processChaincodeExecutionResult`).
    #[error("transaction returned with failure: {0}")]
    Returned(String),
    /// The chaincode did not answer in time.
    #[error("timeout expired while executing transaction")]
    Timeout,
    /// The stream ended before the chaincode answered.
    #[error("chaincode stream terminated")]
    StreamTerminated,
}

impl ProtocolError {
    /// Returns the transaction that the refused message named.
    pub fn tx(&self) -> Option<&TxKey> {
        match self {
            Self::UnknownType { tx, .. }
            | Self::Malformed { tx, .. }
            | Self::RefusedByPeer { tx, .. }
            | Self::RefusedByShim { tx, .. }
            | Self::NotReady { tx, .. }
            | Self::TxExists(tx)
            | Self::RequestInFlight(tx)
            | Self::NotRunning(tx) => Some(tx),
            Self::NotRegistered(_)
            | Self::TooLarge { .. }
            | Self::Returned(_)
            | Self::Timeout
            | Self::StreamTerminated => None,
        }
    }

    /// Returns the transaction that fails because a message cannot be decoded or has an unknown
    /// type; the stream continues. Returns None if the message does not belong to a transaction.
    pub(super) fn of_transaction(&self) -> Option<&TxKey> {
        let tx = match self {
            Self::UnknownType { tx, .. } => tx,
            Self::Malformed { kind: MessageType::Register, .. } => return None,
            Self::Malformed { tx, .. } => tx,
            _ => return None,
        };
        (!tx.tx_id.is_empty()).then_some(tx)
    }
}
