//! Failing file operations: each operation of a commit, of opening, of joining and of reopening
//! fails once. Afterwards the ledger continues, and nothing acknowledged is lost.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use crate::commit::apply::with_outcome;
use crate::private::test_support::{Rules, commit_private, get, held_by, keep, simulate_private};
use crate::store::disk::faults;
use crate::test_support::{
    CHANNEL, commit, genesis, next_block, open_with, puts, simulate, small_config,
};
use crate::{Ledger, LedgerError, LedgerFolder, Ledgers};
use wasmcc_types::ChannelId;

/// The ledger's folder in the child processes of `a_process_ends_whatever_failed`.
const CHILD_DIR: &str = "WASMCC_TEST_FAILURE_DIR";

fn private_put(ledger: &Arc<Ledger>, value: &str) -> crate::SimulationResults {
    simulate_private(ledger, |sim| {
        sim.put_state("ns", "public", value.as_bytes().to_vec()).unwrap();
        sim.put_private_data("ns", "c", "k", value.as_bytes().to_vec()).unwrap();
        sim.purge_private_data("ns", "c", "gone").unwrap();
    })
}

fn check(ledger: &Arc<Ledger>, value: &str, what: &str) {
    let public = ledger.snapshot().get("ns", "public").unwrap().unwrap().value;
    assert_eq!(public, value.as_bytes(), "{what}");
    assert_eq!(get(ledger, "A", "k"), Ok(Some(value.to_owned())), "{what}");
    assert_eq!(ledger.transient.bytes(), 0, "{what}");
}

fn check_folder(dir: &Path, height: u64, what: &str) {
    let folder = LedgerFolder::open(dir, small_config()).unwrap();
    let found = folder.verify(&ChannelId::parse(CHANNEL).unwrap(), &mut |_| {}).unwrap();
    assert!(found.is_good(), "{what}: {:?}", found.faults);
    assert_eq!((found.blocks, found.state_height), (height, height), "{what}");
}

/// Commits a block whose private data are kept; commits it again if it was not stored.
fn commit_in_the_end(
    ledger: &Arc<Ledger>,
    rules: &Rules,
    value: &str,
    fail_after: usize,
) -> String {
    let kept = keep(ledger, vec![(value, private_put(ledger, value))]);
    let txs = [(value, kept[0].1.clone())];
    let (block, list) = next_block(ledger, &txs);
    let height = ledger.height();
    faults::fail_after(fail_after);
    let committed = ledger.commit(block.clone(), list.clone(), rules);
    let operation = faults::end();
    let what = format!("{operation:?}");
    if committed.is_err() {
        assert!(operation.is_some(), "{:?}", committed.err());
        let refused = ledger.commit(block.clone(), list.clone(), rules);
        assert!(matches!(refused, Err(LedgerError::NeedsReopen { .. })), "{what}");
        ledger.reopen().unwrap();
        if ledger.height() == height {
            ledger.commit(block, list, rules).unwrap();
        }
    }
    assert_eq!(ledger.height(), height + 1, "{what}");
    operation.map(str::to_owned).unwrap_or_default()
}

#[test]
fn every_operation_of_a_commit_may_fail() {
    let mut failed = Vec::new();
    loop {
        let dir = tempfile::tempdir().unwrap();
        let (ledgers, ledger) = open_with(dir.path(), small_config());
        let rules = held_by(&["A"], 0);
        commit_private(&ledger, &rules, vec![("t1", private_put(&ledger, "1"))]);
        let old = ledger.snapshot();
        let operation = commit_in_the_end(&ledger, &rules, "2", failed.len());
        check(&ledger, "2", &operation);
        let before = old.get("ns", "public").unwrap().unwrap().value;
        assert_eq!(before, b"1", "{operation}: a snapshot keeps its height");
        commit_private(&ledger, &rules, vec![("t3", private_put(&ledger, "3"))]);
        check(&ledger, "3", &operation);
        drop((old, ledger, ledgers));
        check_folder(dir.path(), 4, &operation);
        if operation.is_empty() {
            break;
        }
        failed.push(operation);
    }
    for operation in ["write a block", "write all of a block", "flush a block", "flush rows"] {
        assert!(failed.iter().any(|failed| failed == operation), "{operation}: {failed:?}");
    }
}

/// A channel of three blocks, the last one not applied, and half of a fourth block.
fn interrupted(dir: &Path) {
    let (_ledgers, ledger) = open_with(dir, small_config());
    let rules = held_by(&["A"], 0);
    commit_private(&ledger, &rules, vec![("t1", private_put(&ledger, "1"))]);
    let kept = keep(&ledger, vec![("t2", private_put(&ledger, "2"))]);
    let (block, txs) = next_block(&ledger, &[("t2", kept[0].1.clone())]);
    let tip = ledger.tip();
    let (outcome, _) = ledger.trust(&tip, &txs).unwrap();
    ledger.store_private(tip.height, &txs, &outcome, &rules).unwrap();
    let offset = ledger.blocks.length().unwrap();
    let stored = ledger.store_block(offset, &with_outcome(block.clone(), &outcome)).unwrap();
    let half = ledger.store_block(stored.end(), &block).unwrap();
    ledger.blocks.truncate(half.end() - 9).unwrap();
}

