//! Commit, recovery and queries of whole ledgers.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use crate::ledger::CommitTx;
use crate::ledger::Conflict;
use crate::ledger::Ledger;
use crate::ledger::LedgerError;
use crate::ledger::Ledgers;
use crate::ledger::Metadata;
use crate::ledger::NoCollections;
use crate::ledger::block;
use crate::ledger::channel::Tip;
use crate::ledger::commit::with_outcome;
use crate::ledger::header_hash;
use crate::ledger::new_block;
use crate::ledger::test_support::CHANNEL;
use crate::ledger::test_support::commit;
use crate::ledger::test_support::genesis;
use crate::ledger::test_support::next_block;
use crate::ledger::test_support::puts;
use crate::ledger::test_support::simulate;
use crate::ledger::test_support::small_config;
use crate::ledger::test_support::temporary;
use crate::proto::protos::TxValidationCode;
use crate::types::Height;
use crate::types::Timestamp;

fn open(dir: &Path) -> (Ledgers, Arc<Ledger>) {
    let ledgers = Ledgers::open(dir, small_config()).unwrap();
    let ledger = match ledgers.get(CHANNEL) {
        Some(ledger) => ledger,
        None => ledgers.create(&genesis()).unwrap(),
    };
    (ledgers, ledger)
}

fn open_error(dir: &Path) -> LedgerError {
    match Ledgers::open(dir, small_config()) {
        Ok(_) => panic!("it opened"),
        Err(error) => error,
    }
}

fn blocks_path(dir: &Path) -> std::path::PathBuf {
    dir.join("channels").join(CHANNEL).join("blocks")
}

/// The first half of a commit: the block is on disk, nothing else happened.
fn store_only(ledger: &Arc<Ledger>, key: &str, value: &str) -> Tip {
    let (block, txs) = next_block(ledger, &[(&format!("tx-{key}"), puts(ledger, &[(key, value)]))]);
    let tip = ledger.tip();
    let (outcome, _) = ledger.trust(&tip, &txs).unwrap();
    let block = with_outcome(block, &outcome);
    let offset = ledger.blocks.length().unwrap();
    ledger.store_block(offset, &block).unwrap();
    let header = block.header.unwrap();
    Tip {
        height: tip.height + 1,
        current_hash: header_hash(&header).to_vec(),
        previous_hash: header.previous_hash,
        commit_hash: outcome.commit_hash,
    }
}

#[test]
fn a_block_must_continue_the_chain() {
    let (_ledgers, ledger) = temporary();
    let set = puts(&ledger, &[("a", "1")]);
    let (good, txs) = next_block(&ledger, &[("t1", set)]);
    let refused = |change: &dyn Fn(&mut crate::proto::common::Block)| {
        let mut block = good.clone();
        change(&mut block);
        ledger.commit(block, txs.clone(), &NoCollections).unwrap_err()
    };
    let error = refused(&|block| block.header.as_mut().unwrap().number = 2);
    assert!(matches!(error, LedgerError::BlockNumber { expected: 1, got: 2 }));
    let error = refused(&|block| block.header.as_mut().unwrap().previous_hash = vec![1; 32]);
    assert!(matches!(error, LedgerError::PreviousHash { number: 1 }));
    let error = refused(&|block| block.data.as_mut().unwrap().data[0].push(0));
    assert!(matches!(error, LedgerError::DataHash { number: 1 }));
    let error = refused(&|block| block.header = None);
    assert!(matches!(error, LedgerError::IncompleteBlock { part: "header" }));
    let error = refused(&|block| block.data = None);
    assert!(matches!(error, LedgerError::IncompleteBlock { part: "data" }));
    let error = ledger.commit(good.clone(), vec![], &NoCollections).unwrap_err();
    assert!(matches!(error, LedgerError::VerdictCount { envelopes: 1, verdicts: 0, .. }));
    // None of them did anything.
    assert_eq!(ledger.height(), 1);
    assert_eq!(ledger.commit(good, txs, &NoCollections).unwrap().codes, [TxValidationCode::Valid]);
}

