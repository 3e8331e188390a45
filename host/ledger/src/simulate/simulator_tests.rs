//! Simulators and snapshots of a real state.

use std::sync::Arc;

use crate::test_support::{
    commit, open_with, puts, simulate, small_config, temporary, temporary_with,
};
use crate::{Ledger, LedgerConfig, LedgerError, Metadata, OwnRead};
use wasmcc_types::Height;
use wasmcc_types::proto::kvrwset::range_query_info::ReadsInfo;
use wasmcc_types::proto::protos::TxValidationCode;

fn fill(ledger: &Arc<Ledger>, keys: usize) {
    let keys: Vec<_> = (0..keys).map(|n| format!("k{n:03}")).collect();
    let all: Vec<_> = keys.iter().map(|key| (key.as_str(), "v")).collect();
    commit(ledger, &[("fill", puts(ledger, &all))]);
}

#[test]
fn a_page_may_be_as_large_as_its_limit() {
    let (_ledgers, ledger) = temporary();
    commit(&ledger, &[("t1", puts(&ledger, &[("a", "123"), ("b", "123"), ("c", "123")]))]);
    let page = |rows: usize, max_bytes: usize| {
        let mut sim = ledger.simulator("tx");
        let page = sim.range_page("ns", "", "", rows, "", max_bytes);
        page.map(|page| (page.rows.len(), page.bookmark)).map_err(|error| error.to_string())
    };
    assert_eq!(page(2, 8), Ok((2, "c".to_owned())));
    assert_eq!(page(0, 12), Ok((3, String::new())));
    let text = "a page of a query may hold keys and values of at most 11 bytes";
    assert_eq!(page(3, 11), Err(text.to_owned()));
}

#[test]
fn what_a_transaction_reads_after_it_wrote_it_is_told() {
    let (_ledgers, ledger) = temporary();
    commit(&ledger, &[("t1", puts(&ledger, &[("a", "1"), ("b", "1"), ("c", "1")]))]);
    let mut sim = ledger.simulator("tx");
    sim.get_state("ns", "a").unwrap();
    sim.put_state("ns", "a", b"2".to_vec()).unwrap();
    sim.put_state("ns", "c", b"2".to_vec()).unwrap();
    sim.put_state("ns", "new", b"2".to_vec()).unwrap();
    sim.get_state("other", "a").unwrap();
    sim.get_state("ns", "b").unwrap();
    assert_eq!(sim.get_state("ns", "c").unwrap(), Some(b"1".to_vec()));
    sim.range("ns", "d", "z").unwrap();
    sim.range("ns", "a", "a").unwrap();
    let own = |key: &str| OwnRead { namespace: "ns".to_owned(), key: key.to_owned() };
    assert_eq!(sim.finish().own_reads, [own("c"), own("new")]);
}

#[test]
fn it_is_known_which_keys_were_read_and_have_no_metadata() {
    let (_ledgers, ledger) = temporary();
    commit(&ledger, &[("t1", puts(&ledger, &[("a", "1"), ("b", "1"), ("c", "1")]))]);
    let protect = simulate(&ledger, |sim| {
        let metadata = Metadata::from([("VALIDATION_PARAMETER".to_owned(), vec![1])]);
        sim.put_state_metadata("ns", "b", metadata).unwrap();
    });
    commit(&ledger, &[("t2", protect)]);
    let mut sim = ledger.simulator("tx");
    for key in ["a", "b", "absent"] {
        sim.get_state("ns", key).unwrap();
    }
    sim.get_state("other", "c").unwrap();
    let results = sim.finish();
    let plain = |key: &str| results.has_seen_plain("ns", key);
    assert_eq!(["a", "b", "c", "absent"].map(plain), [true, false, false, true]);
}

#[test]
fn own_writes_are_not_read() {
    let (_ledgers, ledger) = temporary();
    commit(&ledger, &[("t1", puts(&ledger, &[("a", "1")]))]);
    let set = simulate(&ledger, |sim| {
        sim.put_state("ns", "a", b"2".to_vec()).unwrap();
        assert_eq!(sim.get_state("ns", "a").unwrap(), Some(b"1".to_vec()));
        sim.delete_state("ns", "a").unwrap();
        assert_eq!(sim.get_state("ns", "a").unwrap(), Some(b"1".to_vec()));
        assert_eq!(sim.get_state("ns", "none").unwrap(), None);
        let keys = ["none".to_owned(), "a".to_owned()];
        assert_eq!(sim.get_multiple("ns", &keys).unwrap(), [None, Some(b"1".to_vec())]);
    });
    let ns = &set.namespaces["ns"];
    let reads: Vec<_> = ns.reads.iter().map(|read| (read.key.as_str(), read.version)).collect();
    assert_eq!(reads[0].0, "a");
    assert_eq!(reads[0].1.map(|v| (v.block_num, v.tx_num)), Some((1, 0)));
    assert_eq!(reads[1], ("none", None));
    assert_eq!(ns.writes.len(), 1);
    assert!(ns.writes[0].is_delete);
}

