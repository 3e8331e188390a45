//! Reads from a snapshot which collections each chaincode had after which block. Fabric:
//! `core/ledger/confighistory/mgr.go`, `HandleStateUpdates`.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;

use crate::collections::defined::{DefinedCollections, LookupError};
use crate::definition::{NAMESPACES, name_in_sequence_key};
use wasmcc_ledger::{CollectionsAt, LedgerError, Snapshot};
use wasmcc_types::{LIFECYCLE, LSCC};

/// Separator in LSCC's keys of collections. No chaincode name contains it.
const SEPARATOR: char = '~';

/// Returns the collections of each chaincode after each block that wrote its definition. Skips
/// definitions that have no collections or cannot be read.
pub fn collection_history(snapshot: &Snapshot) -> Result<Vec<CollectionsAt>, LedgerError> {
    let mut history = Vec::new();
    for (chaincode, blocks) in definitions(snapshot)? {
        for block in blocks {
            let mut read =
                |ns: &str, key: &str| snapshot.value_before(ns, key, block.saturating_add(1));
            let defined = match DefinedCollections::look_up(&chaincode, &mut read) {
                Ok(defined) => defined,
                Err(LookupError::State(error)) => return Err(error),
                Err(LookupError::Damaged { .. }) => continue,
            };
            if let Some(package) = defined.package().filter(|package| !package.config.is_empty()) {
                let (chaincode, package) = (chaincode.clone(), package.encode_to_vec());
                history.push(CollectionsAt { chaincode, block, package });
            }
        }
    }
    Ok(history)
}

/// Returns the blocks that wrote the definition of each chaincode, by its name.
fn definitions(snapshot: &Snapshot) -> Result<BTreeMap<String, BTreeSet<u64>>, LedgerError> {
    let mut definitions: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    let mut add = |name: &str, namespace: &str, key: &str| {
        let blocks = snapshot.blocks_that_wrote(namespace, key)?;
        definitions.entry(name.to_owned()).or_default().extend(blocks);
        Ok::<(), LedgerError>(())
    };
    let first = format!("{NAMESPACES}/fields/");
    for row in snapshot.range(LIFECYCLE, &first, &format!("{first}\u{10ffff}")) {
        let (key, _) = row?;
        if let Some(name) = name_in_sequence_key(&key) {
            add(name, LIFECYCLE, &key)?;
        }
    }
    for row in snapshot.range(LSCC, "", "") {
        let (key, _) = row?;
        add(key.split(SEPARATOR).next().unwrap_or_default(), LSCC, &key)?;
    }
    Ok(definitions)
}
