//! Determines which peers of this process hold the private data of a block, and for how many
//! blocks.
//!
//! Invariant: like [`BlockDefinitions`](super::definitions::BlockDefinitions), uses one height of
//! the state and one configuration: those before the block.

use std::collections::BTreeMap;

use wasmcc_channel::collections::{
    Collection, DefinedCollections, LocalPeers, LookupError, name_in_lscc_key,
};
use wasmcc_channel::definition::name_in_collections_key;
use wasmcc_ledger::{
    CollectionRule, CollectionRules, CommitTx, LedgerError, NewHolder, RulesOfState, Snapshot,
    TxRwSet,
};
use wasmcc_msp::ChannelConfig;
use wasmcc_types::{LIFECYCLE, LSCC};

/// The rules of all collections that a block writes, and the holders that its definitions add.
/// Looked up in advance, so that no snapshot is open while the block is committed.
#[derive(Default)]
pub(crate) struct BlockCollections {
    rules: BTreeMap<(String, String), CollectionRule>,
    /// By the transaction's index in the block.
    new_holders: BTreeMap<usize, Vec<NewHolder>>,
}

impl BlockCollections {
    /// Looks up the rules that the transactions of a block need.
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
        let (mut rules, mut new_holders) = (BTreeMap::new(), BTreeMap::new());
        for (place, rwset) in txs.iter().map(|tx| tx.rwset.as_ref()).enumerate() {
            for (chaincode, rwset) in rwset.into_iter().flat_map(redefined) {
                let found = joining(chaincode, rwset, (snapshot, config, peers))?;
                new_holders.entry(place).or_insert_with(Vec::new).extend(found);
            }
        }
        for (namespace, collections) in wanted {
            let Some(defined) = defined(namespace, snapshot)? else { continue };
            for collection in collections {
                let Some((found, block_to_live)) = usable(&defined, collection) else { continue };
                let holders = peers.members(&found, config.msps()).map(str::to_owned).collect();
                let rule = CollectionRule { holders, block_to_live };
                rules.insert((namespace.to_owned(), collection.to_owned()), rule);
            }
        }
        Ok(Self { rules, new_holders })
    }
}

/// The chaincodes whose collections a transaction defines.
fn redefined(rwset: &TxRwSet) -> impl Iterator<Item = (&str, &TxRwSet)> {
    let of_lifecycle = written(rwset, LIFECYCLE).filter_map(|key| name_in_collections_key(key));
    let of_lscc = written(rwset, LSCC).filter_map(|key| name_in_lscc_key(key));
    of_lifecycle.chain(of_lscc).map(move |name| (name, rwset))
}

fn written<'a>(rwset: &'a TxRwSet, namespace: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    let set = rwset.namespaces.get(namespace);
    set.into_iter().flat_map(|set| set.writes.iter().map(|write| write.key.as_str()))
}

/// Returns the organizations that become members of a chaincode's collections by a transaction's
/// definition.
fn joining(
    chaincode: &str,
    rwset: &TxRwSet,
    (snapshot, config, peers): (&Snapshot, &ChannelConfig, &LocalPeers),
) -> Result<Vec<NewHolder>, LedgerError> {
    let Some(before) = defined(chaincode, snapshot)? else { return Ok(Vec::new()) };
    let own = |namespace: &str, key: &str| {
        let writes = &rwset.namespaces.get(namespace)?.writes;
        Some(writes.iter().find(|write| write.key == key)?.value.clone())
    };
    let mut read = |namespace: &str, key: &str| match own(namespace, key) {
        Some(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        None => snapshot.get(namespace, key).map(|found| found.map(|found| found.value)),
    };
    // Collections that cannot be read have no members.
    let Ok(after) = DefinedCollections::look_up(chaincode, &mut read) else {
        return Ok(Vec::new());
    };
    let mut new = Vec::new();
    for collection in after.explicit().map(|config| config.name.as_str()) {
        let (Some((old, _)), Some((now, _))) =
            (usable(&before, collection), usable(&after, collection))
        else {
            continue;
        };
        let held: Vec<&str> = peers.members(&old, config.msps()).collect();
        for org in peers.members(&now, config.msps()).filter(|org| !held.contains(org)) {
            new.push(NewHolder {
                namespace: chaincode.to_owned(),
                collection: collection.to_owned(),
                org: org.to_owned(),
            });
        }
    }
    Ok(new)
}

impl CollectionRules for BlockCollections {
    fn rule(&self, ns: &str, collection: &str) -> Result<Option<CollectionRule>, LedgerError> {
        Ok(self.rules.get(&(ns.to_owned(), collection.to_owned())).cloned())
    }

    fn new_holders(&self, tx: usize) -> &[NewHolder] {
        self.new_holders.get(&tx).map_or(&[], Vec::as_slice)
    }
}

/// The rules that follow from the state alone: how long data are stored. No organization holds
/// data: this is for blocks that are judged again without a peer.
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
            tracing::warn!(%error, "private data are not stored");
            Ok(None)
        }
    }
}

/// Returns a collection, and the number of blocks for which its data are stored.
fn usable(defined: &DefinedCollections, name: &str) -> Option<(Collection, u64)> {
    let found = defined.get(name)?;
    let block_to_live = found.block_to_live;
    Some((Collection::new(found).ok()?, block_to_live))
}
