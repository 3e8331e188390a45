//! Private data: visibility for each organization, and the record of a simulation.

use prost::Message;

use crate::private::test_support::{
    commit_private, commit_public, get, hash_is_there, held, held_by, keep, private_purge,
    private_puts, rules, simulate_private,
};
use crate::test_support::{next_block, temporary};
use crate::{LedgerError, Metadata, NoCollections};
use wasmcc_types::proto::kvrwset::KvrwSet;
use wasmcc_types::proto::protos::TxValidationCode;
use wasmcc_types::sha256;

#[test]
fn holders_read_what_others_know_by_its_hash() {
    let (_ledgers, ledger) = temporary();
    let results = private_puts(&ledger, &[("k", "v")]);
    commit_private(&ledger, &held_by(&["A", "B"], 0), vec![("t1", results)]);
    assert_eq!(get(&ledger, "A", "k"), Ok(Some("v".into())));
    assert_eq!(get(&ledger, "B", "k"), Ok(Some("v".into())));
    let refused = "private data matching public hash version is not available. Public hash version \
                   = {BlockNum: 1, TxNum: 0}, Private data version = <nil>";
    assert_eq!(get(&ledger, "C", "k"), Err(refused.into()));
    let of_nobody = ledger.simulator("tx").get_private_data("ns", "c", "k");
    assert_eq!(of_nobody.unwrap_err().to_string(), refused);
    assert_eq!(get(&ledger, "A", "none"), Ok(None));
    assert_eq!(get(&ledger, "C", "none"), Ok(None));
    let mut sim = ledger.simulator_for("tx", "C");
    let hash = sim.get_private_data_hash("ns", "c", "k").unwrap();
    assert_eq!(hash.as_deref(), Some(&sha256(b"v")[..]));
}

#[test]
fn a_read_in_the_clear_records_the_version_of_the_hash() {
    let (_ledgers, ledger) = temporary();
    let rules = held_by(&["A"], 0);
    commit_private(&ledger, &rules, vec![("t1", private_puts(&ledger, &[("k", "v")]))]);
    let read = simulate_private(&ledger, |sim| {
        assert_eq!(sim.get_private_data("ns", "c", "k").unwrap(), Some(b"v".to_vec()));
        assert_eq!(sim.get_private_data("ns", "c", "none").unwrap(), None);
        sim.put_private_data("ns", "c", "k", b"own".to_vec()).unwrap();
        let seen = sim.get_private_data("ns", "c", "k").unwrap();
        assert_eq!(seen, Some(b"v".to_vec()), "own writes are not read");
    });
    let reads = &read.public.namespaces["ns"].collections["c"].reads;
    let found: Vec<_> = reads.iter().map(|r| (r.key_hash.clone(), r.version)).collect();
    assert_eq!(found[0].0, sha256(b"k"));
    assert_eq!(found[0].1.map(|v| (v.block_num, v.tx_num)), Some((1, 0)));
    assert_eq!(found[1], (sha256(b"none").to_vec(), None));
    let (lost, change) = (read.clone(), private_puts(&ledger, &[("k", "2")]));
    let committed =
        commit_private(&ledger, &rules, vec![("t2", read), ("t3", lost), ("t4", change)]);
    let codes: Vec<_> = committed.codes().iter().map(|code| *code as i32).collect();
    assert_eq!(codes, [0, TxValidationCode::MvccReadConflict as i32, 0]);
    assert_eq!(get(&ledger, "A", "k"), Ok(Some("2".into())));
    // The private data of an invalid transaction are also stored with its block, but not in the
    // state.
    assert!(ledger.private_data("A", 2, 1).unwrap().is_some());
    assert!(ledger.private_data("A", 2, 0).unwrap().is_some());
}

#[test]
fn ranges_show_what_the_organization_has_and_record_nothing() {
    let (_ledgers, ledger) = temporary();
    let rules = held_by(&["A"], 0);
    let puts = private_puts(&ledger, &[("b", "1"), ("a", "1"), ("c", "1"), ("d", "1")]);
    commit_private(&ledger, &rules, vec![("t1", puts)]);
    commit_private(&ledger, &rules, vec![("t2", private_puts(&ledger, &[("c", "")]))]);
    let mut sim = ledger.simulator_for("tx", "A");
    let id = sim.private_range("ns", "c", "b", "").unwrap();
    let rows: Vec<_> =
        std::iter::from_fn(|| sim.next_row(id).unwrap()).map(|row| row.key).collect();
    assert_eq!(rows, ["b", "d"]);
    let id = sim.private_range("ns", "c", "a", "b").unwrap();
    sim.close_range(id);
    assert!(matches!(sim.next_row(id), Err(LedgerError::UnknownRange)));
    assert!(sim.finish().public.namespaces.is_empty());
    assert!(held(&ledger, "B").is_empty());
    let mut nobody = ledger.simulator("tx");
    let id = nobody.private_range("ns", "c", "", "").unwrap();
    assert_eq!(nobody.next_row(id).unwrap(), None);
}