#[test]
fn an_empty_value_is_a_delete() {
    let (_ledgers, ledger) = temporary();
    commit(&ledger, &[("t1", puts(&ledger, &[("a", "1")]))]);
    let set = puts(&ledger, &[("a", "")]);
    assert!(set.namespaces["ns"].writes[0].is_delete);
    commit(&ledger, &[("t2", set)]);
    assert_eq!(ledger.snapshot().get("ns", "a").unwrap(), None);
}

#[test]
fn an_untouched_range_records_what_was_read() {
    let (_ledgers, ledger) = temporary();
    fill(&ledger, 5);
    let set = simulate(&ledger, |sim| {
        let id = sim.range("ns", "k001", "k004").unwrap();
        let keys: Vec<_> =
            std::iter::from_fn(|| sim.next_row(id).unwrap()).map(|row| row.key).collect();
        assert_eq!(keys, ["k001", "k002", "k003"]);
        assert_eq!(sim.next_row(id).unwrap(), None);
        let id = sim.range("ns", "", "").unwrap();
        sim.next_row(id).unwrap();
        sim.close_range(id);
        sim.close_range(id);
        assert!(matches!(sim.next_row(id), Err(LedgerError::UnknownRange)));
        sim.range("ns", "unread", "z").unwrap();
        let id = sim.range("ns", "x", "a").unwrap();
        assert_eq!(sim.next_row(id).unwrap(), None);
    });
    let ranges = &set.namespaces["ns"].range_queries;
    let recorded: Vec<_> = ranges
        .iter()
        .map(|r| {
            let rows = match &r.reads_info {
                None => 0,
                Some(ReadsInfo::RawReads(reads)) => reads.kv_reads.len(),
                Some(ReadsInfo::ReadsMerkleHashes(_)) => usize::MAX,
            };
            (r.start_key.as_str(), r.end_key.as_str(), r.itr_exhausted, rows)
        })
        .collect();
    let expected = [
        ("k001", "k004", true, 3),
        ("", "k000", false, 1),
        ("unread", "", false, 0),
        ("x", "a", true, 0),
    ];
    assert_eq!(recorded, expected);
    assert!(set.namespaces["ns"].reads.is_empty());
}

#[test]
fn a_range_ends_at_the_query_limit_without_being_exhausted() {
    let (_ledgers, ledger) =
        temporary_with(LedgerConfig { total_query_limit: 3, max_ranges: 1, ..small_config() });
    fill(&ledger, 5);
    let set = simulate(&ledger, |sim| {
        let id = sim.range("ns", "", "").unwrap();
        assert_eq!(std::iter::from_fn(|| sim.next_row(id).unwrap()).count(), 3);
        let refused = sim.range("ns", "", "");
        assert!(matches!(refused, Err(LedgerError::TooManyRanges { limit: 1 })));
    });
    let range = &set.namespaces["ns"].range_queries[0];
    assert_eq!((range.end_key.as_str(), range.itr_exhausted), ("k002", false));
}

#[test]
fn pages_go_through_a_range_by_bookmark() {
    let (_ledgers, ledger) = temporary();
    fill(&ledger, 5);
    let mut sim = ledger.simulator("tx");
    let mut bookmark = String::new();
    let mut sizes = Vec::new();
    loop {
        let page = sim.range_page("ns", "k001", "", 2, &bookmark, usize::MAX).unwrap();
        sizes.push((page.rows.len(), page.bookmark.clone()));
        if page.bookmark.is_empty() {
            break;
        }
        bookmark = page.bookmark;
    }
    assert_eq!(sizes, [(2, "k003".to_owned()), (2, String::new())]);
    let page = sim.range_page("ns", "", "", 0, "", usize::MAX).unwrap();
    assert_eq!((page.rows.len(), page.bookmark.as_str()), (5, ""));
    let ranges = sim.finish().public.namespaces.remove("ns").unwrap().range_queries;
    let recorded: Vec<_> = ranges
        .iter()
        .map(|r| (r.start_key.as_str(), r.end_key.as_str(), r.itr_exhausted))
        .collect();
    // The row of the bookmark is peeked at and not read; a full page does not reach the end.
    let expected = [("k001", "k002", false), ("k003", "k004", false), ("", "", true)];
    assert_eq!(recorded, expected);
}