#[test]
fn channels_are_created_once() {
    let (ledgers, ledger) = temporary();
    assert_eq!(ledger.channel_id().as_str(), CHANNEL);
    let again = ledgers.create(&genesis()).err().unwrap();
    assert!(matches!(again, LedgerError::ChannelExists { .. }));
    let empty = ledgers.create(&new_block(0, vec![], vec![])).err().unwrap();
    assert!(matches!(empty, LedgerError::NotGenesis { .. }));
    assert_eq!(ledgers.channels().len(), 1);
    assert!(ledgers.get("other").is_none());
}

#[test]
fn lost_races_say_why() {
    let (_ledgers, ledger) = temporary();
    commit(&ledger, &[("t1", puts(&ledger, &[("a", "1"), ("b", "1")]))]);
    let read = |key: &str| {
        simulate(&ledger, |sim| {
            sim.get_state("ns", key).unwrap();
            sim.put_state("ns", key, b"2".to_vec()).unwrap();
        })
    };
    let range = simulate(&ledger, |sim| {
        let id = sim.range("ns", "a", "c").unwrap();
        while sim.next_row(id).unwrap().is_some() {}
    });
    let (first, second, stale) = (read("a"), read("a"), read("b"));
    let committed = commit(&ledger, &[("t2", first), ("t3", second), ("t4", range.clone())]);
    let at = |block, tx| Some(Height::new(block, tx));
    let (namespace, key) = ("ns".to_owned(), "a".to_owned());
    let conflict = Conflict::Key {
        namespace: namespace.clone(),
        key: key.clone(),
        read: at(1, 0),
        now: at(2, 0),
        writer: Some("t2".into()),
    };
    assert_eq!(committed.conflicts[1], Some(conflict));
    let conflict = Conflict::Range {
        namespace,
        start_key: "a".into(),
        end_key: "c".into(),
        key: Some(key),
        read: at(1, 0),
        now: at(2, 0),
        writer: Some("t2".into()),
    };
    assert_eq!(committed.conflicts[2], Some(conflict));
    commit(&ledger, &[("t5", puts(&ledger, &[("b", "")]))]);
    let committed = commit(&ledger, &[("t6", stale)]);
    assert_eq!(committed.codes, [TxValidationCode::MvccReadConflict]);
    let text = committed.conflicts[0].as_ref().unwrap().to_string();
    assert_eq!(
        text,
        "key \"b\" of ns was read at 1:0 and is now at no version, deleted by transaction t5"
    );
}

#[test]
fn phantoms_are_found() {
    let (_ledgers, ledger) = temporary();
    commit(&ledger, &[("t1", puts(&ledger, &[("b", "1"), ("d", "1"), ("f", "1")]))]);
    let scan = |rows: usize| {
        simulate(&ledger, |sim| {
            let id = sim.range("ns", "a", "z").unwrap();
            for _ in 0..rows {
                sim.next_row(id).unwrap();
            }
        })
    };
    let (all, first_two) = (scan(4), scan(2));
    // In the block: put, update and delete inside, at and past the end of what was read.
    for (n, (key, value, all_code, two_code)) in [
        ("c", "1", 12, 12),
        ("d", "2", 12, 12),
        ("d", "", 12, 12),
        ("e", "1", 12, 0),
        ("f", "2", 12, 0),
        ("z", "1", 0, 0),
        ("A", "1", 0, 0),
    ]
    .into_iter()
    .enumerate()
    {
        let (_ledgers, ledger) = temporary();
        commit(&ledger, &[("t1", puts(&ledger, &[("b", "1"), ("d", "1"), ("f", "1")]))]);
        let change = puts(&ledger, &[(key, value)]);
        let in_block = [("c", change), ("all", all.clone()), ("two", first_two.clone())];
        let committed = commit(&ledger, &in_block);
        let codes: Vec<_> = committed.codes.iter().map(|code| *code as i32).collect();
        assert_eq!(codes, [0, all_code, two_code], "case {n} in the block");
        // And after it.
        let committed = commit(&ledger, &[("all2", all.clone()), ("two2", first_two.clone())]);
        let codes: Vec<_> = committed.codes.iter().map(|code| *code as i32).collect();
        assert_eq!(codes, [all_code, two_code], "case {n} after the block");
    }
}

