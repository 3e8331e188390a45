//! Why a chaincode in another process cannot be used.

use crate::chaincode::package::ExpectError;

/// Why a program must not be the chaincode that it says it is. It is told so by ERROR, so this never
/// has a secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegistrationError {
    /// No package expects it.
    #[error(transparent)]
    Unexpected(#[from] ExpectError),
    /// It knows another secret.
    #[error("the secret of chaincode {0} is wrong")]
    WrongSecret(String),
    /// It has no secret and no certificate.
    #[error(
        "nothing proves that this is chaincode {ccid}: let it register as {ccid}{separator}SECRET, \
         with the secret that it was deployed with, or connect with a TLS client certificate of \
         the common name {ccid}"
    )]
    NoProof {
        /// Who it says it is.
        ccid: String,
        /// Between id and secret.
        separator: char,
    },
    /// Another one has connected.
    #[error("duplicate chaincodeID: {0}")]
    Duplicate(String),
    /// The peer has connected to it and expects another one.
    #[error(transparent)]
    Other(#[from] OtherChaincode),
    /// The peer has connected to it, and meanwhile nobody needs it.
    #[error("the peer does not wait any more")]
    NotAwaited,
    /// There is no peer any more.
    #[error("the peer has stopped")]
    PeerStopped,
}

/// A server is another chaincode than its package says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the chaincode is {found}, not {expected}")]
pub struct OtherChaincode {
    /// What it says it is.
    pub found: String,
    /// What the package says.
    pub expected: String,
}

/// Why a chaincode server is not ready.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// There is no connection.
    #[error("connection to {ccid} failed: error creating grpc connection to {address}: {why}")]
    Connect {
        /// The chaincode.
        ccid: String,
        /// Where it should be.
        address: String,
        /// In the transport's words.
        why: String,
    },
    /// The connection ended before the chaincode was ready.
    #[error("connection to {0} terminated")]
    Terminated(String),
    /// Fabric only logs it, and the transaction hangs until the start timeout.
    #[error("chaincode registration failed: {0}")]
    Other(OtherChaincode),
}

/// The chaincode lets its messages wait.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the chaincode does not read its messages: {messages} of {bytes} bytes wait for it")]
pub struct Congested {
    /// How many.
    pub messages: usize,
    /// Their sizes together.
    pub bytes: usize,
}