#[test]
fn pages_and_writes_exclude_each_other() {
    let (_ledgers, ledger) = temporary();
    let mut sim = ledger.simulator("abc");
    sim.range_page("ns", "", "", 1, "", usize::MAX).unwrap();
    let expected = "txid [abc]: unsuppored transaction. Transaction has already performed a \
                    paginated query. Writes are not allowed";
    assert_eq!(sim.put_state("ns", "a", vec![1]).unwrap_err().to_string(), expected);
    assert_eq!(
        sim.put_state_metadata("ns", "a", Metadata::new()).unwrap_err().to_string(),
        expected
    );

    let mut sim = ledger.simulator("abc");
    sim.put_state("ns", "a", vec![1]).unwrap();
    let expected = "txid [abc]: unsuppored transaction. Paginated queries are supported only in \
                    a read-only transaction";
    assert_eq!(sim.range_page("ns", "", "", 1, "", usize::MAX).unwrap_err().to_string(), expected);
}

/// An earlier version had another limit.
#[test]
fn a_key_that_is_too_long_today_can_be_removed() {
    let dir = tempfile::tempdir().unwrap();
    let config = |max_key_bytes| LedgerConfig { max_key_bytes, ..small_config() };
    let (old, none) = ("L".repeat(100), "N".repeat(100));
    let (ledgers, ledger) = open_with(dir.path(), config(100));
    let mut sim = ledger.simulator_for("t1", "A");
    sim.put_state("ns", &old, vec![1]).unwrap();
    sim.put_private_data("ns", "c", &old, vec![1]).unwrap();
    commit(&ledger, &[("t1", sim.finish().public)]);
    drop((ledger, ledgers));

    let (_ledgers, ledger) = open_with(dir.path(), config(99));
    let mut sim = ledger.simulator_for("t2", "A");
    let refused = |done: Result<(), LedgerError>| {
        let is_refused = matches!(done, Err(LedgerError::KeyTooLong { bytes: 100, limit: 99 }));
        assert!(is_refused, "{done:?}");
    };
    refused(sim.put_state("ns", &old, vec![2]));
    refused(sim.delete_state("ns", &none));
    refused(sim.delete_state("other", &old));
    refused(sim.put_private_data("ns", "c", &old, vec![2]));
    refused(sim.delete_private_data("ns", "c", &none));
    refused(sim.purge_private_data("ns", "d", &old));
    sim.delete_state("ns", &old).unwrap();
    sim.delete_private_data("ns", "c", &old).unwrap();
    sim.purge_private_data("ns", "c", &old).unwrap();
    commit(&ledger, &[("t2", sim.finish().public)]);
    let mut sim = ledger.simulator("t3");
    assert_eq!(sim.get_state("ns", &old).unwrap(), None);
    assert_eq!(sim.get_private_data_hash("ns", "c", &old).unwrap(), None);
    refused(sim.delete_state("ns", &old));
    refused(sim.purge_private_data("ns", "c", &old));
}

#[test]
fn keys_and_values_have_limits() {
    let config = LedgerConfig {
        max_key_bytes: 3,
        max_value_bytes: 4,
        max_metadata_bytes: 5,
        ..small_config()
    };
    let (_ledgers, ledger) = temporary_with(config);
    let mut sim = ledger.simulator("tx");
    sim.put_state("ns", "abc", vec![1; 4]).unwrap();
    let error = sim.put_state("ns", "abcd", vec![1]).unwrap_err();
    assert!(matches!(error, LedgerError::KeyTooLong { bytes: 4, limit: 3 }));
    let error = sim.put_private_data("ns", "c", "k", vec![1; 5]).unwrap_err();
    assert!(matches!(error, LedgerError::ValueTooLong { bytes: 5, limit: 4 }));
    let metadata = |bytes| Metadata::from([("n".into(), vec![1; bytes])]);
    let errors = [
        sim.put_state_metadata("ns", "abc", metadata(5)).unwrap_err(),
        sim.put_private_data_metadata("ns", "c", "abc", metadata(5)).unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, LedgerError::MetadataTooLong { bytes: 6, limit: 5 }), "{error}");
    }
    assert!(sim.put_state_metadata("ns", "abcd", metadata(1)).is_err());
    sim.put_state_metadata("ns", "abc", metadata(3)).unwrap();
}

