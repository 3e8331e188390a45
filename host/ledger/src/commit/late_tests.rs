//! Private data that arrive after their block.

use std::sync::Arc;

use prost::Message;

use crate::private::test_support::{
    Rules, commit_empty, commit_private, commit_public, get, held, held_by, keep, private_purge,
    private_puts, simulate_private,
};
use crate::test_support::{open_with, small_config, temporary};
use crate::{
    CollectionRule, CollectionRules, Ledger, LedgerError, MissingPrivateData, NewHolder,
    SimulationResults,
};
use wasmcc_types::Height;
use wasmcc_types::proto::kvrwset::KvrwSet;

fn missing(block: u64) -> MissingPrivateData {
    let height = Height::new(block, 0);
    MissingPrivateData { height, namespace: "ns".into(), collection: "c".into() }
}

/// Commits a transaction without its private set, and returns the set.
fn commit_without(ledger: &Arc<Ledger>, tx_id: &str, results: SimulationResults) -> Vec<u8> {
    commit_public(ledger, &held_by(&["A"], 0), &[(tx_id.into(), results.public)]);
    let mut private = results.private.unwrap();
    private.ns_pvt_rwset.remove(0).collection_pvt_rwset.remove(0).rwset
}

#[test]
fn late_data_are_read_from_the_next_block_on() {
    let (_ledgers, ledger) = temporary();
    let rules = held_by(&["A"], 0);
    let late = commit_without(&ledger, "t1", private_puts(&ledger, &[("k", "1")]));
    commit_private(&ledger, &rules, vec![("t2", private_puts(&ledger, &[("j", "2")]))]);
    let other = commit_without(&ledger, "t3", private_puts(&ledger, &[("i", "3")]));
    assert_eq!(ledger.missing_private_data(9).unwrap(), [missing(1), missing(3)]);
    assert_eq!(ledger.missing_private_data(1).unwrap(), [missing(1)]);
    // Only a set that matches the block is accepted.
    for (at, set) in [(1, &other), (2, &late), (7, &late), (1, &vec![0xff])] {
        assert!(!ledger.add_missing_private_data(&missing(at), set).unwrap(), "{at}");
    }
    let before = ledger.simulator_for("tx", "A");
    assert!(ledger.add_missing_private_data(&missing(1), &late).unwrap());
    assert!(!ledger.add_missing_private_data(&missing(1), &late).unwrap(), "no longer missing");
    assert_eq!(ledger.missing_private_data(9).unwrap(), [missing(3)]);
    assert!(ledger.private_data("A", 1, 0).unwrap().is_some());
    assert!(get(&ledger, "A", "k").is_err());
    commit_empty(&ledger, &rules, 1);
    assert_eq!(get(&ledger, "A", "k"), Ok(Some("1".into())));
    let version = ledger.snapshot().get_private("A", "ns", "c", "k").unwrap().unwrap().version;
    assert_eq!(version, Height::new(1, 0));
    drop(before);
}

#[test]
fn late_data_that_are_out_of_date_stay_out() {
    let (_ledgers, ledger) = temporary();
    let rules = held_by(&["A"], 0);
    let first = private_puts(&ledger, &[("changed", "1"), ("gone", "1"), ("same", "1")]);
    let late = commit_without(&ledger, "t1", first);
    let second = private_puts(&ledger, &[("changed", "2"), ("gone", "")]);
    commit_private(&ledger, &rules, vec![("t2", second)]);
    // A change of metadata alone leaves the value unchanged.
    let metadata = simulate_private(&ledger, |sim| {
        let metadata = crate::Metadata::from([("n".into(), vec![1])]);
        sim.put_private_data_metadata("ns", "c", "same", metadata).unwrap();
    });
    commit_private(&ledger, &rules, vec![("t3", metadata)]);
    assert!(ledger.add_missing_private_data(&missing(1), &late).unwrap());
    commit_empty(&ledger, &rules, 1);
    assert_eq!(get(&ledger, "A", "changed"), Ok(Some("2".into())));
    assert_eq!(get(&ledger, "A", "gone"), Ok(None));
    assert_eq!(get(&ledger, "A", "same"), Ok(Some("1".into())));
    assert_eq!(held(&ledger, "A").len(), 2);
}

#[test]
fn a_late_delete_takes_away_what_was_left() {
    let (_ledgers, ledger) = temporary();
    let rules = held_by(&["A"], 0);
    commit_private(&ledger, &rules, vec![("t1", private_puts(&ledger, &[("k", "1")]))]);
    let late = commit_without(&ledger, "t2", private_puts(&ledger, &[("k", "")]));
    assert!(get(&ledger, "A", "k").is_err());
    assert!(ledger.add_missing_private_data(&missing(2), &late).unwrap());
    commit_empty(&ledger, &rules, 1);
    assert_eq!(get(&ledger, "A", "k"), Ok(None));
    assert!(held(&ledger, "A").is_empty());
}

