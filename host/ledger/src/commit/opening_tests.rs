//! Opening a ledger: recovery, damage, and locked folders.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use crate::commit::apply::with_outcome;
use crate::ledger::Tip;
use crate::store::channel_folders::ChannelFolders;
use crate::test_support::{
    CHANNEL, commit, genesis, next_block, open_with, puts, small_config, temporary,
};
use crate::{Ledger, LedgerError, LedgerFolder, Ledgers, header_hash};
use wasmcc_types::Height;
use wasmcc_types::proto::protos::TxValidationCode;

fn open_error(dir: &Path) -> LedgerError {
    match Ledgers::open(dir, small_config()) {
        Ok(_) => panic!("it opened"),
        Err(error) => error,
    }
}

fn blocks_path(dir: &Path) -> std::path::PathBuf {
    dir.join("channels").join(CHANNEL).join("blocks")
}

/// Stores a block on disk without the other steps of a commit.
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
fn a_stored_block_is_applied_on_opening() {
    let dir = tempfile::tempdir().unwrap();
    let (ledgers, ledger) = open_with(dir.path(), small_config());
    commit(&ledger, &[("t1", puts(&ledger, &[("a", "1")]))]);
    let expected = store_only(&ledger, "b", "2");
    assert_eq!(ledger.height(), 2);
    drop((ledger, ledgers));

    let (_ledgers, ledger) = open_with(dir.path(), small_config());
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
    let (ledgers, ledger) = open_with(dir.path(), small_config());
    commit(&ledger, &[("t1", puts(&ledger, &[("a", "1")]))]);
    let whole = ledger.blocks.length().unwrap();
    store_only(&ledger, "b", "2");
    drop((ledger, ledgers));
    let path = blocks_path(dir.path());
    let stored = std::fs::read(&path).unwrap();
    for cut in [stored.len() - 1, whole as usize + 21, whole as usize + 3] {
        std::fs::write(&path, &stored[..cut]).unwrap();
        let (_ledgers, ledger) = open_with(dir.path(), small_config());
        assert_eq!(ledger.height(), 2);
        assert_eq!(ledger.blocks.length().unwrap(), whole);
    }
    let (_ledgers, ledger) = open_with(dir.path(), small_config());
    commit(&ledger, &[("t2", puts(&ledger, &[("b", "2")]))]);
    assert_eq!(ledger.height(), 3);
}

#[test]
fn zeros_after_the_last_block_are_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let (ledgers, ledger) = open_with(dir.path(), small_config());
    commit(&ledger, &[("t1", puts(&ledger, &[("a", "1")]))]);
    let whole = ledger.blocks.length().unwrap();
    store_only(&ledger, "b", "2");
    drop((ledger, ledgers));
    let path = blocks_path(dir.path());
    let stored = std::fs::read(&path).unwrap();
    let open = || OpenOptions::new().write(true).open(&path).unwrap();
    for zeros in [1, 20, 4096, 100_000] {
        // Zeros after complete blocks.
        open().set_len(stored.len() as u64 + zeros).unwrap();
        let (ledgers, ledger) = open_with(dir.path(), small_config());
        assert_eq!(ledger.height(), 3, "{zeros}");
        assert_eq!(ledger.blocks.length().unwrap(), stored.len() as u64);
        drop((ledger, ledgers));
    }
    let folder = LedgerFolder::open(dir.path(), small_config()).unwrap();
    open().set_len(stored.len() as u64 + 4096).unwrap();
    let rebuilt = folder.rebuild(&mut |_, _| {}).unwrap();
    assert_eq!((rebuilt[0].blocks, rebuilt[0].unfinished_bytes), (3, 4096));
    drop(open_with(dir.path(), small_config()));

    // A state without the last block, and a block whose end was not written.
    std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    let mut torn = stored.clone();
    let sector = (stored.len() - 1) / 512 * 512;
    torn[sector.max(whole as usize)..].fill(0);
    std::fs::write(&path, torn).unwrap();
    let folder = LedgerFolder::open(dir.path(), small_config()).unwrap();
    let rebuilt = folder.rebuild(&mut |_, _| {}).unwrap();
    assert_eq!(rebuilt[0].blocks, 2);
    let (_ledgers, ledger) = open_with(dir.path(), small_config());
    assert_eq!((ledger.height(), ledger.blocks.length().unwrap()), (2, whole));
}

