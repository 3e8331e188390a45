//! The lifetime of private data: blocks to live, purges, and waiting sets.

use prost::Message;

use crate::private::test_support::{
    commit_empty, commit_private, commit_public, get, hash_is_there, held, held_by, keep,
    private_purge, private_puts, rules, simulate_private,
};
use crate::test_support::{open_with, small_config, temporary, temporary_with};
use crate::{LedgerConfig, LedgerError};
use wasmcc_types::proto::kvrwset::KvrwSet;
use wasmcc_types::proto::protos::TxValidationCode;

/// The stored writes of a transaction for "A".
fn stored_keys(ledger: &crate::Ledger, block: u64) -> Option<Vec<String>> {
    let mut set = ledger.private_data("A", block, 0).unwrap()?;
    let rwset = set.ns_pvt_rwset.remove(0).collection_pvt_rwset.remove(0).rwset;
    let set = KvrwSet::decode(rwset.as_slice()).unwrap();
    Some(set.writes.into_iter().map(|write| write.key).collect())
}

#[test]
fn data_go_with_the_block_after_their_time() {
    let config = LedgerConfig { private_purge_interval_blocks: 4, ..small_config() };
    let (_ledgers, ledger) = temporary_with(config);
    let rules = rules(&[("c", &["A"], 2), ("d", &["A"], 0)]);
    let results = simulate_private(&ledger, |sim| {
        sim.put_private_data("ns", "c", "k", b"v".to_vec()).unwrap();
        sim.put_private_data("ns", "d", "k", b"v".to_vec()).unwrap();
    });
    commit_private(&ledger, &rules, vec![("t1", results)]);
    commit_empty(&ledger, &rules, 2);
    assert_eq!(get(&ledger, "A", "k"), Ok(Some("v".into())), "after block 3");
    // The commit hash does not cover expiry.
    let reader = simulate_private(&ledger, |sim| {
        sim.get_private_data("ns", "c", "k").unwrap();
    });
    let committed = commit_private(&ledger, &rules, vec![("reader", reader.clone())]);
    assert_eq!(committed.codes(), [TxValidationCode::Valid], "validated before the data expire");
    assert_eq!(get(&ledger, "A", "k"), Ok(None), "after block 4");
    assert!(held(&ledger, "A").is_empty() && !hash_is_there(&ledger, "k"));
    let committed = commit_private(&ledger, &rules, vec![("late", reader)]);
    assert_eq!(committed.codes(), [TxValidationCode::MvccReadConflict]);
    // Expired data are hidden at once and removed from the store later; data that never expire
    // stay.
    let left = ledger.private_data("A", 1, 0).unwrap().unwrap();
    let names: Vec<_> = left.ns_pvt_rwset[0].collection_pvt_rwset.iter().collect();
    assert_eq!(names.len(), 1);
    assert_eq!(names[0].collection_name, "d");
    assert!(ledger.private.records(1).unwrap()[0].bytes().is_some());
    commit_empty(&ledger, &rules, 2);
    assert_eq!(ledger.height(), 8);
    assert_eq!(ledger.private.records(1).unwrap()[0].bytes(), None);
}

#[test]
fn what_was_written_again_lives_longer() {
    let (_ledgers, ledger) = temporary();
    let rules = held_by(&["A"], 2);
    let first = private_puts(&ledger, &[("again", "1"), ("last", "1"), ("gone", "1")]);
    commit_private(&ledger, &rules, vec![("t1", first)]);
    let second = private_puts(&ledger, &[("again", "2"), ("gone", "")]);
    commit_private(&ledger, &rules, vec![("t2", second)]);
    commit_empty(&ledger, &rules, 1);
    // Written in the block with which the old value expires.
    commit_private(&ledger, &rules, vec![("t4", private_puts(&ledger, &[("last", "4")]))]);
    let left = |keys: &[(&str, &str)]| {
        let keys: Vec<_> = keys.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        assert_eq!(held(&ledger, "A"), keys);
        for (key, value) in keys {
            assert_eq!(get(&ledger, "A", &key), Ok(Some(value)));
        }
    };
    left(&[("again", "2"), ("last", "4")]);
    commit_empty(&ledger, &rules, 1);
    left(&[("last", "4")]);
    commit_empty(&ledger, &rules, 1);
    left(&[("last", "4")]);
    commit_empty(&ledger, &rules, 1);
    left(&[]);
    assert!(!hash_is_there(&ledger, "last"));
}

