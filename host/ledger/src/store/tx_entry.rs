//! The stored form of the index entry of a transaction.
//!
//! Does not know the ids of transactions.

use crate::error::LedgerError;
use crate::store::key;
use wasmcc_types::Height;

/// Index entry of a transaction.
pub(crate) struct TxEntry {
    pub(crate) height: Height,
    pub(crate) code: u8,
}

impl TxEntry {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = self.height.to_bytes();
        bytes.push(self.code);
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, LedgerError> {
        match key::height(bytes) {
            Some((height, &[code])) => Ok(Self { height, code }),
            _ => Err(LedgerError::CorruptState { what: "a transaction has no block and code" }),
        }
    }
}