/// Files that a start on a full disk, a crash or a power failure leaves in the databases' folders.
#[test]
fn leftovers_of_the_databases_are_removed() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let (ledgers, ledger) = open_with(dir.path(), small_config());
        commit(&ledger, &[(&format!("t{round}"), puts(&ledger, &[("a", "1")]))]);
        drop((ledger, ledgers));
    }
    for name in ["state", "private"] {
        let folder = dir.path().join(name);
        let snapshots = || {
            let names = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
            names.filter(|path| path.to_str().unwrap().contains("snap.")).collect::<Vec<_>>()
        };
        let snapshot = snapshots().pop().unwrap();
        let generating = folder.join("snap.00000000FFFFFFFF.generating");
        let leave: [(&Path, &[u8]); 7] = [
            (&generating, b""),
            (&generating, b"half of a snapshot that is long enough"),
            (&snapshot, b""),
            (&snapshot, &[0; 300]),
            (&folder.join("conf"), b""),
            (&folder.join("conf"), b"segment_size: 5242"),
            (&folder.join("conf"), &[0; 62]),
        ];
        for (path, bytes) in leave {
            std::fs::write(path, bytes).unwrap();
            let (ledgers, ledger) = open_with(dir.path(), small_config());
            assert_eq!(ledger.height(), 4, "{}", path.display());
            assert_eq!(ledger.snapshot().get("ns", "a").unwrap().unwrap().value, b"1");
            drop((ledger, ledgers));
            assert!(!generating.exists());
        }
        assert_eq!(snapshots().len(), 1);
    }
    // A database whose log was never written, beside blobs of a first attempt.
    let state = dir.path().join("state");
    std::fs::remove_dir_all(&state).unwrap();
    std::fs::create_dir_all(state.join("blobs")).unwrap();
    std::fs::write(state.join("db"), b"").unwrap();
    std::fs::write(state.join("blobs/20"), b"x").unwrap();
    let (_ledgers, ledger) = open_with(dir.path(), small_config());
    assert_eq!(ledger.height(), 4);
    assert!(!state.join("blobs/20").exists());
}

#[test]
fn a_damaged_block_is_named_and_the_others_are_served() {
    let dir = tempfile::tempdir().unwrap();
    let (ledgers, ledger) = open_with(dir.path(), small_config());
    let mut ends = vec![0, ledger.blocks.length().unwrap()];
    for number in 1..4 {
        commit(&ledger, &[(&format!("t{number}"), puts(&ledger, &[("a", &"v".repeat(number))]))]);
        ends.push(ledger.blocks.length().unwrap());
    }
    drop((ledger, ledgers));
    let path = blocks_path(dir.path());
    let good = std::fs::read(&path).unwrap();
    for at in (ends[2]..ends[3]).step_by(11) {
        let mut bad = good.clone();
        bad[at as usize] ^= 0x20;
        std::fs::write(&path, bad).unwrap();
        let (ledgers, ledger) = open_with(dir.path(), small_config());
        let damaged = |error: LedgerError| {
            let found = matches!(&error, LedgerError::CorruptBlock { number: 2, .. });
            assert!(found, "byte {at}: {error}");
        };
        damaged(ledger.block(2).unwrap_err());
        damaged(ledger.block_by_tx_id("t2").unwrap_err());
        damaged(ledger.transaction_by_id("t2").unwrap_err());
        let history: Vec<_> = ledger.history("ns", "a").unwrap().collect();
        assert_eq!(history.iter().filter(|write| write.is_err()).count(), 1, "byte {at}");
        for number in [0, 1, 3] {
            assert!(ledger.block(number).unwrap().is_some(), "byte {at}");
        }
        assert!(ledger.transaction_by_id("t3").unwrap().is_some());
        // A transaction that conflicts with one of the damaged block is still validated.
        let stale = crate::test_support::simulate(&ledger, |sim| {
            sim.get_state("ns", "a").unwrap();
            sim.put_state("ns", "a", b"w".to_vec()).unwrap();
        });
        commit(&ledger, &[("t4", puts(&ledger, &[("a", "w")]))]);
        let lost = commit(&ledger, &[("t5", stale)]);
        assert_eq!(lost.codes(), [TxValidationCode::MvccReadConflict]);
        let grown = std::fs::read(&path).unwrap();
        assert!(grown.len() > good.len());
        drop((ledger, ledgers));
        std::fs::remove_dir_all(dir.path().join("state")).unwrap();
        std::fs::write(&path, &good).unwrap();
        drop(open_with(dir.path(), small_config()));
    }
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
fn what_is_no_channel_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(open_with(dir.path(), small_config()));
    let channels = dir.path().join("channels");
    // Names that are invalid for a channel, and valid names.
    let files = ["NOTES", "notes.txt"].map(|name| channels.join(name));
    let folders = ["lost+found", "old-channel"].map(|name| channels.join(name));
    for path in files.iter().cloned().chain(folders.iter().map(|folder| folder.join("file"))) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "kept").unwrap();
    }
    let found = ChannelFolders::list(&channels, |_| false).unwrap();
    assert_eq!(
        found.strays,
        [files[0].clone(), folders[0].clone(), files[1].clone(), folders[1].clone()]
    );

    let (ledgers, _ledger) = open_with(dir.path(), small_config());
    assert_eq!(ledgers.channels().len(), 1);
    drop((_ledger, ledgers));
    let folder = LedgerFolder::open(dir.path(), small_config()).unwrap();
    assert_eq!(folder.channels().unwrap().len(), 1);
    assert!(files.iter().all(|file| std::fs::read(file).unwrap() == b"kept"));
    let entries = |folder| std::fs::read_dir(folder).unwrap().count();
    assert_eq!(folders.each_ref().map(entries), [1, 1], "nothing was made beside the files");
}