#[test]
fn hashes_go_where_nobody_has_the_data() {
    let (_ledgers, ledger) = temporary();
    let nobody = held_by(&[], 1);
    commit_private(&ledger, &nobody, vec![("t1", private_puts(&ledger, &[("k", "v")]))]);
    let missing = private_puts(&ledger, &[("m", "v")]).public;
    let rules = held_by(&["A"], 1);
    commit_public(&ledger, &rules, &[("t2".into(), missing)]);
    assert!(hash_is_there(&ledger, "k") && hash_is_there(&ledger, "m"));
    commit_empty(&ledger, &rules, 1);
    assert!(!hash_is_there(&ledger, "k") && hash_is_there(&ledger, "m"));
    commit_empty(&ledger, &rules, 1);
    assert!(!hash_is_there(&ledger, "m"));
}

/// A stale value expires at its own time, although the version of the hash has changed.
#[test]
fn a_value_that_its_hash_left_behind_goes_by_itself() {
    let (_ledgers, ledger) = temporary();
    let rules = held_by(&["A"], 2);
    commit_private(&ledger, &rules, vec![("t1", private_puts(&ledger, &[("k", "1")]))]);
    let missing = private_puts(&ledger, &[("k", "2")]).public;
    commit_public(&ledger, &rules, &[("t2".into(), missing)]);
    commit_empty(&ledger, &rules, 1);
    assert_eq!(held(&ledger, "A").len(), 1);
    commit_empty(&ledger, &rules, 1);
    assert!(held(&ledger, "A").is_empty() && hash_is_there(&ledger, "k"));
    commit_empty(&ledger, &rules, 1);
    assert!(!hash_is_there(&ledger, "k"));
}

/// As above with both writes in one block: no hash is left that could expire.
#[test]
fn a_value_without_a_hash_goes_too() {
    let (_ledgers, ledger) = temporary();
    let rules = held_by(&["A"], 1);
    let mut txs = keep(&ledger, vec![("t1", private_puts(&ledger, &[("k", "1")]))]);
    txs.push(("t2".into(), private_puts(&ledger, &[("k", "")]).public));
    commit_public(&ledger, &rules, &txs);
    assert!(!hash_is_there(&ledger, "k"));
    commit_empty(&ledger, &rules, 1);
    assert_eq!(held(&ledger, "A").len(), 1);
    commit_empty(&ledger, &rules, 1);
    assert!(held(&ledger, "A").is_empty());
}

#[test]
fn a_purge_leaves_nothing_of_a_key() {
    let (_ledgers, ledger) = temporary();
    let rules = held_by(&["A", "B"], 0);
    let puts = private_puts(&ledger, &[("k", "1"), ("other", "1")]);
    commit_private(&ledger, &rules, vec![("t1", puts)]);
    commit_private(&ledger, &rules, vec![("t2", private_puts(&ledger, &[("k", "2")]))]);
    // A former member still holds the old value, and the new set is missing.
    let rules = held_by(&["A"], 0);
    let purge = private_purge(&ledger, "k").public;
    let write = &purge.namespaces["ns"].collections["c"].writes[0];
    assert!(write.is_delete && write.is_purge);
    commit_public(&ledger, &rules, &[("t3".into(), purge)]);
    for org in ["A", "B"] {
        assert_eq!(held(&ledger, org), [("other".into(), "1".into())]);
        assert_eq!(get(&ledger, org, "k"), Ok(None));
    }
    assert!(!hash_is_there(&ledger, "k"));
    assert_eq!(stored_keys(&ledger, 1), Some(vec!["other".into()]));
    assert_eq!(stored_keys(&ledger, 2), Some(vec![]));
    // The set is purged, too, with the key's name.
    commit_private(&ledger, &rules, vec![("t4", private_purge(&ledger, "other"))]);
    assert_eq!(stored_keys(&ledger, 1), Some(vec![]));
    assert_eq!(stored_keys(&ledger, 4), Some(vec![]));
    let rows = ledger.private.table.rows().map(Result::unwrap);
    let named = |bytes: &[u8]| bytes.windows(5).any(|window| window == b"other");
    assert_eq!(rows.filter(|(row, value)| named(row) || named(value)).count(), 0);
    // The key may be put again.
    commit_private(&ledger, &rules, vec![("t5", private_puts(&ledger, &[("k", "5")]))]);
    assert_eq!(get(&ledger, "A", "k"), Ok(Some("5".into())));
    assert_eq!(stored_keys(&ledger, 5), Some(vec!["k".into()]));
}

