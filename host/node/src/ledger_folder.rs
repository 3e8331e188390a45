//! The ledger of a peer that is not running, for tools.
//!
//! Invariant: tools judge a block as a peer would.

use std::path::Path;
use std::sync::Arc;

use wasmcc_committer::StateRules;
use wasmcc_ledger::{LedgerConfig, LedgerError, LedgerFolder};

/// Opens the folder with the ledgers. Blocks without private data here are judged by the
/// collections that the channel's state defines.
pub fn open_ledger_folder(dir: &Path) -> Result<LedgerFolder, LedgerError> {
    Ok(LedgerFolder::open(dir, LedgerConfig::default())?.with_rules(Arc::new(StateRules)))
}