#[test]
fn a_channel_that_lost_its_blocks_is_not_taken_for_a_stray_folder() {
    let dir = tempfile::tempdir().unwrap();
    drop(open_with(dir.path(), small_config()));
    let path = blocks_path(dir.path());
    std::fs::remove_file(&path).unwrap();
    std::fs::write(path.with_file_name("other"), "").unwrap();
    assert!(matches!(open_error(dir.path()), LedgerError::StateAhead { state: 1, .. }));

    let folder = path.parent().unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    std::fs::write(folder, "").unwrap();
    let error = open_error(dir.path());
    assert!(matches!(&error, LedgerError::Io { path, .. } if path == folder), "{error}");
}

#[test]
fn damage_is_reported_and_not_repaired() {
    let dir = tempfile::tempdir().unwrap();
    let (ledgers, ledger) = open_with(dir.path(), small_config());
    commit(&ledger, &[("t1", puts(&ledger, &[("a", "1")]))]);
    let start = ledger.blocks.length().unwrap();
    store_only(&ledger, "b", "2");
    let end = ledger.blocks.length().unwrap();
    drop((ledger, ledgers));

    let path = blocks_path(dir.path());
    let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let mut good = vec![0; (end - start) as usize];
    file.read_exact_at(&mut good, start).unwrap();
    // Every changed byte of the record is found; trying some of the bytes is enough.
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
    let (ledgers, ledger) = open_with(dir.path(), small_config());
    assert_eq!(ledger.height(), 3);
    drop((ledger, ledgers));

    file.set_len(end - 1).unwrap();
    assert!(matches!(open_error(dir.path()), LedgerError::StateAhead { state: 3, .. }));
}

#[test]
fn a_state_of_other_blocks_is_not_opened() {
    // One block of the same length, one of another length, and a last block at another offset.
    for values in [["1", "2"].as_slice(), &["1", "22"], &["1", "2", "3", "44", "1", "2"]] {
        let [one, other] = [0, 1].map(|which| {
            let dir = tempfile::tempdir().unwrap();
            let (_ledgers, ledger) = open_with(dir.path(), small_config());
            for (at, value) in values.iter().skip(which).step_by(2).enumerate() {
                commit(&ledger, &[(&format!("t{at}"), puts(&ledger, &[("a", value)]))]);
            }
            dir
        });
        let own = std::fs::read(blocks_path(one.path())).unwrap();
        std::fs::copy(blocks_path(other.path()), blocks_path(one.path())).unwrap();
        let folder = || LedgerFolder::open(one.path(), small_config()).unwrap();
        let text = "channel mychannel was built from other blocks than those in its file";
        for _ in 0..2 {
            let error = open_error(one.path()).to_string();
            assert!(error.contains(text), "{values:?}: {error}");
            let channel = folder().channels().unwrap().swap_remove(0);
            let error = folder().stored(&channel).err().unwrap().to_string();
            assert!(error.contains(text), "{values:?}: {error}");
        }
        std::fs::write(blocks_path(one.path()), own).unwrap();
        drop(open_with(one.path(), small_config()));
        std::fs::copy(blocks_path(other.path()), blocks_path(one.path())).unwrap();
        folder().rebuild(&mut |_, _| {}).unwrap();
        drop(open_with(one.path(), small_config()));
    }
}

/// As when a process ends while a task still holds the ledger.
#[test]
fn what_is_flushed_is_on_disk_although_somebody_has_a_handle() {
    let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (ledgers, ledger) = open_with(dir.path(), small_config());
    commit(&ledger, &[("t1", puts(&ledger, &[("a", "1")]))]);
    ledgers.flush();
    let mut folders = vec![(dir.path().to_owned(), copy.path().to_owned())];
    while let Some((from, to)) = folders.pop() {
        std::fs::create_dir_all(&to).unwrap();
        for entry in std::fs::read_dir(from).unwrap().flatten() {
            let to = to.join(entry.file_name());
            match entry.path().is_dir() {
                true => folders.push((entry.path(), to)),
                false => drop(std::fs::copy(entry.path(), to).unwrap()),
            }
        }
    }
    let folder = LedgerFolder::open(copy.path(), small_config()).unwrap();
    let channel = folder.channels().unwrap().swap_remove(0);
    assert_eq!(folder.stored(&channel).unwrap().height(), 2);
}

#[test]
fn only_one_process_has_the_ledger() {
    let dir = tempfile::tempdir().unwrap();
    let (_ledgers, _ledger) = open_with(dir.path(), small_config());
    let error = open_error(dir.path());
    assert!(matches!(error, LedgerError::Locked { .. }), "{error}");
    assert!(error.to_string().contains("is open already"));
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
