//! Determines which heights of the state fit the reads of a transaction.

use wasmcc_ledger::{LedgerError, Snapshot, TxRwSet};
use wasmcc_types::Height;
use wasmcc_types::proto::kvrwset::Version;
use wasmcc_types::proto::kvrwset::range_query_info::ReadsInfo;

/// True if a simulation on this height would have recorded these reads. Ranges recorded as hashes
/// are skipped: running the transaction again compares them.
pub(crate) fn fits(rwset: &TxRwSet, snapshot: &Snapshot) -> Result<bool, LedgerError> {
    for (namespace, set) in &rwset.namespaces {
        for read in &set.reads {
            let found = snapshot.get(namespace, &read.key)?.map(|value| value.version);
            if found != height(read.version.as_ref()) {
                return Ok(false);
            }
        }
        for (collection, set) in &set.collections {
            for read in &set.reads {
                let found = snapshot.get_hashed(namespace, collection, &read.key_hash)?;
                if found.map(|value| value.version) != height(read.version.as_ref()) {
                    return Ok(false);
                }
            }
        }
        for range in &set.range_queries {
            let Some(ReadsInfo::RawReads(reads)) = &range.reads_info else { continue };
            let mut rows = snapshot.range(namespace, &range.start_key, &range.end_key);
            for read in &reads.kv_reads {
                let row = rows.next().transpose()?;
                let is_it = row.is_some_and(|(key, value)| {
                    key == read.key && Some(value.version) == height(read.version.as_ref())
                });
                if !is_it {
                    return Ok(false);
                }
            }
            if range.itr_exhausted && rows.next().transpose()?.is_some() {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Returns the lowest height at which all versions that were read can exist: it includes the newest
/// block that wrote one of them.
pub(crate) fn lowest(rwset: &TxRwSet) -> u64 {
    let mut newest = 0;
    let mut see = |version: Option<&Version>| {
        if let Some(version) = version {
            newest = newest.max(version.block_num.saturating_add(1));
        }
    };
    for set in rwset.namespaces.values() {
        set.reads.iter().for_each(|read| see(read.version.as_ref()));
        for range in &set.range_queries {
            if let Some(ReadsInfo::RawReads(reads)) = &range.reads_info {
                reads.kv_reads.iter().for_each(|read| see(read.version.as_ref()));
            }
        }
        for collection in set.collections.values() {
            collection.reads.iter().for_each(|read| see(read.version.as_ref()));
        }
    }
    newest
}

fn height(version: Option<&Version>) -> Option<Height> {
    version.map(|version| Height::new(version.block_num, version.tx_num))
}
