//! The relation of a peer to a chaincode.

/// The state of a chaincode on a channel and on one organization's peer. Fabric's peers learn it of
/// each other by gossip, as far as a gateway needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The peer has not joined the channel.
    NoChannel,
    /// The channel has no definition of the chaincode.
    Unknown,
    /// The channel has a definition, but this peer does not run the chaincode: its organization has
    /// not approved the definition, or the package is not installed.
    Elsewhere,
    /// This peer runs the chaincode.
    Here,
}
