//! An entry of a block, before it is in the block.
//!
//! Invariant: an entry that is already opened saves work; verdicts do not depend on it.

use prost::Message;
use prost::bytes::Bytes;

use wasmcc_types::Opened;
use wasmcc_types::proto::common::Envelope;

/// An entry of a block.
#[derive(Debug)]
pub(crate) struct Entry {
    /// A serialized `common.Envelope`.
    pub(crate) bytes: Bytes,
    /// The opened envelope, if it was opened before.
    pub(crate) opened: Option<Opened>,
}

impl Entry {
    /// Makes an entry that was not opened yet.
    pub(crate) fn closed(bytes: Bytes) -> Self {
        Self { bytes, opened: None }
    }
}

impl From<&Envelope> for Entry {
    fn from(envelope: &Envelope) -> Self {
        Self::closed(envelope.encode_to_vec().into())
    }
}
