//! The private data that go out with a block. Fabric: `core/peer/deliverevents.go`,
//! `getPrivateData`, `CheckCollectionPolicy`.
//!
//! Invariant: a collection is judged by its definition before the block, as the endorsers of the
//! block's transactions saw it, and not by what it has become since.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmcc_channel::Channel;
use wasmcc_channel::collections::{Collection, DefinedCollections};
use wasmcc_ledger::Snapshot;
use wasmcc_msp::{Identity, SignedData};
use wasmcc_types::proto::rwset::TxPvtReadWriteSet;

/// What the peer of an organization has of a block, without the collections that only members may
/// read if the one who signed is none.
pub(super) fn visible(
    channel: &Channel,
    msp_id: &str,
    block: u64,
    request: &SignedData,
) -> Result<BTreeMap<u64, TxPvtReadWriteSet>, String> {
    let failed = |error| format!("error getting private data by block number {block}: {error}");
    let mut sets = channel.ledger().private_data_of_block(msp_id, block).map_err(failed)?;
    if sets.is_empty() {
        return Ok(sets);
    }
    // The signature was verified when the request came.
    let reader = channel.config().msps().deserialize(&request.identity).ok();
    let mut definitions = Definitions {
        snapshot: channel.ledger().snapshot(),
        block,
        reader: reader.as_ref(),
        known: BTreeMap::new(),
    };
    for set in sets.values_mut() {
        for ns in &mut set.ns_pvt_rwset {
            let mut seen = Vec::with_capacity(ns.collection_pvt_rwset.len());
            for collection in std::mem::take(&mut ns.collection_pvt_rwset) {
                if definitions.may_read(&ns.namespace, &collection.collection_name)? {
                    seen.push(collection);
                }
            }
            ns.collection_pvt_rwset = seen;
        }
        set.ns_pvt_rwset.retain(|ns| !ns.collection_pvt_rwset.is_empty());
    }
    sets.retain(|_, set| !set.ns_pvt_rwset.is_empty());
    Ok(sets)
}

/// The definitions before a block, each looked up once, and who reads.
struct Definitions<'a> {
    snapshot: Snapshot,
    block: u64,
    reader: Option<&'a Arc<Identity>>,
    known: BTreeMap<String, DefinedCollections>,
}

impl Definitions<'_> {
    fn may_read(&mut self, namespace: &str, collection: &str) -> Result<bool, String> {
        let defined = match self.known.get(namespace) {
            Some(defined) => defined,
            None => {
                let mut read =
                    |ns: &str, key: &str| self.snapshot.value_before(ns, key, self.block);
                let defined = DefinedCollections::look_up(namespace, &mut read).map_err(|error| {
                    format!(
                        "error getting most recent collection config below block sequence = {} for \
                         chaincode {namespace}: {error}",
                        self.block
                    )
                })?;
                self.known.entry(namespace.to_owned()).or_insert(defined)
            }
        };
        let config = defined.get(collection).ok_or_else(|| {
            format!(
                "no collection config was found for collection {collection} for chaincode \
                 {namespace}"
            )
        })?;
        let name = config.name.clone();
        let collection = Collection::new(config)
            .map_err(|why| format!("error setting up collection  {name}: {why}"))?;
        Ok(collection.permission(self.reader).read)
    }
}
