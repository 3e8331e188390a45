//! A transaction of a block that is being committed.
//!
//! Does not judge it.

use crate::block::rwset::TxRwSet;
use wasmcc_types::proto::protos::TxValidationCode;

/// A transaction of a block with its verdict so far.
#[derive(Clone, Debug, Default)]
pub struct CommitTx {
    /// From the channel header; None or empty if it could not be read.
    pub tx_id: Option<String>,
    /// The verdict so far. Only VALID transactions are judged further.
    pub code: TxValidationCode,
    /// `config_rwset` for a configuration. Of an invalid transaction only private data are kept.
    pub rwset: Option<TxRwSet>,
}

impl CommitTx {
    /// Whether it was found invalid before the ledger judges it.
    pub fn is_invalid(&self) -> bool {
        self.code != TxValidationCode::Valid
    }
}

/// The id under which the ledger finds a transaction; None if it has none.
pub(crate) fn tx_id(tx: &CommitTx) -> Option<&str> {
    tx.tx_id.as_deref().filter(|tx_id| !tx_id.is_empty())
}
