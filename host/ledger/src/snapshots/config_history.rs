//! The history of the collections of chaincodes. Fabric: `core/ledger/confighistory/mgr.go`,
//! `ExportConfigHistory`, and `db_helper.go`.
//!
//! ```text
//! data      = (key package)*
//! metadata  = number of pairs
//! key       = "slscc" 0 NAME "~collection" (2^64 - 1 - block, 8 bytes big-endian)
//! ```

use std::path::Path;

use crate::error::LedgerError;
use crate::snapshots::file::{Hashes, SnapshotFile};
use wasmcc_types::LSCC;

const DATA: &str = "confighistory.data";
const METADATA: &str = "confighistory.metadata";

/// The collections of a chaincode after a block that wrote its definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectionsAt {
    /// The chaincode.
    pub chaincode: String,
    /// The block.
    pub block: u64,
    /// A serialized `protos.CollectionConfigPackage` with at least one collection.
    pub package: Vec<u8>,
}

impl CollectionsAt {
    fn key(&self) -> Vec<u8> {
        let place = (u64::MAX - self.block).to_be_bytes();
        [b"s", LSCC.as_bytes(), &[0], self.chaincode.as_bytes(), b"~collection", &place].concat()
    }
}

/// Writes the two files, unless the history is empty.
pub(super) fn write(
    history: &[CollectionsAt],
    folder: &Path,
    hashes: &mut Hashes,
) -> Result<(), LedgerError> {
    if history.is_empty() {
        return Ok(());
    }
    let mut rows: Vec<_> = history.iter().map(|at| (at.key(), &at.package)).collect();
    rows.sort_unstable();
    let mut data = SnapshotFile::create(folder, DATA)?;
    for (key, package) in &rows {
        data.bytes(key)?;
        data.bytes(package)?;
    }
    data.finish(hashes)?;
    let mut metadata = SnapshotFile::create(folder, METADATA)?;
    metadata.number(rows.len() as u64)?;
    metadata.finish(hashes)
}
