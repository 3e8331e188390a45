//! Limits of a transaction.

use serde_json::{Value, json};

/// Payload bytes that fit into a message of 100 MiB.
const CARRIED_BYTES: usize = (100 << 20) - 1024;

/// Limits of a transaction; the defaults are those of a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Work: about one unit per instruction.
    pub fuel: u64,
    /// Memory of an instance, in bytes.
    pub memory_bytes: usize,
    /// Data that one call passes to the peer, in bytes.
    pub host_call_bytes: usize,
    /// The largest value that a transaction writes, in bytes.
    pub value_bytes: usize,
    /// Message and payload of a response, in bytes.
    pub response_bytes: usize,
    /// Name and payload of an event, in bytes.
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
    /// Returns the limits as part of a request.
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
