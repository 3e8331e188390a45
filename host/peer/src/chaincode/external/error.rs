//! Errors of chaincodes in other processes.

use crate::chaincode::package::ExpectError;

/// The reason why a registration is refused. The program gets the text in ERROR, so it never
/// contains a secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegistrationError {
    /// No package expects it.
    #[error(transparent)]
    Unexpected(#[from] ExpectError),
    /// Its secret is wrong.
    #[error("the secret of chaincode {0} is wrong")]
    WrongSecret(String),
    /// It has neither a secret nor a certificate.
    #[error(
        "nothing proves that this is chaincode {ccid}: let it register as {ccid}{separator}SECRET, \
         with the secret that it was deployed with, or connect with a TLS client certificate of \
         the common name {ccid}"
    )]
    NoProof {
        /// The id in REGISTER.
        ccid: String,
        /// The character between id and secret.
        separator: char,
    },
    /// Another program has registered with this id.
    #[error("duplicate chaincodeID: {0}")]
    Duplicate(String),
    /// The peer has dialed it and expected another chaincode.
    #[error(transparent)]
    Other(#[from] OtherChaincode),
    /// The peer has connected to it, but no caller waits for it any more.
    #[error("the peer is no longer waiting for this chaincode")]
    NotAwaited,
    /// The peer has stopped.
    #[error("the peer has stopped")]
    PeerStopped,
}

/// A chaincode server registers with an id other than the package's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the chaincode is {found}, not {expected}")]
pub struct OtherChaincode {
    /// The id in REGISTER.
    pub found: String,
    /// The package's id.
    pub expected: String,
}

/// The reason why a chaincode server is not ready.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// The connection failed.
    #[error(
        "connection to {ccid} failed: error cannot create connection for {ccid}: error creating \
         grpc connection to {address}: {why}"
    )]
    Connect {
        /// The chaincode.
        ccid: String,
        /// Its address.
        address: String,
        /// The transport's text.
        why: String,
    },
    /// The connection ended before the chaincode was ready.
    #[error("connection to {0} terminated")]
    Terminated(String),
    /// The server runs another chaincode. Fabric only logs that, and the transaction waits until
    /// the start timeout.
    #[error("chaincode registration failed: {0}")]
    Other(OtherChaincode),
}

/// The chaincode does not read its messages.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the chaincode does not read its messages: {messages} of {bytes} bytes wait for it")]
pub struct Congested {
    /// The number of unread messages.
    pub messages: usize,
    /// Their total size.
    pub bytes: usize,
}
