//! An entry of a block on its way into one.
//!
//! Invariant: that it is opened already saves work and changes no verdict.

use prost::Message;
use prost::bytes::Bytes;

use wasmcc_types::Opened;
use wasmcc_types::proto::common::Envelope;

/// An entry of a block.
#[derive(Debug)]
pub(crate) struct Entry {
    /// A serialized `common.Envelope`.
    pub(crate) bytes: Bytes,
    /// The same, if somebody has opened it.
    pub(crate) opened: Option<Opened>,
}

impl Entry {
    /// One that nobody has opened.
    pub(crate) fn closed(bytes: Bytes) -> Self {
        Self { bytes, opened: None }
    }
}

impl From<&Envelope> for Entry {
    fn from(envelope: &Envelope) -> Self {
        Self::closed(envelope.encode_to_vec().into())
    }
}