#[test]
fn keys_of_one_record_are_purged_together() {
    let (_ledgers, ledger) = temporary();
    let rules = held_by(&["A"], 0);
    let puts = private_puts(&ledger, &[("a", "1"), ("b", "1"), ("c", "1")]);
    commit_private(&ledger, &rules, vec![("t1", puts)]);
    let purge = |key| (key, private_purge(&ledger, key));
    commit_private(&ledger, &rules, vec![purge("c"), purge("a")]);
    assert_eq!(held(&ledger, "A"), [("b".into(), "1".into())]);
    assert_eq!(stored_keys(&ledger, 1), Some(vec!["b".into()]));
}

#[test]
fn a_delete_keeps_what_the_key_held() {
    let (_ledgers, ledger) = temporary();
    let rules = held_by(&["A"], 0);
    commit_private(&ledger, &rules, vec![("t1", private_puts(&ledger, &[("k", "1")]))]);
    commit_private(&ledger, &rules, vec![("t2", private_puts(&ledger, &[("k", "")]))]);
    assert!(held(&ledger, "A").is_empty() && !hash_is_there(&ledger, "k"));
    assert_eq!(stored_keys(&ledger, 1), Some(vec!["k".into()]));
}

#[test]
fn a_purge_counts_in_the_order_of_its_block() {
    for (order, left) in [(["put", "purge"], None), (["purge", "put"], Some("2"))] {
        let (_ledgers, ledger) = temporary();
        let rules = held_by(&["A"], 0);
        commit_private(&ledger, &rules, vec![("t1", private_puts(&ledger, &[("k", "1")]))]);
        let tx = |what| match what {
            "put" => (what, private_puts(&ledger, &[("k", "2")])),
            _ => (what, private_purge(&ledger, "k")),
        };
        commit_private(&ledger, &rules, order.map(tx).into());
        assert_eq!(get(&ledger, "A", "k"), Ok(left.map(str::to_owned)), "{order:?}");
        assert_eq!(held(&ledger, "A").len(), left.iter().count(), "{order:?}");
        assert_eq!(hash_is_there(&ledger, "k"), left.is_some(), "{order:?}");
        assert_eq!(stored_keys(&ledger, 1), Some(vec![]));
        let stored = [0, 1].map(|tx| ledger.private_data("A", 2, tx).unwrap().unwrap());
        let keys = stored.map(|set| {
            let rwset = &set.ns_pvt_rwset[0].collection_pvt_rwset[0].rwset;
            KvrwSet::decode(rwset.as_slice()).unwrap().writes.len()
        });
        assert_eq!(keys, [0, usize::from(left.is_some())], "{order:?}");
    }
}

#[test]
fn sets_wait_for_their_transaction_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (ledgers, ledger) = open_with(dir.path(), small_config());
    let rules = held_by(&["A"], 0);
    let txs = vec![("t1", private_puts(&ledger, &[("k", "1")]))];
    let kept = keep(&ledger, txs.clone());
    keep(&ledger, txs);
    let bytes = ledger.transient.bytes();
    drop((ledger, ledgers));
    let (_ledgers, ledger) = open_with(dir.path(), small_config());
    assert_eq!(ledger.transient.bytes(), bytes, "the same set twice is one");
    commit_public(&ledger, &rules, &kept);
    assert_eq!(get(&ledger, "A", "k"), Ok(Some("1".into())));
    assert_eq!(ledger.transient.bytes(), 0);
    assert!(ledger.transient.sets("t1").unwrap().is_empty());
}

#[test]
fn sets_of_invalid_transactions_go_too() {
    let (_ledgers, ledger) = temporary();
    let rules = held_by(&["A"], 0);
    let reads = simulate_private(&ledger, |sim| {
        sim.get_private_data_hash("ns", "c", "k").unwrap();
        sim.put_private_data("ns", "c", "k", b"2".to_vec()).unwrap();
    });
    let first = private_puts(&ledger, &[("k", "1")]);
    let committed = commit_private(&ledger, &rules, vec![("t1", first), ("t2", reads)]);
    assert_eq!(committed.codes()[1], TxValidationCode::MvccReadConflict);
    assert_eq!(ledger.transient.bytes(), 0);
    assert_eq!(get(&ledger, "A", "k"), Ok(Some("1".into())));
}

