//! Limits of one stream.

use std::time::Duration;

use wasmcc_protocol::MESSAGE_BYTES;

/// Limits of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamBounds {
    /// The largest message in both directions, in bytes; Fabric's peers allow 100 MiB. A
    /// transaction that would send a larger one fails.
    pub message_bytes: usize,
    /// Time limit for the peer's answer to REGISTER; then the stream is closed.
    pub register: Duration,
    /// Maximum time that messages may wait while the peer reads none. The stream is closed after
    /// this time, at the latest after twice this time.
    pub unread: Duration,
}

impl Default for StreamBounds {
    fn default() -> Self {
        // A peer gives up after its `chaincode.startuptimeout`, 300 s by default.
        let register = Duration::from_secs(330);
        // At 14 Mbit/s, the largest message takes this long.
        Self { message_bytes: MESSAGE_BYTES, register, unread: Duration::from_secs(60) }
    }
}
