//! The origin of a chaincode's stream.

/// What the transport knows of a client that registers as a chaincode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamOrigin {
    /// The common name in the client's TLS certificate, which a CA of the listener issued.
    pub common_name: Option<String>,
    /// True if the client is on this machine.
    pub is_local: bool,
}