#[test]
fn sets_whose_transaction_never_comes_are_forgotten() {
    let config = LedgerConfig { transient_retention_blocks: 3, ..small_config() };
    let (_ledgers, ledger) = temporary_with(config);
    let rules = held_by(&["A"], 0);
    let kept = keep(&ledger, vec![("t1", private_puts(&ledger, &[("k", "1")]))]);
    commit_empty(&ledger, &rules, 3);
    assert_eq!(ledger.transient.sets("t1").unwrap().len(), 1);
    commit_empty(&ledger, &rules, 1);
    assert!(ledger.transient.sets("t1").unwrap().is_empty());
    assert_eq!(ledger.transient.bytes(), 0);
    commit_public(&ledger, &rules, &kept);
    assert!(get(&ledger, "A", "k").is_err());
}

#[test]
fn the_transient_store_has_a_limit() {
    let (_ledgers, measured) = temporary();
    let set = private_puts(&measured, &[("k", "0123456789")]).private.unwrap();
    let bytes = set.encoded_len() as u64;
    let config = LedgerConfig { max_transient_bytes: 2 * bytes, ..small_config() };
    let (_ledgers, ledger) = temporary_with(config);
    ledger.keep_transient("t1", b"client", &set).unwrap();
    ledger.keep_transient("t2", b"client", &set).unwrap();
    ledger.keep_transient("t2", b"client", &set).unwrap();
    let refused = ledger.keep_transient("t3", b"client", &set).unwrap_err();
    assert!(matches!(refused, LedgerError::TransientStoreFull { limit } if limit == 2 * bytes));
    let public = private_puts(&ledger, &[("k", "0123456789")]).public;
    commit_public(&ledger, &held_by(&["A"], 0), &[("t1".into(), public)]);
    ledger.keep_transient("t3", b"client", &set).unwrap();
}

#[test]
fn two_entries_of_one_transaction_are_counted_once() {
    let (_ledgers, ledger) = temporary();
    let set = private_puts(&ledger, &[("k", "0123456789")]);
    let kept = keep(&ledger, vec![("t1", set)]);
    ledger
        .keep_transient("waits", b"client", &private_puts(&ledger, &[("j", "1")]).private.unwrap())
        .unwrap();
    let public = kept[0].1.clone();
    let txs = vec![("t1".to_owned(), public.clone()), ("t1".to_owned(), public)];
    commit_public(&ledger, &held_by(&["A"], 0), &txs);
    // `bytes` compares the sums with the rows.
    assert!(ledger.transient.bytes() > 0);
    let waits = vec![("waits".to_owned(), private_puts(&ledger, &[("j", "1")]).public)];
    commit_public(&ledger, &held_by(&["A"], 0), &waits);
    assert_eq!(ledger.transient.bytes(), 0);
}

#[test]
fn one_client_has_only_its_share_of_the_transient_store() {
    let (_ledgers, measured) = temporary();
    let set = private_puts(&measured, &[("k", "0123456789")]).private.unwrap();
    let bytes = set.encoded_len() as u64;
    let config = LedgerConfig {
        max_transient_bytes: 5 * bytes,
        max_transient_bytes_of_client: 2 * bytes,
        ..small_config()
    };
    let (_ledgers, ledger) = temporary_with(config);
    for id in ["t1", "t2"] {
        ledger.keep_transient(id, b"greedy", &set).unwrap();
    }
    let refused = ledger.keep_transient("t3", b"greedy", &set).unwrap_err();
    assert!(matches!(refused, LedgerError::TransientShareUsed { limit } if limit == 2 * bytes));
    for id in ["t4", "t5"] {
        ledger.keep_transient(id, b"other", &set).unwrap();
    }
    let public = private_puts(&ledger, &[("k", "0123456789")]).public;
    commit_public(&ledger, &held_by(&["A"], 0), &[("t1".into(), public)]);
    ledger.keep_transient("t3", b"greedy", &set).unwrap();
}

#[test]
fn sets_are_forgotten_in_time_without_a_block() {
    let (_ledgers, measured) = temporary();
    let set = private_puts(&measured, &[("k", "0123456789")]).private.unwrap();
    let config = LedgerConfig {
        max_transient_bytes_of_client: set.encoded_len() as u64,
        transient_retention_secs: 0,
        ..small_config()
    };
    let (_ledgers, ledger) = temporary_with(config);
    ledger.keep_transient("t1", b"client", &set).unwrap();
    ledger.keep_transient("t2", b"client", &set).unwrap();
    assert!(ledger.transient.sets("t1").unwrap().is_empty());
    assert_eq!(ledger.transient.sets("t2").unwrap().len(), 1);
}
