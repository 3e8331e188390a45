//! State that the validation of a block has read before, and how long it stays valid.

use crate::block::known_state::ReadRows;
use crate::store::key;
use crate::test_support::{commit, next_block, open_with, puts, simulate, small_config, temporary};
use crate::{KnownState, MatchedBlock, NoCollections};
use wasmcc_types::proto::protos::TxValidationCode::{self, DuplicateTxid, MvccReadConflict, Valid};

#[test]
fn what_was_read_before_a_block_counts_for_that_block_alone() {
    let verdict = |tx_id: &str, known_height: u64, is_new: bool, lost: bool| -> TxValidationCode {
        let (_ledgers, ledger) = temporary();
        commit(&ledger, &[("t1", puts(&ledger, &[("a", "1")]))]);
        let snapshot = ledger.snapshot();
        let mut reader = snapshot.reader();
        assert_eq!(reader.get("ns", "a").unwrap().unwrap().value, b"1");
        assert!(reader.get_hashed("ns", "c", b"hash").unwrap().is_none());
        let rows = match lost {
            true => ReadRows(vec![(key::state("ns", "a"), None)]),
            false => reader.into_rows(),
        };
        let rwset = simulate(&ledger, |simulator| {
            simulator.get_state("ns", "a").unwrap();
            simulator.put_state("ns", "a", b"2".to_vec()).unwrap();
        });
        let (block, txs) = next_block(&ledger, &[(tx_id, rwset)]);
        let mut known = KnownState::at(known_height, 1);
        known.push(rows, is_new);
        let block = MatchedBlock::of(block).unwrap();
        ledger.commit_known(block, txs, known, &NoCollections).unwrap().codes()[0]
    };
    assert_eq!(verdict("t2", 2, true, false), Valid);
    assert_eq!(verdict("t2", 2, true, true), MvccReadConflict, "it is not read again");
    assert_eq!(verdict("t2", 1, true, true), Valid, "it is of another height");
    assert_eq!(verdict("t1", 2, false, false), DuplicateTxid);
    assert_eq!(verdict("t1", 2, true, false), Valid, "the id is not looked up again");
    assert_eq!(verdict("t1", 3, true, false), DuplicateTxid);
}

#[test]
fn large_values_are_lent_and_not_kept() {
    let (_ledgers, ledger) = temporary();
    let large = "v".repeat(200_000);
    let written = [("a", &*large), ("b", &*large), ("c", "1")];
    commit(&ledger, &[("t1", puts(&ledger, &written))]);
    let snapshot = ledger.snapshot();
    let mut reader = snapshot.reader();
    for (key, value) in written {
        assert_eq!(reader.get("ns", key).unwrap().unwrap().value, value.as_bytes());
    }
    let kept: Vec<_> = reader.into_rows().0.into_iter().map(|(row, _)| row).collect();
    assert_eq!(kept, ["a", "c"].map(|key| key::state("ns", key)));
}

#[test]
fn a_namespace_is_unchanged_since_the_last_block_that_wrote_it() {
    let dir = tempfile::tempdir().unwrap();
    let (ledgers, ledger) = open_with(dir.path(), small_config());
    let write = |namespace: &str, key: &str| {
        let rwset = simulate(&ledger, |simulator| {
            simulator.put_state(namespace, key, b"value".to_vec()).unwrap();
        });
        commit(&ledger, &[(&format!("{namespace}{key}"), rwset)]);
    };
    write("a", "1");
    write("b", "1");
    let old = ledger.snapshot();
    let since = |names: [&str; 2]| ledger.snapshot().unchanged_since(names);
    assert_eq!([since(["a", "a"]), since(["b", "b"]), since(["a", "b"])], [2, 3, 3]);
    write("a", "2");
    write("b", "2");
    write("b", "3");
    assert_eq!([since(["a", "a"]), since(["b", "b"]), since(["a", "b"])], [4, 6, 6]);
    // Changes after its height do not affect it.
    assert_eq!(old.height(), 3);
    assert_eq!([["a", "a"], ["c", "c"]].map(|names| old.unchanged_since(names)), [3, 0]);
    drop((old, ledger, ledgers));
    let (_ledgers, ledger) = open_with(dir.path(), small_config());
    assert_eq!(ledger.snapshot().unchanged_since(["a"]), ledger.height());
}