#[test]
fn what_was_purged_does_not_come_back() {
    let (_ledgers, ledger) = temporary();
    let rules = held_by(&["A"], 0);
    let late = commit_without(&ledger, "t1", private_puts(&ledger, &[("k", "1"), ("j", "1")]));
    commit_private(&ledger, &rules, vec![("t2", private_purge(&ledger, "k"))]);
    assert!(ledger.add_missing_private_data(&missing(1), &late).unwrap());
    let stored = ledger.private_data("A", 1, 0).unwrap().unwrap();
    let rwset = &stored.ns_pvt_rwset[0].collection_pvt_rwset[0].rwset;
    let writes = KvrwSet::decode(rwset.as_slice()).unwrap().writes;
    assert_eq!(writes.iter().map(|write| write.key.as_str()).collect::<Vec<_>>(), ["j"]);
    commit_empty(&ledger, &rules, 1);
    assert_eq!(held(&ledger, "A"), [("j".into(), "1".into())]);
}

#[test]
fn what_the_next_block_purges_does_not_come_in_with_it() {
    let (_ledgers, ledger) = temporary();
    let late = commit_without(&ledger, "t1", private_puts(&ledger, &[("k", "1")]));
    assert!(ledger.add_missing_private_data(&missing(1), &late).unwrap());
    // The key is put again in the same block, with the same value, by a transaction whose set is
    // missing.
    let txs = [("t2", private_purge(&ledger, "k")), ("t3", private_puts(&ledger, &[("k", "1")]))];
    let txs = txs.map(|(tx_id, results)| (tx_id.to_owned(), results.public));
    commit_public(&ledger, &held_by(&["A"], 0), &txs);
    assert!(held(&ledger, "A").is_empty());
}

#[test]
fn late_data_have_the_time_of_their_block() {
    let (_ledgers, ledger) = temporary();
    let rules = held_by(&["A"], 3);
    let results = private_puts(&ledger, &[("k", "1")]);
    commit_public(&ledger, &rules, &[("t1".into(), results.public)]);
    let mut private = results.private.unwrap();
    let late = private.ns_pvt_rwset.remove(0).collection_pvt_rwset.remove(0).rwset;
    commit_empty(&ledger, &rules, 2);
    assert!(ledger.add_missing_private_data(&missing(1), &late).unwrap());
    commit_empty(&ledger, &rules, 1);
    assert_eq!(get(&ledger, "A", "k"), Ok(Some("1".into())));
    commit_empty(&ledger, &rules, 1);
    assert_eq!(get(&ledger, "A", "k"), Ok(None));
    assert!(held(&ledger, "A").is_empty());
    assert_eq!(ledger.private_data("A", 1, 0).unwrap(), None);
    assert!(ledger.missing_private_data(9).unwrap().is_empty());
}

/// Rules for a block whose first transaction makes "B" a holder.
struct Joining(Rules, Vec<NewHolder>);

impl CollectionRules for Joining {
    fn rule(&self, ns: &str, collection: &str) -> Result<Option<CollectionRule>, LedgerError> {
        self.0.rule(ns, collection)
    }

    fn new_holders(&self, tx: usize) -> &[NewHolder] {
        if tx == 0 { &self.1 } else { &[] }
    }
}

#[test]
fn a_new_holder_gets_what_others_hold() {
    let dir = tempfile::tempdir().unwrap();
    let (ledgers, ledger) = open_with(dir.path(), small_config());
    let rules = held_by(&["A"], 3);
    let puts = private_puts(&ledger, &[("k", "1"), ("gone", "1"), ("short", "1")]);
    commit_private(&ledger, &rules, vec![("t1", puts)]);
    let puts = private_puts(&ledger, &[("k", "2"), ("gone", ""), ("j", "2")]);
    commit_private(&ledger, &rules, vec![("t2", puts)]);
    let new = NewHolder { namespace: "ns".into(), collection: "c".into(), org: "B".into() };
    let joining = Joining(rules.clone(), vec![new]);
    let txs = keep(&ledger, vec![("t3", private_puts(&ledger, &[("i", "3"), ("j", "")]))]);
    commit_public(&ledger, &joining, &txs);
    let expected = [("i", "3"), ("k", "2"), ("short", "1")];
    let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(held(&ledger, "B"), expected);
    assert_eq!(get(&ledger, "B", "k"), Ok(Some("2".into())));
    let version =
        |org| ledger.snapshot().get_private(org, "ns", "c", "k").unwrap().unwrap().version;
    assert_eq!((version("B"), version("A")), (Height::new(2, 0), Height::new(2, 0)));

    // A rebuilt state is the same, and data expire for the new holder, too.
    drop((ledger, ledgers));
    std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    let (_ledgers, ledger) = open_with(dir.path(), small_config());
    assert_eq!(held(&ledger, "B"), expected);
    commit_empty(&ledger, &rules, 2);
    assert_eq!(held(&ledger, "B"), expected[..2]);
}