#[test]
fn hashed_ranges_are_compared() {
    let (_ledgers, ledger) = temporary();
    let keys: Vec<_> = (0..120).map(|n| format!("k{n:03}")).collect();
    let all: Vec<_> = keys.iter().map(|key| (key.as_str(), "v")).collect();
    commit(&ledger, &[("fill", puts(&ledger, &all))]);
    let scan = simulate(&ledger, |sim| {
        let id = sim.range("ns", "", "").unwrap();
        while sim.next_row(id).unwrap().is_some() {}
    });
    let mut hostile = scan.clone();
    for query in &mut hostile.namespaces.get_mut("ns").unwrap().range_queries {
        if let Some(crate::proto::kvrwset::range_query_info::ReadsInfo::ReadsMerkleHashes(tree)) =
            &mut query.reads_info
        {
            tree.max_degree = 0;
        }
    }
    let set = puts(&ledger, &[("k060", "other")]);
    let committed = commit(
        &ledger,
        &[("same", scan.clone()), ("bad", hostile), ("change", set), ("lost", scan)],
    );
    let codes: Vec<_> = committed.codes.iter().map(|code| *code as i32).collect();
    assert_eq!(codes, [0, 12, 0, 12]);
}

#[test]
fn a_transaction_id_is_valid_once() {
    let (_ledgers, ledger) = temporary();
    let set = puts(&ledger, &[("a", "1")]);
    let (block, mut txs) = next_block(
        &ledger,
        &[("t1", set.clone()), ("t1", set.clone()), ("t2", set.clone()), ("t2", set.clone())],
    );
    // An invalid transaction does not take the id from a later valid one of its block.
    txs[2].code = TxValidationCode::EndorsementPolicyFailure;
    let committed = ledger.commit(block, txs, &NoCollections).unwrap();
    let codes: Vec<_> = committed.codes.iter().map(|code| *code as i32).collect();
    assert_eq!(codes, [0, 9, 10, 0]);
    assert_eq!(committed.conflicts[1], Some(Conflict::DuplicateTxId { block: None }));
    // But once it is in the ledger, no other may have it.
    let committed = commit(&ledger, &[("t1", set.clone()), ("t2", set)]);
    assert_eq!(committed.codes, [TxValidationCode::DuplicateTxid; 2]);
    assert_eq!(committed.conflicts[0], Some(Conflict::DuplicateTxId { block: Some(1) }));
    // Lookups find the first.
    let validation = |tx_id| ledger.tx_validation(tx_id).unwrap();
    assert_eq!(validation("t1"), Some((TxValidationCode::Valid, 1)));
    assert_eq!(validation("t2"), Some((TxValidationCode::EndorsementPolicyFailure, 1)));
    assert_eq!(validation("t3"), None);
    assert!(ledger.transaction_by_id("t3").unwrap().is_none());
}

#[test]
fn transactions_that_do_not_parse_have_a_place_too() {
    let (_ledgers, ledger) = temporary();
    let info = ledger.info();
    let block = new_block(1, info.current_block_hash, vec![vec![], b"\xff".to_vec()]);
    let tx = |code| CommitTx { tx_id: None, code, rwset: None };
    let txs = vec![tx(TxValidationCode::NilEnvelope), tx(TxValidationCode::BadPayload)];
    let committed = ledger.commit(block, txs, &NoCollections).unwrap();
    assert_eq!(block::tx_filter(&committed.block), [1, 2]);
}

#[test]
fn history_is_newest_first_with_deletes() {
    let (_ledgers, ledger) = temporary();
    commit(&ledger, &[("t1", puts(&ledger, &[("a", "1"), ("ab", "x")]))]);
    let (second, third) = (puts(&ledger, &[("a", "2")]), puts(&ledger, &[("a", "3")]));
    commit(&ledger, &[("t2", second), ("t3", third)]);
    let lost = simulate(&ledger, |sim| {
        sim.get_state("ns", "a").unwrap();
        sim.put_state("ns", "a", b"lost".to_vec()).unwrap();
    });
    let before = ledger.simulator("reader");
    commit(&ledger, &[("t4", puts(&ledger, &[("a", "")]))]);
    assert_eq!(commit(&ledger, &[("t5", lost)]).codes, [TxValidationCode::MvccReadConflict]);

    let history =
        |key| -> Vec<_> { ledger.history("ns", key).unwrap().map(Result::unwrap).collect() };
    let all = history("a");
    let found: Vec<_> = all.iter().map(|m| (m.tx_id.as_str(), m.is_delete)).collect();
    assert_eq!(found, [("t4", true), ("t3", false), ("t2", false), ("t1", false)]);
    assert_eq!(all[1].value, b"3");
    assert_eq!(all[0].value, b"");
    assert_eq!(all[0].timestamp, Some(Timestamp { seconds: 7, nanos: 9 }));
    let seen: Vec<_> =
        before.history("ns", "a").unwrap().map(|entry| entry.unwrap().tx_id).collect();
    assert_eq!(seen, ["t3", "t2", "t1"], "a simulation does not see later blocks");
    assert!(history("none").is_empty());
}

