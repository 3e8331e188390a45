//! What a transaction may use.

use serde_json::{Value, json};

/// What a message of 100 MiB has room for, whatever is around it.
const CARRIED_BYTES: usize = (100 << 20) - 1024;

/// What a transaction may use; the defaults are those of a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Work, about one unit an instruction.
    pub fuel: u64,
    /// All memories of an instance together.
    pub memory_bytes: usize,
    /// Data that one call carries to the peer.
    pub host_call_bytes: usize,
    /// One value that is written.
    pub value_bytes: usize,
    /// Message and payload of a response.
    pub response_bytes: usize,
    /// Name and payload of an event.
    pub event_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel: 10_000_000_000,
            memory_bytes: 256 << 20,
            host_call_bytes: CARRIED_BYTES,
            value_bytes: CARRIED_BYTES,
            response_bytes: CARRIED_BYTES,
            event_bytes: CARRIED_BYTES,
        }
    }
}

impl Limits {
    /// The limits as a request has them.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "fuel": self.fuel,
            "memory_bytes": self.memory_bytes,
            "host_call_bytes": self.host_call_bytes,
            "value_bytes": self.value_bytes,
            "response_bytes": self.response_bytes,
            "event_bytes": self.event_bytes,
        })
    }
}