#[test]
fn all_that_is_recorded_together_has_a_limit() {
    let config = LedgerConfig { max_rwset_bytes: 30, ..small_config() };
    let (_ledgers, ledger) = temporary_with(config);
    fill(&ledger, 5);
    let full = |result: Result<(), LedgerError>| {
        assert!(matches!(result, Err(LedgerError::TooMuchRecorded { limit: 30 })));
    };
    let mut sim = ledger.simulator("tx");
    for _ in 0..9 {
        sim.put_state("ns", "ab", vec![1; 20]).unwrap();
        sim.get_state("ns", "k001").unwrap();
    }
    // 26 bytes are recorded: replacing does not count, nor does reading the same key again.
    sim.put_state("ns", "ab", vec![1; 23]).unwrap();
    full(sim.put_state("ns", "ab", vec![1; 25]));
    full(sim.put_state("ns", "a", vec![1]));
    full(sim.get_state("ns", "cd").map(drop));
    full(sim.put_state_metadata("ns", "cd", Metadata::new()));
    full(sim.put_private_data("ns", "c", "k", vec![1]));
    full(sim.range("ns", "x", "y").map(drop));
    let written = sim.finish().public.namespaces.remove("ns").unwrap().writes;
    assert_eq!(written.len(), 1);

    // The keys of a range count as long as they may be recorded as they are.
    let mut sim = ledger.simulator("tx");
    let id = sim.range("ns", "", "").unwrap();
    sim.put_state("ns", "ab", vec![1; 20]).unwrap();
    for _ in 0..3 {
        sim.next_row(id).unwrap();
    }
    full(sim.next_row(id).map(drop));
}

#[test]
fn metadata_moves_the_version_and_stays_with_the_value() {
    let (_ledgers, ledger) = temporary();
    commit(&ledger, &[("t1", puts(&ledger, &[("a", "1")]))]);
    let policy = Metadata::from([("VALIDATION_PARAMETER".into(), vec![1, 2])]);
    let set = simulate(&ledger, |sim| {
        sim.put_state_metadata("ns", "a", policy.clone()).unwrap();
        sim.put_state_metadata("ns", "absent", policy.clone()).unwrap();
        assert!(sim.get_state_metadata("ns", "a").unwrap().is_empty());
    });
    commit(&ledger, &[("t2", set)]);
    let snapshot = ledger.snapshot();
    let value = snapshot.get("ns", "a").unwrap().unwrap();
    assert_eq!((value.value.as_slice(), value.version), (&b"1"[..], Height::new(2, 0)));
    assert_eq!(snapshot.get_metadata("ns", "a").unwrap(), policy);
    assert_eq!(snapshot.get("ns", "absent").unwrap(), None);

    commit(&ledger, &[("t3", puts(&ledger, &[("a", "2")]))]);
    assert_eq!(ledger.snapshot().get_metadata("ns", "a").unwrap(), policy);
    commit(&ledger, &[("t4", puts(&ledger, &[("a", "")]))]);
    commit(&ledger, &[("t5", puts(&ledger, &[("a", "3")]))]);
    assert!(ledger.snapshot().get_metadata("ns", "a").unwrap().is_empty());
}

#[test]
fn a_metadata_write_after_a_delete_in_the_block_does_nothing() {
    let (_ledgers, ledger) = temporary();
    commit(&ledger, &[("t1", puts(&ledger, &[("a", "1")]))]);
    let policy = Metadata::from([("n".into(), vec![1])]);
    let delete = puts(&ledger, &[("a", "")]);
    let set = simulate(&ledger, |sim| sim.put_state_metadata("ns", "a", policy).unwrap());
    let codes = commit(&ledger, &[("t2", delete), ("t3", set)]).codes();
    assert_eq!(codes, [TxValidationCode::Valid; 2]);
    assert_eq!(ledger.snapshot().get("ns", "a").unwrap(), None);
}

