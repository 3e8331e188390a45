//! Commits and queries of complete ledgers.

use crate::test_support::{
    CHANNEL, commit, genesis, next_block, puts, simulate, small_config, temporary, temporary_with,
};
use crate::{
    CommitTx, Conflict, LedgerConfig, LedgerError, Metadata, NoCollections, TxRwSet, block,
    new_block,
};
use wasmcc_types::proto::protos::TxValidationCode;
use wasmcc_types::{Height, Timestamp};

#[test]
fn a_block_must_continue_the_chain() {
    let (_ledgers, ledger) = temporary();
    let set = puts(&ledger, &[("a", "1")]);
    let (good, txs) = next_block(&ledger, &[("t1", set)]);
    let refused = |change: &dyn Fn(&mut wasmcc_types::proto::common::Block)| {
        let mut block = good.clone();
        change(&mut block);
        ledger.commit(block, txs.clone(), &NoCollections).unwrap_err()
    };
    let error = refused(&|block| block.header.as_mut().unwrap().number = 2);
    assert!(matches!(error, LedgerError::BlockNumber { expected: 1, got: 2 }));
    let error = refused(&|block| block.header.as_mut().unwrap().previous_hash = vec![1; 32]);
    assert!(matches!(error, LedgerError::PreviousHash { number: 1 }));
    let error = refused(&|block| block.data.as_mut().unwrap().data[0] = b"other".as_slice().into());
    assert!(matches!(error, LedgerError::DataHash { number: 1 }));
    let error = refused(&|block| block.header = None);
    assert!(matches!(error, LedgerError::IncompleteBlock { part: "header" }));
    let error = refused(&|block| block.data = None);
    assert!(matches!(error, LedgerError::IncompleteBlock { part: "data" }));
    let error = ledger.commit(good.clone(), vec![], &NoCollections).unwrap_err();
    assert!(matches!(error, LedgerError::VerdictCount { envelopes: 1, verdicts: 0, .. }));
    // None of these changed anything.
    assert_eq!(ledger.height(), 1);
    assert_eq!(
        ledger.commit(good, txs, &NoCollections).unwrap().codes(),
        [TxValidationCode::Valid]
    );
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
    assert_eq!(committed.txs[1].conflict, Some(conflict));
    let conflict = Conflict::Range {
        namespace,
        start_key: "a".into(),
        end_key: "c".into(),
        key: Some(key),
        read: at(1, 0),
        now: at(2, 0),
        writer: Some("t2".into()),
        newest: None,
    };
    assert_eq!(committed.txs[2].conflict, Some(conflict));
    commit(&ledger, &[("t5", puts(&ledger, &[("b", "")]))]);
    let committed = commit(&ledger, &[("t6", stale)]);
    assert_eq!(committed.codes(), [TxValidationCode::MvccReadConflict]);
    let text = committed.txs[0].conflict.as_ref().unwrap().to_string();
    assert_eq!(
        text,
        "key \"b\" of ns was read at 1:0 and is now at no version, deleted by transaction t5"
    );
}

