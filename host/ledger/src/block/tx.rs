//! A transaction of a block that is being committed.
//!
//! Does not validate it.

use crate::block::rwset::TxRwSet;
use wasmcc_types::proto::protos::TxValidationCode;

/// A transaction of a block with its verdict so far.
#[derive(Clone, Debug, Default)]
pub struct CommitTx {
    /// From the channel header; None or empty if the header could not be read.
    pub tx_id: Option<String>,
    /// The verdict so far. Only VALID transactions are validated further.
    pub code: TxValidationCode,
    /// `config_rwset` for a configuration. For an invalid transaction only private data are kept.
    pub rwset: Option<TxRwSet>,
}

impl CommitTx {
    /// True if the transaction was found invalid before the ledger validates it.
    pub fn is_invalid(&self) -> bool {
        self.code != TxValidationCode::Valid
    }
}

/// Returns the id under which the ledger indexes a transaction; None if it has none.
pub(crate) fn tx_id(tx: &CommitTx) -> Option<&str> {
    tx.tx_id.as_deref().filter(|tx_id| !tx_id.is_empty())
}
