//! Who of this process holds the private data of a block, and how long.
//!
//! Invariant: as [`Definitions`](super::definitions::Definitions), one height of the state and one
//! configuration: those before the block.

use std::collections::BTreeMap;

use crate::collections::{Collection, DefinedCollections, LocalPeers, LookupError};
use crate::ledger::{CollectionRule, CollectionRules, CommitTx, LedgerError, Snapshot};
use crate::msp::ChannelConfig;

/// The rules of all collections that a block writes. They are looked up at once, so that no
/// snapshot is open while the block is committed.
#[derive(Default)]
pub(super) struct BlockCollections(BTreeMap<(String, String), CollectionRule>);

impl BlockCollections {
    /// Looks up what the transactions of a block need.
    pub(super) fn look_up(
        txs: &[CommitTx],
        snapshot: &Snapshot,
        config: &ChannelConfig,
        peers: &LocalPeers,
    ) -> Result<Self, LedgerError> {
        let mut wanted: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for rwset in txs.iter().filter_map(|tx| tx.rwset.as_ref()) {
            for (namespace, set) in &rwset.namespaces {
                let private =
                    set.collections.iter().filter(|(_, set)| !set.pvt_rwset_hash.is_empty());
                for (collection, _) in private {
                    wanted.entry(namespace).or_default().push(collection);
                }
            }
        }
        let mut rules = BTreeMap::new();
        for (namespace, collections) in wanted {
            let mut read = |ns: &str, key: &str| snapshot.get(ns, key).map(|v| v.map(|v| v.value));
            let defined = match DefinedCollections::look_up(namespace, &mut read) {
                Ok(defined) => defined,
                Err(LookupError::State(error)) => return Err(error),
                Err(error @ LookupError::Damaged { .. }) => {
                    tracing::warn!(%error, "private data are not kept");
                    continue;
                }
            };
            for collection in collections {
                let Some(found) = defined.get(collection) else { continue };
                let block_to_live = found.block_to_live;
                let Ok(found) = Collection::new(found) else { continue };
                let holders = peers.members(&found, config.msps()).map(str::to_owned).collect();
                let rule = CollectionRule { holders, block_to_live };
                rules.insert((namespace.to_owned(), collection.to_owned()), rule);
            }
        }
        Ok(Self(rules))
    }
}

impl CollectionRules for BlockCollections {
    fn rule(&self, ns: &str, collection: &str) -> Result<Option<CollectionRule>, LedgerError> {
        Ok(self.0.get(&(ns.to_owned(), collection.to_owned())).cloned())
    }
}
