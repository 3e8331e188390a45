//! How a peer stands to a chaincode.

/// What a channel, and the peer of one organization, have to do with a chaincode. Fabric's peers
/// tell each other of it by gossip, as far as a gateway needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The peer has not joined the channel.
    NoChannel,
    /// The channel has no definition of it.
    Unknown,
    /// The channel has one, but this peer does not run it: its organization has not approved the
    /// definition, or the package is not installed.
    Elsewhere,
    /// This peer runs it.
    Here,
}