/// The newest writes are kept with the value and move to rows of their own now and then; none may
/// be lost or seen twice, at whatever height the history is read.
#[test]
fn long_histories_are_complete_at_every_height() {
    let (_ledgers, ledger) = temporary();
    let mut simulators = Vec::new();
    let mut expected = Vec::new();
    for block in 1..60_u64 {
        simulators.push((ledger.simulator("tx"), expected.clone()));
        let value = if block % 17 == 0 { "" } else { "x" };
        let metadata = Metadata::from([("n".into(), vec![1])]);
        let only_metadata =
            simulate(&ledger, |sim| sim.put_state_metadata("ns", "a", metadata).unwrap());
        let ids = [0, 1, 2].map(|n| format!("{block}-{n}"));
        let (put, again) = (puts(&ledger, &[("a", value)]), puts(&ledger, &[("a", "y")]));
        let mut txs = vec![(ids[0].as_str(), put), (ids[1].as_str(), only_metadata)];
        expected.insert(0, ids[0].clone());
        if block % 5 == 0 {
            txs.push((ids[2].as_str(), again));
            expected.insert(0, ids[2].clone());
        }
        commit(&ledger, &txs);
    }
    simulators.push((ledger.simulator("tx"), expected));
    for (simulator, expected) in simulators {
        let history = simulator.history("ns", "a").unwrap();
        let found: Vec<_> = history.map(|entry| entry.unwrap().tx_id).collect();
        assert_eq!(found, expected, "at height {}", simulator.snapshot().height());
    }
}

#[test]
fn a_stored_block_is_applied_on_opening() {
    let dir = tempfile::tempdir().unwrap();
    let (ledgers, ledger) = open(dir.path());
    commit(&ledger, &[("t1", puts(&ledger, &[("a", "1")]))]);
    let expected = store_only(&ledger, "b", "2");
    assert_eq!(ledger.height(), 2);
    drop((ledger, ledgers));

    let (_ledgers, ledger) = open(dir.path());
    assert_eq!(ledger.tip(), expected);
    let snapshot = ledger.snapshot();
    assert_eq!(snapshot.get("ns", "a").unwrap().unwrap().value, b"1");
    let value = snapshot.get("ns", "b").unwrap().unwrap();
    assert_eq!((value.value.as_slice(), value.version), (&b"2"[..], Height::new(2, 0)));
    assert_eq!(ledger.tx_validation("tx-b").unwrap(), Some((TxValidationCode::Valid, 2)));
    assert_eq!(ledger.history("ns", "b").unwrap().count(), 1);
    commit(&ledger, &[("t3", puts(&ledger, &[("c", "3")]))]);
    assert_eq!(ledger.block(3).unwrap().unwrap().header.unwrap().number, 3);
}

#[test]
fn a_block_that_was_not_stored_whole_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let (ledgers, ledger) = open(dir.path());
    commit(&ledger, &[("t1", puts(&ledger, &[("a", "1")]))]);
    let whole = ledger.blocks.length().unwrap();
    store_only(&ledger, "b", "2");
    drop((ledger, ledgers));
    let path = blocks_path(dir.path());
    let stored = std::fs::read(&path).unwrap();
    for cut in [stored.len() - 1, whole as usize + 21, whole as usize + 3] {
        std::fs::write(&path, &stored[..cut]).unwrap();
        let (_ledgers, ledger) = open(dir.path());
        assert_eq!(ledger.height(), 2);
        assert_eq!(ledger.blocks.length().unwrap(), whole);
    }
    let (_ledgers, ledger) = open(dir.path());
    commit(&ledger, &[("t2", puts(&ledger, &[("b", "2")]))]);
    assert_eq!(ledger.height(), 3);
}

