//! The key of a transaction on a stream.

use std::fmt;
use std::sync::Arc;

/// Channel and transaction id. Fabric 1.0 used the transaction id only; since 1.1 a chaincode may
/// run twice in one transaction, on two channels.
///
/// Both are as in the message: the channel is empty in proposals without one, and both are empty in
/// messages without a transaction. A clone does not copy the texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxKey {
    /// The transaction id. It is compared first, since it differs most often.
    pub tx_id: Arc<str>,
    /// The channel's name, or empty.
    pub channel_id: Arc<str>,
}

impl TxKey {
    /// Returns the key of transaction `tx_id` on channel `channel_id`.
    pub fn new(channel_id: impl Into<Arc<str>>, tx_id: impl Into<Arc<str>>) -> Self {
        Self { channel_id: channel_id.into(), tx_id: tx_id.into() }
    }
}

/// Fabric's format: `txid(channel)`.
impl fmt::Display for TxKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.tx_id, self.channel_id)
    }
}