#[test]
fn every_operation_of_opening_may_fail() {
    for count in 0.. {
        let dir = tempfile::tempdir().unwrap();
        interrupted(dir.path());
        faults::fail_after(count);
        let opened = Ledgers::open(dir.path(), small_config());
        let operation = faults::end();
        let what = format!("{operation:?}");
        if let Err(error) = &opened {
            assert!(operation.is_some(), "{error}");
            assert!(error.to_string().contains("the disk is full"), "{what}: {error}");
        }
        drop(opened);
        let (ledgers, ledger) = open_with(dir.path(), small_config());
        assert_eq!(ledger.height(), 3, "{what}");
        check(&ledger, "2", &what);
        drop((ledger, ledgers));
        check_folder(dir.path(), 3, &what);
        if operation.is_none() {
            assert!(count > 15, "{count}");
            break;
        }
    }
}

#[test]
fn every_operation_of_reopening_may_fail() {
    for count in 0.. {
        let dir = tempfile::tempdir().unwrap();
        interrupted(dir.path());
        let (ledgers, ledger) = open_with(dir.path(), small_config());
        ledgers.home.state.fail();
        faults::fail_after(count);
        let reopened = ledger.reopen();
        let operation = faults::end();
        let what = format!("{operation:?}");
        assert!(reopened.is_ok() || operation.is_some(), "{what}: {reopened:?}");
        ledger.reopen().unwrap();
        check(&ledger, "2", &what);
        commit(&ledger, &[("t3", puts(&ledger, &[("b", "3")]))]);
        drop((ledger, ledgers));
        check_folder(dir.path(), 4, &what);
        if operation.is_none() {
            assert!(count > 6, "{count}");
            break;
        }
    }
}

#[test]
fn every_operation_of_rebuilding_may_fail() {
    for count in 0.. {
        let dir = tempfile::tempdir().unwrap();
        interrupted(dir.path());
        drop(open_with(dir.path(), small_config()));
        let folder = LedgerFolder::open(dir.path(), small_config()).unwrap();
        faults::fail_after(count);
        let rebuilt = folder.rebuild(&mut |_, _| {});
        let operation = faults::end();
        let what = format!("{operation:?}");
        assert!(rebuilt.is_ok() || operation.is_some(), "{what}: {rebuilt:?}");
        let (ledgers, ledger) = open_with(dir.path(), small_config());
        check(&ledger, "2", &what);
        drop((ledger, ledgers));
        check_folder(dir.path(), 3, &what);
        if operation.is_none() {
            assert!(count > 10, "{count}");
            break;
        }
    }
}

#[test]
fn a_join_that_fails_leaves_nothing() {
    for count in 0.. {
        let dir = tempfile::tempdir().unwrap();
        let ledgers = Ledgers::open(dir.path(), small_config()).unwrap();
        faults::fail_after(count);
        let joined = ledgers.create(&genesis());
        let operation = faults::end();
        let what = format!("{operation:?}");
        if joined.is_err() {
            assert!(ledgers.channels().is_empty(), "{what}");
            assert!(!dir.path().join("channels").join(CHANNEL).exists(), "{what}");
            assert_eq!(ledgers.create(&genesis()).unwrap().height(), 1, "{what}");
        }
        drop((joined, ledgers));
        let (ledgers, ledger) = open_with(dir.path(), small_config());
        commit(&ledger, &[("t1", puts(&ledger, &[("b", "1")]))]);
        drop((ledger, ledgers));
        check_folder(dir.path(), 2, &what);
        if operation.is_none() {
            assert!(count > 8, "{count}");
            break;
        }
    }
}