#[test]
fn queries_of_private_data_and_writes_exclude_each_other() {
    let (_ledgers, ledger) = temporary();
    let expected = "txid [abc]: unsuppored transaction. Transaction has already performed queries \
                    on pvt data. Writes are not allowed";
    let mut sim = ledger.simulator_for("abc", "A");
    sim.private_range("ns", "c", "", "").unwrap();
    let refused = [
        sim.put_state("ns", "a", vec![1]),
        sim.delete_state("ns", "a"),
        sim.put_state_metadata("ns", "a", Metadata::new()),
        sim.put_private_data("ns", "c", "a", vec![1]),
        sim.delete_private_data("ns", "c", "a"),
        sim.purge_private_data("ns", "c", "a"),
        sim.put_private_data_metadata("ns", "c", "a", Metadata::new()),
    ];
    for refused in refused {
        assert_eq!(refused.unwrap_err().to_string(), expected);
    }
    // In the other order, the query is refused, after a write of either kind.
    let expected = "txid [abc]: unsuppored transaction. Queries on pvt data is supported only in a \
                    read-only transaction";
    for public in [true, false] {
        let mut sim = ledger.simulator_for("abc", "A");
        match public {
            true => sim.put_state("ns", "a", vec![1]).unwrap(),
            false => sim.purge_private_data("ns", "c", "a").unwrap(),
        }
        let refused = sim.private_range("ns", "c", "", "").unwrap_err();
        assert_eq!(refused.to_string(), expected);
    }
}

#[test]
fn without_rules_nothing_is_kept_in_the_clear() {
    let (_ledgers, ledger) = temporary();
    let kept = keep(&ledger, vec![("t1", private_puts(&ledger, &[("k", "v")]))]);
    let (block, txs) = next_block(&ledger, &[("t1", kept[0].1.clone())]);
    ledger.commit(block, txs, &NoCollections).unwrap();
    assert!(hash_is_there(&ledger, "k"));
    assert!(held(&ledger, "A").is_empty());
    assert_eq!(ledger.private_data("A", 1, 0).unwrap(), None);
    // Likewise with rules for other collections.
    let results = private_puts(&ledger, &[("k", "v")]);
    commit_private(&ledger, &rules(&[("other", &["A"], 0)]), vec![("t2", results)]);
    assert!(held(&ledger, "A").is_empty());
}

#[test]
fn missing_and_wrong_sets_never_block_a_commit() {
    let (_ledgers, ledger) = temporary();
    let rules = held_by(&["A"], 0);
    commit_private(&ledger, &rules, vec![("t1", private_puts(&ledger, &[("k", "1")]))]);
    let missing = private_puts(&ledger, &[("k", "2")]).public;
    commit_public(&ledger, &rules, &[("t2".into(), missing)]);
    let stale = "private data matching public hash version is not available. Public hash version \
                 = {BlockNum: 2, TxNum: 0}, Private data version = {BlockNum: 1, TxNum: 0}";
    assert_eq!(get(&ledger, "A", "k"), Err(stale.into()));
    assert_eq!(held(&ledger, "A"), [("k".into(), "1".into())]);
    // A set that does not match its hash counts as missing.
    let mut results = private_puts(&ledger, &[("k", "3")]);
    let other = private_puts(&ledger, &[("k", "forged")]).private;
    results.private = other;
    commit_private(&ledger, &rules, vec![("t3", results)]);
    assert_eq!(held(&ledger, "A"), [("k".into(), "1".into())]);
    assert_eq!(ledger.private_data("A", 3, 0).unwrap(), None);
    // Of several waiting sets the correct one is found.
    let results = private_puts(&ledger, &[("k", "4")]);
    ledger
        .keep_transient("t4", b"client", &private_puts(&ledger, &[("k", "x")]).private.unwrap())
        .unwrap();
    ledger
        .keep_transient("t4", b"client", &private_puts(&ledger, &[("j", "y")]).private.unwrap())
        .unwrap();
    commit_private(&ledger, &rules, vec![("t4", results)]);
    assert_eq!(get(&ledger, "A", "k"), Ok(Some("4".into())));
}

#[test]
fn stored_sets_are_given_to_their_holders() {
    let (_ledgers, ledger) = temporary();
    let rules = rules(&[("c", &["A", "B"], 0), ("d", &["B"], 0)]);
    let results = simulate_private(&ledger, |sim| {
        sim.put_private_data("ns", "c", "k", b"1".to_vec()).unwrap();
        sim.put_private_data("ns", "d", "k", b"2".to_vec()).unwrap();
        sim.put_private_data("other", "c", "k", b"3".to_vec()).unwrap();
    });
    let private = results.private.clone().unwrap();
    commit_private(&ledger, &rules, vec![("t1", results)]);
    let of = |org| ledger.private_data(org, 1, 0).unwrap();
    let both = of("B").unwrap();
    assert_eq!(both.ns_pvt_rwset, private.ns_pvt_rwset[..1]);
    let one = of("A").unwrap().ns_pvt_rwset.remove(0).collection_pvt_rwset;
    assert_eq!(one, private.ns_pvt_rwset[0].collection_pvt_rwset[..1]);
    assert_eq!(KvrwSet::decode(one[0].rwset.as_slice()).unwrap().writes[0].value, b"1");
    assert_eq!(of("C"), None);
    assert_eq!(ledger.private_data("A", 0, 0).unwrap(), None);
    assert_eq!(ledger.private_data("A", 9, 0).unwrap(), None);
}