/// For more than 50 rows only hashes are recorded, so the row that differs is unknown.
#[test]
fn a_conflict_over_a_long_range_names_what_was_written_last() {
    let (_ledgers, ledger) = temporary();
    let keys: Vec<String> = (0..60).map(|number| format!("k{number:02}")).collect();
    let rows: Vec<_> = keys.iter().map(|key| (key.as_str(), "1")).collect();
    commit(&ledger, &[("t1", puts(&ledger, &rows))]);
    let scan = simulate(&ledger, |sim| {
        let id = sim.range("ns", "k", "l").unwrap();
        while sim.next_row(id).unwrap().is_some() {}
    });
    commit(&ledger, &[("t2", puts(&ledger, &[("k07", "2")]))]);
    let text = |txs: &[(&str, TxRwSet)]| {
        let committed = commit(&ledger, txs);
        assert_eq!(committed.codes().last(), Some(&TxValidationCode::PhantomReadConflict));
        committed.txs.last().unwrap().conflict.as_ref().unwrap().to_string()
    };
    let start = "the range from \"k\" to \"l\" of ns has changed; ";
    let before = "only hashes of its rows were recorded, the one written last is key";
    assert_eq!(
        text(&[("t3", scan.clone())]),
        format!("{start}{before} \"k07\" at 2:0, by transaction t2")
    );
    let earlier = ("t4", puts(&ledger, &[("k61", "1")]));
    assert_eq!(
        text(&[earlier, ("t5", scan.clone())]),
        format!("{start}{before} \"k61\" at 4:0, by transaction t4")
    );
    let gone: Vec<_> = keys.iter().map(|key| (key.as_str(), "")).chain([("k61", "")]).collect();
    let empty = text(&[("t6", puts(&ledger, &gone)), ("t7", scan)]);
    assert_eq!(empty, format!("{start}it is empty now"));
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
    // Within the block: a put, an update and a delete inside the range, at its end and after it.
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
        let codes: Vec<_> = committed.codes().iter().map(|code| *code as i32).collect();
        assert_eq!(codes, [0, all_code, two_code], "case {n} in the block");
        // The same in the next block.
        let committed = commit(&ledger, &[("all2", all.clone()), ("two2", first_two.clone())]);
        let codes: Vec<_> = committed.codes().iter().map(|code| *code as i32).collect();
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
        if let Some(wasmcc_types::proto::kvrwset::range_query_info::ReadsInfo::ReadsMerkleHashes(
            tree,
        )) = &mut query.reads_info
        {
            tree.max_degree = 0;
        }
    }
    let set = puts(&ledger, &[("k060", "other")]);
    let committed = commit(
        &ledger,
        &[("same", scan.clone()), ("bad", hostile), ("change", set), ("lost", scan)],
    );
    let codes: Vec<_> = committed.codes().iter().map(|code| *code as i32).collect();
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
    // An invalid transaction does not reserve the id: a later valid one of its block can have it.
    txs[2].code = TxValidationCode::EndorsementPolicyFailure;
    let committed = ledger.commit(block, txs, &NoCollections).unwrap();
    let codes: Vec<_> = committed.codes().iter().map(|code| *code as i32).collect();
    assert_eq!(codes, [0, 9, 10, 0]);
    assert_eq!(committed.txs[1].conflict, Some(Conflict::DuplicateTxId { block: None }));
    // Once the id is in the ledger, every other transaction with it is invalid.
    let committed = commit(&ledger, &[("t1", set.clone()), ("t2", set)]);
    assert_eq!(committed.codes(), [TxValidationCode::DuplicateTxid; 2]);
    assert_eq!(committed.txs[0].conflict, Some(Conflict::DuplicateTxId { block: Some(1) }));
    // Look-ups return the first transaction.
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
fn a_history_ends_at_the_limit_of_queries() {
    let (_ledgers, ledger) =
        temporary_with(LedgerConfig { total_query_limit: 2, ..small_config() });
    for number in ["1", "2", "3"] {
        commit(&ledger, &[(number, puts(&ledger, &[("a", number)]))]);
    }
    let history = ledger.simulator("reader").history("ns", "a").unwrap();
    let ids: Vec<String> = history.map(|write| write.unwrap().tx_id).collect();
    assert_eq!(ids, ["3", "2"]);
    assert_eq!(ledger.history("ns", "a").unwrap().count(), 3, "no transaction, no limit");
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
    assert_eq!(commit(&ledger, &[("t5", lost)]).codes(), [TxValidationCode::MvccReadConflict]);

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

#[test]
fn the_value_before_a_block_is_found() {
    let (_ledgers, ledger) = temporary();
    for (block, value) in [(1, "1"), (2, ""), (3, "3"), (4, "4")] {
        let id = format!("t{block}");
        commit(&ledger, &[(&id, puts(&ledger, &[("a", value), ("other", "x")]))]);
    }
    let metadata = Metadata::from([("n".into(), vec![1])]);
    let moved = simulate(&ledger, |sim| sim.put_state_metadata("ns", "a", metadata).unwrap());
    commit(&ledger, &[("t5", moved)]);
    let before = |key, block| {
        let found = ledger.snapshot().value_before("ns", key, block).unwrap();
        found.map(|value| String::from_utf8(value).unwrap())
    };
    let values: Vec<_> = (0..8).map(|block| before("a", block)).collect();
    let expected = [None, None, Some("1"), None, Some("3"), Some("4"), Some("4"), Some("4")];
    assert_eq!(values, expected.map(|value| value.map(str::to_owned)));
    assert_eq!(before("none", 9), None);
}

/// The newest writes are stored with the value and sometimes move to rows of their own. None may be
/// lost or duplicated, at whatever height the history is read.
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
fn after_a_failed_commit_the_ledger_must_be_reopened() {
    let (_ledgers, ledger) = temporary();
    ledger.writer.lock().unwrap().failed = true;
    let (block, txs) = next_block(&ledger, &[("t1", puts(&ledger, &[("a", "1")]))]);
    let error = ledger.commit(block, txs, &NoCollections).unwrap_err();
    assert!(matches!(error, LedgerError::NeedsReopen { .. }));
    assert_eq!(ledger.snapshot().get("ns", "a").unwrap(), None);
}
