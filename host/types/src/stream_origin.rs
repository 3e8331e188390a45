//! The origin of a chaincode's stream.

/// Properties of the connection of a client that registers as a chaincode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamOrigin {
    /// The common name in the client's TLS certificate, if a CA of the listener issued it.
    pub common_name: Option<String>,
    /// True if the client is on this machine.
    pub is_local: bool,
}