#[test]
fn hashes_are_there_whoever_holds_the_keys() {
    let (_ledgers, ledger) = temporary();
    let rules = rules(&[("c", &["A"], 0), ("d", &[], 0), ("e", &[], 0)]);
    let results = simulate_private(&ledger, |sim| {
        sim.put_private_data("ns", "c", "k", b"1".to_vec()).unwrap();
        for key in ["k", "l", "m"] {
            sim.put_private_data("ns", "d", key, key.as_bytes().to_vec()).unwrap();
        }
        sim.put_private_data("ns", "e", "k", b"3".to_vec()).unwrap();
    });
    commit_private(&ledger, &rules, vec![("t1", results)]);
    let snapshot = ledger.snapshot();
    let hashes = |collection: &str, from: &[u8]| -> Vec<(Vec<u8>, Vec<u8>)> {
        let rows = snapshot.hashed_range("ns", collection, from).map(|row| row.unwrap());
        rows.map(|(key, value)| (key, value.value)).collect()
    };
    let hash = |text: &str| sha256(text.as_bytes()).to_vec();
    assert_eq!(hashes("c", &[]), [(hash("k"), hash("1"))]);
    let mut expected = ["k", "l", "m"].map(|key| (hash(key), hash(key)));
    expected.sort();
    assert_eq!(hashes("d", &[]), expected);
    assert_eq!(hashes("d", &expected[1].0), expected[1..]);
    assert!(snapshot.is_held("ns", "c", &hash("k")).unwrap());
    assert!(!snapshot.is_held("ns", "d", &hash("k")).unwrap());
    assert!(hashes("f", &[]).is_empty() && hashes("", &[]).is_empty());
}

#[test]
fn metadata_alone_move_the_value_with_its_hash() {
    let (_ledgers, ledger) = temporary();
    let rules = held_by(&["A"], 0);
    let first = private_puts(&ledger, &[("k", "v"), ("stale", "v")]);
    commit_private(&ledger, &rules, vec![("t1", first)]);
    let newer = private_puts(&ledger, &[("stale", "newer")]).public;
    commit_public(&ledger, &rules, &[("t2".into(), newer)]);
    let only_metadata = simulate_private(&ledger, |sim| {
        for key in ["k", "stale", "none"] {
            let metadata = Metadata::from([("n".into(), vec![1])]);
            sim.put_private_data_metadata("ns", "c", key, metadata).unwrap();
        }
    });
    commit_private(&ledger, &rules, vec![("t3", only_metadata)]);
    assert_eq!(get(&ledger, "A", "k"), Ok(Some("v".into())));
    assert!(get(&ledger, "A", "stale").unwrap_err().contains("TxNum: 0}, Private data version"));
    let mut sim = ledger.simulator_for("tx", "A");
    assert_eq!(sim.get_private_data_metadata("ns", "c", "k").unwrap()["n"], [1]);
    assert!(!hash_is_there(&ledger, "none"));
}

/// A simulation reads the private state of its height, even after later commits.
#[test]
fn private_reads_are_of_one_height() {
    let (_ledgers, ledger) = temporary();
    let rules = held_by(&["A"], 2);
    let mut open = Vec::new();
    for block in 1..20_u64 {
        let values: Vec<_> = held(&ledger, "A");
        let mut scan = ledger.simulator_for("tx", "A");
        let id = scan.private_range("ns", "c", "", "").unwrap();
        // Some simulations have begun to read when the next blocks are committed.
        let first = (block % 2 == 0).then(|| scan.next_row(id).unwrap()).flatten();
        open.push((scan, id, first, values));
        let (key, value) = ((block % 5).to_string(), block.to_string());
        let results = match block % 7 {
            0 => private_puts(&ledger, &[(&key, "")]),
            3 => private_purge(&ledger, &key),
            _ => private_puts(&ledger, &[(&key, &value), ("x", &value)]),
        };
        let tx_id = format!("t{block}");
        commit_private(&ledger, &rules, vec![(tx_id.as_str(), results)]);
    }
    for (mut scan, id, first, expected) in open {
        for (key, value) in &expected {
            let found = scan.get_private_data("ns", "c", key).unwrap();
            assert_eq!(found.as_deref(), Some(value.as_bytes()));
        }
        let rest = std::iter::from_fn(|| scan.next_row(id).unwrap());
        let rows = first.into_iter().chain(rest);
        let rows: Vec<_> =
            rows.map(|row| (row.key, String::from_utf8(row.value).unwrap())).collect();
        assert_eq!(rows, expected, "at height {}", scan.snapshot().height());
    }
}