#[test]
fn a_failed_database_is_opened_again_under_all_channels() {
    let dir = tempfile::tempdir().unwrap();
    let (ledgers, ledger) = open_with(dir.path(), small_config());
    let rules = held_by(&["A"], 0);
    for value in ["1", "2", "3"] {
        commit_private(&ledger, &rules, vec![(value, private_put(&ledger, value))]);
    }
    let snapshot = ledger.snapshot();
    let fails = |id: &str| {
        let kept = keep(&ledger, vec![(id, private_put(&ledger, id))]);
        let (block, list) = next_block(&ledger, &[(id, kept[0].1.clone())]);
        move |ledger: &Ledger| ledger.commit(block, list, &held_by(&["A"], 0)).unwrap_err()
    };
    // The block is stored; only the state could not be written.
    let commit_4 = fails("4");
    ledgers.home.state.fail();
    commit_4(&ledger);
    let mut rows = ledger.table.rows();
    let refused = ledger.reopen();
    assert!(matches!(refused, Err(LedgerError::Locked { .. })), "{refused:?}");
    assert!(rows.next().unwrap().is_ok(), "open iterators still work");
    assert!(snapshot.get("ns", "public").is_err(), "new reads fail");
    drop(rows);
    ledger.reopen().unwrap();
    assert_eq!(ledger.height(), 5);
    check(&ledger, "4", "the block was stored");
    // Here even the private data of the block are not stored.
    let commit_5 = fails("5");
    ledgers.home.private.fail();
    commit_5(&ledger);
    ledger.reopen().unwrap();
    assert_eq!(ledger.height(), 5);
    assert_eq!(get(&ledger, "A", "k"), Ok(Some("4".to_owned())));
    assert_eq!(snapshot.get("ns", "public").unwrap().unwrap().value, b"3");
    commit_private(&ledger, &rules, vec![("6", private_put(&ledger, "6"))]);
    drop((snapshot, ledger, ledgers));
    check_folder(dir.path(), 6, "reopened");
}

/// Commits one value that depends on `number`.
fn try_commit(ledger: &Arc<Ledger>, number: u64, bytes: usize) -> Result<(), LedgerError> {
    let value = vec![b'a' + (number % 20) as u8; bytes];
    let rwset = simulate(ledger, |sim| {
        sim.put_state("ns", &format!("k{number}"), value).unwrap();
    });
    let (block, list) = next_block(ledger, &[(&format!("t{number}"), rwset)]);
    ledger.commit(block, list, &Rules::default()).map(drop)
}

/// Not a test of its own: a child process whose files cannot grow.
#[test]
fn child_without_room() {
    let Ok(dir) = std::env::var(CHILD_DIR) else { return };
    let (ledgers, ledger) = open_with(Path::new(&dir), small_config());
    let failed = (1..60).find_map(|number| try_commit(&ledger, number, 300 << 10).err());
    let failed = failed.expect("the files cannot hold all blocks");
    assert!(failed.is_of_this_peer(), "{failed}");
    assert!(ledger.reopen().is_ok() || ledger.height() > 3);
    std::fs::write(Path::new(&dir).join("height"), ledger.height().to_string()).unwrap();
    drop((ledger, ledgers));
}

/// Not a test of its own: a child process that cannot open more files.
#[test]
fn child_without_descriptors() {
    let Ok(dir) = std::env::var(CHILD_DIR) else { return };
    let (ledgers, ledger) = open_with(Path::new(&dir), small_config());
    let taken: Vec<_> = std::iter::from_fn(|| std::fs::File::open(&dir).ok()).collect();
    assert!(!taken.is_empty());
    for number in 1..20 {
        try_commit(&ledger, number, 100).expect("a commit needs no new file");
    }
    // A large value gets a file of its own.
    let failed = try_commit(&ledger, 20, 300 << 10).unwrap_err();
    assert!(failed.to_string().contains("too many open files; raise"), "{failed}");
    drop(taken);
    ledger.reopen().unwrap();
    assert_eq!(ledger.height(), 21, "the block was stored");
    try_commit(&ledger, 21, 300 << 10).unwrap();
    std::fs::write(Path::new(&dir).join("height"), ledger.height().to_string()).unwrap();
    drop((ledger, ledgers));
}

/// With real errors of the operating system: files that may not grow, and no free descriptors.
#[test]
fn a_process_ends_whatever_failed() {
    let children =
        [("ulimit -f 6000", "child_without_room"), ("ulimit -n 48", "child_without_descriptors")];
    for (limit, child) in children {
        let dir = tempfile::tempdir().unwrap();
        drop(open_with(dir.path(), small_config()));
        let script = format!("trap '' XFSZ; {limit}; exec \"$0\" \"$@\"");
        let status = Command::new("sh")
            .args(["-c", &script])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", &format!("commit::failure_tests::{child}"), "--nocapture"])
            .env(CHILD_DIR, dir.path())
            .status()
            .unwrap();
        assert!(status.success(), "{child}: {status}");
        let height = std::fs::read_to_string(dir.path().join("height")).unwrap();
        let height: u64 = height.parse().unwrap();
        assert!(height > 3, "{child}: {height}");
        let (ledgers, ledger) = open_with(dir.path(), small_config());
        assert!(ledger.height() >= height, "{child}");
        commit(&ledger, &[("after", puts(&ledger, &[("b", "1")]))]);
        let height = ledger.height();
        drop((ledger, ledgers));
        check_folder(dir.path(), height, child);
    }
}