#[test]
fn a_channel_whose_creation_was_interrupted_can_be_created() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("channels").join(CHANNEL)).unwrap();
    std::fs::write(blocks_path(dir.path()), [0, 0, 1]).unwrap();
    let ledgers = Ledgers::open(dir.path(), small_config()).unwrap();
    assert!(ledgers.channels().is_empty());
    assert_eq!(ledgers.create(&genesis()).unwrap().height(), 1);
}

#[test]
fn damage_is_reported_and_not_repaired() {
    let dir = tempfile::tempdir().unwrap();
    let (ledgers, ledger) = open(dir.path());
    commit(&ledger, &[("t1", puts(&ledger, &[("a", "1")]))]);
    let start = ledger.blocks.length().unwrap();
    store_only(&ledger, "b", "2");
    let end = ledger.blocks.length().unwrap();
    drop((ledger, ledgers));

    let path = blocks_path(dir.path());
    let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let mut good = vec![0; (end - start) as usize];
    file.read_exact_at(&mut good, start).unwrap();
    // Every changed byte of the record is noticed; some of the bytes are enough to try.
    for at in (0..good.len()).step_by(7).chain([good.len() - 1]) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        file.write_all_at(&bad, start).unwrap();
        match open_error(dir.path()) {
            LedgerError::CorruptBlock { number: 2, reason, .. } => assert!(!reason.is_empty()),
            other => panic!("byte {at}: {other}"),
        }
        assert_eq!(file.metadata().unwrap().len(), end, "byte {at}");
    }
    file.write_all_at(&good, start).unwrap();
    let (ledgers, ledger) = open(dir.path());
    assert_eq!(ledger.height(), 3);
    drop((ledger, ledgers));

    file.set_len(end - 1).unwrap();
    assert!(matches!(open_error(dir.path()), LedgerError::StateAhead { state: 3, .. }));
}

#[test]
fn only_one_process_has_the_ledger() {
    let dir = tempfile::tempdir().unwrap();
    let (_ledgers, _ledger) = open(dir.path());
    let error = open_error(dir.path());
    assert!(matches!(error, LedgerError::Locked { .. }), "{error}");
    assert!(error.to_string().contains("in use by another process"));
}

#[test]
fn after_a_failed_commit_the_ledger_must_be_reopened() {
    let (_ledgers, ledger) = temporary();
    ledger.writer.lock().unwrap().failed = true;
    let (block, txs) = next_block(&ledger, &[("t1", puts(&ledger, &[("a", "1")]))]);
    let error = ledger.commit(block, txs, &NoCollections).unwrap_err();
    assert!(matches!(error, LedgerError::NeedsReopen { .. }));
    assert_eq!(ledger.snapshot().get("ns", "a").unwrap(), None);
}

#[test]
fn temporary_ledgers_leave_nothing_behind() {
    let (ledgers, ledger) = temporary();
    commit(&ledger, &[("t1", puts(&ledger, &[("a", "1")]))]);
    ledgers.put_peer_value("package", b"bytes").unwrap();
    let dir = ledgers.dir().to_owned();
    assert!(dir.exists());
    drop((ledger, ledgers));
    assert!(!dir.exists());
}

#[test]
fn peer_values_survive() {
    let dir = tempfile::tempdir().unwrap();
    let ledgers = Ledgers::open(dir.path(), small_config()).unwrap();
    ledgers.put_peer_value("package/a", b"1").unwrap();
    drop(ledgers);
    let ledgers = Ledgers::open(dir.path(), small_config()).unwrap();
    assert_eq!(ledgers.get_peer_value("package/a").unwrap(), Some(b"1".to_vec()));
    assert_eq!(ledgers.peer_value_keys("package/").unwrap(), ["package/a"]);
    ledgers.remove_peer_value("package/a").unwrap();
    assert_eq!(ledgers.get_peer_value("package/a").unwrap(), None);
}