#[test]
fn private_hashes_are_kept_and_checked() {
    let (_ledgers, ledger) = temporary();
    let set = simulate(&ledger, |sim| {
        sim.put_private_data("ns", "c", "k", b"secret".to_vec()).unwrap();
    });
    commit(&ledger, &[("t1", set)]);
    let read = |sim: &mut crate::Simulator| {
        let hash = sim.get_private_data_hash("ns", "c", "k").unwrap();
        assert_eq!(hash.unwrap(), wasmcc_types::sha256(b"secret"));
        sim.delete_private_data("ns", "c", "k").unwrap();
    };
    let (first, second) = (simulate(&ledger, read), simulate(&ledger, read));
    let codes = commit(&ledger, &[("t2", first), ("t3", second)]).codes();
    assert_eq!(codes, [TxValidationCode::Valid, TxValidationCode::MvccReadConflict]);
    assert_eq!(ledger.snapshot().get_private_hash("ns", "c", "k").unwrap(), None);
}

#[test]
fn a_snapshot_reads_its_height_over_many_commits() {
    let (_ledgers, ledger) = temporary();
    commit(&ledger, &[("t0", puts(&ledger, &[("a", "old"), ("b", "old"), ("gone", "old")]))]);
    let snapshot = ledger.snapshot();
    let started = snapshot.range("ns", "", "");
    for n in 0..100 {
        let (value, key) = (n.to_string(), format!("new{n}"));
        let set = puts(&ledger, &[("a", &value), (&key, "x"), ("gone", "")]);
        commit(&ledger, &[(&format!("c{n}"), set)]);
    }
    let old = [("a", "old"), ("b", "old"), ("gone", "old")];
    for range in [started, snapshot.range("ns", "", "")] {
        let rows: Vec<_> = range.map(Result::unwrap).collect();
        let rows: Vec<_> = rows.iter().map(|(k, v)| (k.as_str(), v.value.as_slice())).collect();
        assert_eq!(rows, old.map(|(k, v)| (k, v.as_bytes())));
    }
    for (key, value) in old {
        let found = snapshot.get("ns", key).unwrap().unwrap();
        assert_eq!((found.value.as_slice(), found.version), (value.as_bytes(), Height::new(1, 0)));
    }
    assert_eq!(snapshot.get("ns", "new7").unwrap(), None);
    assert_eq!(snapshot.height(), 2);
    assert_eq!(ledger.snapshot().get("ns", "a").unwrap().unwrap().value, b"99");

    assert!((1..20).contains(&ledger.overlay.len()), "layers of many blocks are merged");
    drop(snapshot);
    assert_eq!(ledger.overlay.len(), 0);
}

/// Every block moves one unit between keys and so keeps their sum. A reader that mixed two heights
/// would see another sum.
#[test]
fn readers_beside_commits_see_one_height() {
    const KEYS: usize = 20;
    const BLOCKS: usize = 60;
    let (_ledgers, ledger) = temporary();
    let name = |n: usize| format!("k{n:02}");
    let names: Vec<_> = (0..KEYS).map(name).collect();
    let all: Vec<_> = names.iter().map(|name| (name.as_str(), "100")).collect();
    commit(&ledger, &[("init", puts(&ledger, &all))]);

    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for reader in 0..2 {
            let (ledger, done, names) = (&ledger, &done, &names);
            scope.spawn(move || {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    let snapshot = ledger.snapshot();
                    let number = |value: Vec<u8>| -> i64 {
                        String::from_utf8(value).unwrap().parse().unwrap()
                    };
                    let sum: i64 = if reader == 0 {
                        let rows = snapshot.range("ns", "", "");
                        rows.map(|row| number(row.unwrap().1.value)).sum()
                    } else {
                        let get = |name| snapshot.get("ns", name).unwrap();
                        names.iter().flat_map(|name| get(name)).map(|v| number(v.value)).sum()
                    };
                    assert_eq!(sum, 100 * KEYS as i64, "at height {}", snapshot.height());
                }
            });
        }
        for block in 0..BLOCKS {
            // A key with the amount 0 is deleted, so rows appear and disappear during reads.
            let (from, to) = (name(block % KEYS), name((block * 7 + 3) % KEYS));
            if from == to {
                continue;
            }
            let set = simulate(&ledger, |sim| {
                let mut get = |key: &str| -> i64 {
                    let value = sim.get_state("ns", key).unwrap().unwrap_or(b"0".to_vec());
                    String::from_utf8(value).unwrap().parse().unwrap()
                };
                let (left, there) = (get(&from), get(&to));
                sim.delete_state("ns", &from).unwrap();
                sim.put_state("ns", &to, (there + left).to_string().into_bytes()).unwrap();
            });
            let codes = commit(&ledger, &[(&format!("t{block}"), set)]).codes();
            assert_eq!(codes, [TxValidationCode::Valid]);
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(ledger.overlay.len(), 0);
}
