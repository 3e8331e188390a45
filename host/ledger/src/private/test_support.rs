//! Helpers for tests of private data: rules from a list, and transactions that write to the
//! collection "c" of the namespace "ns".

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::test_support::next_block;
use crate::{
    CollectionRule, CollectionRules, CommittedBlock, Ledger, LedgerError, SimulationResults,
    Simulator, TxRwSet,
};

/// Rules of the collections of "ns", by name.
#[derive(Clone, Default)]
pub(crate) struct Rules(pub(crate) BTreeMap<String, CollectionRule>);

impl CollectionRules for Rules {
    fn rule(&self, ns: &str, collection: &str) -> Result<Option<CollectionRule>, LedgerError> {
        Ok(self.0.get(collection).filter(|_| ns == "ns").cloned())
    }
}

/// Rules with one collection "c" with these holders.
pub(crate) fn held_by(holders: &[&str], block_to_live: u64) -> Rules {
    rules(&[("c", holders, block_to_live)])
}

pub(crate) fn rules(all: &[(&str, &[&str], u64)]) -> Rules {
    let rule = |(name, holders, block_to_live): &(&str, &[&str], u64)| {
        let holders = holders.iter().map(|holder| (*holder).to_owned()).collect();
        ((*name).to_owned(), CollectionRule { holders, block_to_live: *block_to_live })
    };
    Rules(all.iter().map(rule).collect())
}

/// Simulates as a peer of "A".
pub(crate) fn simulate_private(
    ledger: &Arc<Ledger>,
    run: impl FnOnce(&mut Simulator),
) -> SimulationResults {
    let mut simulator = ledger.simulator_for("tx", "A");
    run(&mut simulator);
    simulator.finish()
}

/// A transaction that only puts private keys; an empty value deletes.
pub(crate) fn private_puts(ledger: &Arc<Ledger>, puts: &[(&str, &str)]) -> SimulationResults {
    simulate_private(ledger, |sim| {
        for (key, value) in puts {
            sim.put_private_data("ns", "c", key, value.as_bytes().to_vec()).unwrap();
        }
    })
}

/// A transaction that purges a key.
pub(crate) fn private_purge(ledger: &Arc<Ledger>, key: &str) -> SimulationResults {
    simulate_private(ledger, |sim| sim.purge_private_data("ns", "c", key).unwrap())
}

/// Keeps the private sets of transactions, and returns their public ones.
pub(crate) fn keep(ledger: &Ledger, txs: Vec<(&str, SimulationResults)>) -> Vec<(String, TxRwSet)> {
    let kept = txs.into_iter().map(|(tx_id, results)| {
        if let Some(private) = &results.private {
            ledger.keep_transient(tx_id, b"client", private).unwrap();
        }
        (tx_id.to_owned(), results.public)
    });
    kept.collect()
}

/// Commits a block of these transactions, whose private sets were not kept.
pub(crate) fn commit_public(
    ledger: &Ledger,
    rules: &dyn CollectionRules,
    txs: &[(String, TxRwSet)],
) -> CommittedBlock {
    let txs: Vec<_> = txs.iter().map(|(tx_id, set)| (tx_id.as_str(), set.clone())).collect();
    let (block, list) = next_block(ledger, &txs);
    ledger.commit(block, list, rules).unwrap()
}

/// Keeps the private sets and commits.
pub(crate) fn commit_private(
    ledger: &Ledger,
    rules: &Rules,
    txs: Vec<(&str, SimulationResults)>,
) -> CommittedBlock {
    let txs = keep(ledger, txs);
    commit_public(ledger, rules, &txs)
}

/// Commits empty blocks.
pub(crate) fn commit_empty(ledger: &Ledger, rules: &Rules, blocks: u64) {
    for _ in 0..blocks {
        commit_public(ledger, rules, &[]);
    }
}

/// Reads a private key as a peer of an organization.
pub(crate) fn get(ledger: &Arc<Ledger>, org: &str, key: &str) -> Result<Option<String>, String> {
    let found = ledger.simulator_for("tx", org).get_private_data("ns", "c", key);
    let text = |value| String::from_utf8(value).unwrap();
    found.map(|value| value.map(text)).map_err(|error| error.to_string())
}

/// Returns all private keys of an organization, even those that it cannot read.
pub(crate) fn held(ledger: &Arc<Ledger>, org: &str) -> Vec<(String, String)> {
    let mut simulator = ledger.simulator_for("tx", org);
    let id = simulator.private_range("ns", "c", "", "").unwrap();
    let rows = std::iter::from_fn(|| simulator.next_row(id).unwrap());
    rows.map(|row| (row.key, String::from_utf8(row.value).unwrap())).collect()
}

/// True if the public hash of a key exists.
pub(crate) fn hash_is_there(ledger: &Arc<Ledger>, key: &str) -> bool {
    ledger.snapshot().get_private_hash("ns", "c", key).unwrap().is_some()
}
