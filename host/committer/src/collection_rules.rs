//! Which peers of this process hold the private data of a block, and how long.
//!
//! Invariant: as [`BlockDefinitions`](super::definitions::BlockDefinitions), one height of the
//! state and one configuration: those before the block.

use std::collections::BTreeMap;

use wasmcc_channel::collections::{Collection, DefinedCollections, LocalPeers, LookupError};
use wasmcc_ledger::{
    CollectionRule, CollectionRules, CommitTx, LedgerError, RulesOfState, Snapshot,
};
use wasmcc_msp::ChannelConfig;

/// The rules of all collections that a block writes. They are looked up at once, so that no
/// snapshot is open while the block is committed.
#[derive(Default)]
pub(crate) struct BlockCollections(BTreeMap<(String, String), CollectionRule>);

impl BlockCollections {
    /// Looks up what the transactions of a block need.
    pub(crate) fn look_up(
        txs: &[CommitTx],
        snapshot: &Snapshot,
        config: &ChannelConfig,
        peers: &LocalPeers,
    ) -> Result<Self, LedgerError> {
        let mut wanted: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for rwset in txs.iter().filter_map(|tx| tx.rwset.as_ref()) {
            for (namespace, set) in &rwset.namespaces {
                let written = set.collections.iter().filter(|(_, set)| set.has_writes());
                for (collection, _) in written {
                    wanted.entry(namespace).or_default().push(collection);
                }
            }
        }
        let mut rules = BTreeMap::new();
        for (namespace, collections) in wanted {
            let Some(defined) = defined(namespace, snapshot)? else { continue };
            for collection in collections {
                let Some((found, block_to_live)) = usable(&defined, collection) else { continue };
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

/// The rules that follow from the state alone: how long data live. No organization
/// holds data: this is for blocks that are judged again without a peer.
#[derive(Clone, Copy, Debug, Default)]
pub struct StateRules;

impl RulesOfState for StateRules {
    fn rules(&self, state: &Snapshot) -> Box<dyn CollectionRules> {
        Box::new(DefinedIn(state.clone()))
    }
}

struct DefinedIn(Snapshot);

impl CollectionRules for DefinedIn {
    fn rule(&self, ns: &str, collection: &str) -> Result<Option<CollectionRule>, LedgerError> {
        let defined = defined(ns, &self.0)?;
        let found = defined.and_then(|defined| usable(&defined, collection));
        let rule = |block_to_live| CollectionRule { holders: Vec::new(), block_to_live };
        Ok(found.map(|(_, block_to_live)| rule(block_to_live)))
    }
}

/// The collections of a chaincode; None if its definition cannot be read.
fn defined(
    namespace: &str,
    snapshot: &Snapshot,
) -> Result<Option<DefinedCollections>, LedgerError> {
    let mut read = |ns: &str, key: &str| snapshot.get(ns, key).map(|v| v.map(|v| v.value));
    match DefinedCollections::look_up(namespace, &mut read) {
        Ok(defined) => Ok(Some(defined)),
        Err(LookupError::State(error)) => Err(error),
        Err(error @ LookupError::Damaged { .. }) => {
            tracing::warn!(%error, "private data are not kept");
            Ok(None)
        }
    }
}

/// A collection and the blocks that its data live.
fn usable(defined: &DefinedCollections, name: &str) -> Option<(Collection, u64)> {
    let found = defined.get(name)?;
    let block_to_live = found.block_to_live;
    Some((Collection::new(found).ok()?, block_to_live))
}
