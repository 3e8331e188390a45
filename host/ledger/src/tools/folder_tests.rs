//! The tools that inspect and repair a ledger that no peer has open.

use std::path::Path;
use std::sync::Arc;

use prost::Message;

use crate::store::disk::faults;
use crate::store::{Batch, key};
use crate::test_support::{CHANNEL, commit, genesis, golden_blocks, puts, simulate, small_config};
use crate::tools::import_tests::golden_file;
use crate::{InspectedTx, Ledger, LedgerError, LedgerFolder, Ledgers, Verified};
use wasmcc_types::proto::protos::TxValidationCode;
use wasmcc_types::{ChannelId, Height};

pub(crate) fn folder(dir: &Path) -> LedgerFolder {
    LedgerFolder::open(dir, small_config()).unwrap()
}

pub(crate) fn channel() -> ChannelId {
    ChannelId::parse(CHANNEL).unwrap()
}

pub(crate) fn verify(dir: &Path) -> Verified {
    folder(dir).verify(&channel(), &mut |_| {}).unwrap()
}

pub(crate) fn reasons(found: &Verified) -> Vec<(Option<u64>, &str)> {
    found.faults.iter().map(|fault| (fault.block, fault.reason.as_str())).collect()
}

/// A channel with a few rows of every kind, closed again.
pub(crate) fn closed(dir: &Path) {
    let (_ledgers, ledger) = filled(dir);
    let lost = simulate(&ledger, |sim| {
        sim.get_state("ns", "a").unwrap();
        sim.put_state("ns", "a", b"lost".to_vec()).unwrap();
    });
    let twice = puts(&ledger, &[("a", "2")]);
    commit(&ledger, &[("t2", twice.clone()), ("lost", lost), ("t2", twice)]);
    commit(&ledger, &[("t3", puts(&ledger, &[("b", "")]))]);
}

pub(crate) fn filled(dir: &Path) -> (Ledgers, Arc<Ledger>) {
    let ledgers = Ledgers::open(dir, small_config()).unwrap();
    let ledger = ledgers.create(&genesis()).unwrap();
    commit(&ledger, &[("t1", puts(&ledger, &[("a", "1"), ("b", "1"), ("c", "1")]))]);
    (ledgers, ledger)
}

#[test]
fn a_good_ledger_is_found_good() {
    let dir = tempfile::tempdir().unwrap();
    closed(dir.path());
    let mut steps = Vec::new();
    let found = folder(dir.path()).verify(&channel(), &mut |step| steps.push(step)).unwrap();
    assert!(found.is_good(), "{:?}", found.faults);
    assert_eq!((found.blocks, found.transactions, found.state_height), (4, 6, 4));
    assert!(found.rows > 10, "{}", found.rows);
    assert_eq!(steps.len(), 4);
    assert_eq!(steps[3].bytes, steps[3].of_bytes);
}

#[test]
fn changed_rows_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let (ledgers, ledger) = filled(dir.path());
    let mut batch = Batch::default();
    let value = ledger.snapshot().get("ns", "a").unwrap().unwrap();
    batch.put(key::state("ns", "b"), value.encode());
    batch.put(key::state("ns", "invented"), value.encode());
    batch.delete(key::state("ns", "c"));
    batch.delete(key::tx("t1"));
    batch.delete(key::block(0));
    ledger.table.apply(batch).unwrap();
    drop((ledger, ledgers));
    let found = verify(dir.path());
    // "b" got the value and history of "a", which are equal to its own.
    assert_eq!(
        reasons(&found),
        [
            (Some(0), "the place of the block is missing"),
            (Some(1), "the value of key \"c\" of ns is missing"),
            (Some(1), "the value of key \"invented\" of ns is stored, but no block wrote it"),
            (Some(1), "the index entry of a transaction is missing"),
        ]
    );
}

#[test]
fn every_flipped_byte_is_found_with_its_block() {
    let dir = tempfile::tempdir().unwrap();
    closed(dir.path());
    let path = dir.path().join("channels").join(CHANNEL).join("blocks");
    let good = std::fs::read(&path).unwrap();
    let mut blocks = Vec::new();
    let folder = folder(dir.path());
    for at in (0..good.len()).step_by(41).chain([good.len() - 1]) {
        let mut bad = good.clone();
        bad[at] ^= 0x04;
        std::fs::write(&path, &bad).unwrap();
        let found = folder.verify(&channel(), &mut |_| {}).unwrap();
        let [(Some(block), reason)] = reasons(&found)[..] else {
            panic!("byte {at}: {:?}", found.faults)
        };
        assert_eq!(block, found.blocks, "byte {at}: {reason}");
        assert!(!reason.is_empty());
        blocks.push(block);
        assert_eq!(std::fs::read(&path).unwrap(), bad, "nothing is repaired");
    }
    assert!(blocks.is_sorted() && blocks.contains(&0) && blocks.contains(&3), "{blocks:?}");
}

#[test]
fn a_verdict_that_does_not_come_out_again_is_found() {
    let dir = tempfile::tempdir().unwrap();
    closed(dir.path());
    let blocks = golden_file(dir.path());
    let bytes = std::fs::read(&blocks).unwrap();
    let mut rest = bytes.as_slice();
    let mut changed = Vec::new();
    while !rest.is_empty() {
        let mut block =
            wasmcc_types::proto::common::Block::decode_length_delimited(&mut rest).unwrap();
        if block.header.as_ref().unwrap().number == 20 {
            block.metadata.as_mut().unwrap().metadata[2][2] = 0;
        }
        changed.extend(block.encode_length_delimited_to_vec());
    }
    std::fs::write(&blocks, changed).unwrap();
    let other = tempfile::tempdir().unwrap();
    drop(Ledgers::open(other.path(), small_config()).unwrap());
    let error = folder(other.path()).import(&blocks, &mut |_| {}).unwrap_err();
    let LedgerError::CorruptBlock { number: 20, reason, .. } = &error else { panic!("{error}") };
    assert_eq!(reason, "the verdict on transaction 2 is VALID, but must be PHANTOM_READ_CONFLICT");
    assert!(folder(other.path()).channels().unwrap().is_empty());
}

#[test]
fn a_cut_file_is_found_with_its_block() {
    let dir = tempfile::tempdir().unwrap();
    closed(dir.path());
    let path = dir.path().join("channels").join(CHANNEL).join("blocks");
    let good = std::fs::read(&path).unwrap();
    std::fs::write(&path, &good[..good.len() - 1]).unwrap();
    let found = verify(dir.path());
    let reason = "the state holds it, but the block file ends in the middle of it";
    assert_eq!(reasons(&found), [(Some(3), reason)]);
    let error = Ledgers::open(dir.path(), small_config()).err().unwrap();
    assert!(error.to_string().contains("the state holds block 3"), "{error}");
}

#[test]
fn a_file_that_has_lost_its_end_is_not_taken_for_the_channel() {
    let dir = tempfile::tempdir().unwrap();
    let (ledgers, ledger) = filled(dir.path());
    let end = ledger.blocks.length().unwrap();
    commit(&ledger, &[("t2", puts(&ledger, &[("a", "2")]))]);
    drop((ledger, ledgers));
    let path = dir.path().join("channels").join(CHANNEL).join("blocks");
    for length in [end, 0] {
        std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
        let folder = folder(dir.path());
        let file = dir.path().join("file");
        let error = folder.export(&channel(), &file, &mut |_| {}).unwrap_err();
        assert!(matches!(error, LedgerError::StateAhead { state: 3, .. }), "{error}");
        assert!(!file.exists());
        let mut walk = folder.walk(&channel()).unwrap();
        for _ in 0..if length > 0 { 2 } else { 0 } {
            assert!(walk.next().unwrap().is_some());
        }
        assert!(matches!(walk.next(), Err(LedgerError::StateAhead { .. })));
    }
}

#[test]
fn a_channel_without_its_blocks_is_damaged_and_keeps_its_state() {
    let dir = tempfile::tempdir().unwrap();
    closed(dir.path());
    let blocks = dir.path().join("channels").join(CHANNEL).join("blocks");
    std::fs::File::create(&blocks).unwrap();
    for _ in 0..2 {
        assert_eq!(folder(dir.path()).channels().unwrap(), [channel()]);
        let found = verify(dir.path());
        let reason = "the state holds it, but the block file ends before it";
        assert_eq!(reasons(&found), [(Some(0), reason)]);
        let error = folder(dir.path()).rebuild(&mut |_, _| {}).unwrap_err();
        assert!(error.to_string().contains("the state holds block 3"), "{error}");
    }
    std::fs::remove_file(&blocks).unwrap();
    let error = folder(dir.path()).rebuild(&mut |_, _| {}).unwrap_err();
    assert!(error.to_string().contains("blocks"), "{error}");
    let error = folder(dir.path()).verify(&channel(), &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("blocks"), "{error}");
}

/// The folder may be on another disk, and the state contains the only copy of the values.
#[test]
fn a_channel_whose_folder_is_gone_is_damaged_and_keeps_its_state() {
    let dir = tempfile::tempdir().unwrap();
    closed(dir.path());
    let channels = dir.path().join("channels");
    let (mine, second) = (channels.join(CHANNEL), dir.path().join("kept"));
    std::fs::rename(&mine, &second).unwrap();
    for _ in 0..2 {
        assert_eq!(folder(dir.path()).channels().unwrap(), [channel()]);
        let found = verify(dir.path());
        let [(None, reason)] = reasons(&found)[..] else { panic!("{:?}", found.faults) };
        assert!(reason.starts_with("the state holds 4 blocks of channel mychannel"), "{reason}");
        let error = folder(dir.path()).rebuild(&mut |_, _| {}).unwrap_err();
        assert_eq!(error.to_string(), reason);
        let file = dir.path().join("file");
        let error = folder(dir.path()).export(&channel(), &file, &mut |_| {}).unwrap_err();
        assert!(error.to_string() == reason && !file.exists());
        // Starting a peer without the channel does not change that.
        assert!(Ledgers::open(dir.path(), small_config()).unwrap().channels().is_empty());
    }
    std::fs::rename(&second, &mine).unwrap();
    assert!(verify(dir.path()).is_good());
    // Continue without the channel.
    std::fs::remove_dir_all(&mine).unwrap();
    std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    assert_eq!(folder(dir.path()).rebuild(&mut |_, _| {}).unwrap(), []);
}

#[test]
fn a_lost_or_wrong_state_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let (ledgers, ledger) = filled(dir.path());
    let mut batch = Batch::default();
    batch.delete(key::state("ns", "c"));
    ledger.table.apply(batch).unwrap();
    drop((ledger, ledgers));
    assert!(!verify(dir.path()).is_good());
    let rebuilt = folder(dir.path()).rebuild(&mut |_, _| {}).unwrap();
    assert_eq!((rebuilt.len(), rebuilt[0].blocks, rebuilt[0].old_height), (1, 2, Some(2)));
    assert!(verify(dir.path()).is_good());
    assert!(!dir.path().join("state.new").exists() && !dir.path().join("state.old").exists());
    let ledgers = Ledgers::open(dir.path(), small_config()).unwrap();
    let ledger = ledgers.get(CHANNEL).unwrap();
    assert!(ledger.snapshot().get("ns", "c").unwrap().is_some());
    commit(&ledger, &[("t2", puts(&ledger, &[("a", "2")]))]);
}

#[test]
fn a_state_on_another_disk_is_made_again_there() {
    let dir = tempfile::tempdir().unwrap();
    let disk = tempfile::tempdir().unwrap();
    closed(dir.path());
    let [state, moved] = [dir.path().join("state"), disk.path().join("of-peer")];
    std::fs::rename(&state, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &state).unwrap();
    for lost in [false, true] {
        if lost {
            // As after an interruption between the two moves.
            std::fs::rename(&moved, disk.path().join("of-peer.wasmcc-old")).unwrap();
        }
        folder(dir.path()).rebuild(&mut |_, _| {}).unwrap();
        assert_eq!(std::fs::read_link(&state).unwrap(), moved);
        assert_eq!(std::fs::read_dir(disk.path()).unwrap().count(), 1, "{lost}");
        assert!(verify(dir.path()).is_good());
    }
    // Without the disk, the new state is not written to the first one.
    disk.close().unwrap();
    let error = folder(dir.path()).rebuild(&mut |_, _| {}).unwrap_err();
    assert!(matches!(error, LedgerError::Io { action: "find", .. }), "{error}");
    assert!(state.is_symlink());
}

#[test]
fn a_state_of_garbage_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    closed(dir.path());
    let state = dir.path().join("state");
    let garbage = |length: usize| -> Vec<u8> { (0..length).map(|at| (at * 7 + 3) as u8).collect() };
    for round in 0..5 {
        match round {
            0 => std::fs::write(state.join("db"), garbage(1 << 20)).unwrap(),
            1 => std::fs::write(state.join("conf"), garbage(70)).unwrap(),
            2 => std::fs::write(state.join("snap.00000000000000FF"), garbage(500)).unwrap(),
            3 => {
                std::fs::remove_dir_all(&state).unwrap();
                std::fs::write(&state, "a file").unwrap();
            }
            _ => {
                // Half of the log.
                let log = std::fs::OpenOptions::new().write(true).open(state.join("db")).unwrap();
                log.set_len(log.metadata().unwrap().len() / 2).unwrap();
            }
        }
        let rebuilt = folder(dir.path()).rebuild(&mut |_, _| {}).unwrap();
        assert_eq!(rebuilt[0].blocks, 4, "{round}");
        let found = verify(dir.path());
        assert!(found.is_good(), "{round}: {:?}", found.faults);
    }
}

#[test]
fn a_damaged_block_keeps_the_old_state() {
    let dir = tempfile::tempdir().unwrap();
    closed(dir.path());
    let path = dir.path().join("channels").join(CHANNEL).join("blocks");
    let good = std::fs::read(&path).unwrap();
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    std::fs::write(&path, &bad).unwrap();
    let error = folder(dir.path()).rebuild(&mut |_, _| {}).unwrap_err();
    assert!(matches!(error, LedgerError::CorruptBlock { .. }), "{error}");
    std::fs::write(&path, &good).unwrap();
    assert!(verify(dir.path()).is_good());
}

/// A full or a read-only disk is not damage.
#[test]
fn what_the_system_refuses_is_no_finding() {
    let dir = tempfile::tempdir().unwrap();
    closed(dir.path());
    for count in 0.. {
        faults::fail_after(count);
        let found = LedgerFolder::open(dir.path(), small_config())
            .and_then(|folder| folder.verify(&channel(), &mut |_| {}));
        let operation = faults::end();
        match found {
            Ok(found) => assert!(found.is_good(), "{operation:?}: {:?}", found.faults),
            Err(error) => assert!(matches!(error, LedgerError::Io { .. }), "{error}"),
        }
        if operation.is_none() {
            assert!(count > 10, "{count}");
            break;
        }
    }
}

#[test]
fn a_state_that_the_system_does_not_open_is_not_called_damaged() {
    let dir = tempfile::tempdir().unwrap();
    closed(dir.path());
    let refusal = || {
        let source = std::io::Error::from_raw_os_error(30);
        LedgerError::Io { action: "open", path: dir.path().to_owned(), source }
    };
    let check = |error: LedgerError| {
        assert!(error.to_string().contains("the file system is read-only"), "{error}");
    };
    let verify = |folder: LedgerFolder| folder.verify(&channel(), &mut |_| {}).unwrap_err();
    check(verify(LedgerFolder { private: Err(refusal()), ..folder(dir.path()) }));
    let without_state = || LedgerFolder { state: Err(refusal()), ..folder(dir.path()) };
    check(verify(without_state()));
    check(without_state().stored(&channel()).err().unwrap());
}

#[test]
fn a_channel_folder_of_another_name_is_neither_opened_nor_changed() {
    let dir = tempfile::tempdir().unwrap();
    closed(dir.path());
    let channels = dir.path().join("channels");
    let second = channels.join("second");
    std::fs::create_dir(&second).unwrap();
    std::fs::copy(channels.join(CHANNEL).join("blocks"), second.join("blocks")).unwrap();
    let text = "the folder second in `channels` contains the blocks of channel mychannel: rename \
                it to its channel, or move it elsewhere";
    let name = ChannelId::parse("second").unwrap();
    for _ in 0..2 {
        let error = Ledgers::open(dir.path(), small_config()).err().unwrap();
        assert_eq!(error.to_string(), text);
        let folder = folder(dir.path());
        let found = folder.verify(&name, &mut |_| {}).unwrap();
        assert_eq!((reasons(&found), found.blocks), (vec![(Some(0), text)], 0));
        assert_eq!(folder.height_of_state(&name), Some(0), "nothing was applied");
        assert!(folder.verify(&channel(), &mut |_| {}).unwrap().is_good());
        let error = folder.export(&name, &dir.path().join("f"), &mut |_| {}).unwrap_err();
        assert_eq!(error.to_string(), text);
        let error = folder.rebuild(&mut |_, _| {}).unwrap_err();
        assert_eq!(error.to_string(), text);
    }
    std::fs::remove_dir_all(&second).unwrap();
    assert!(verify(dir.path()).is_good());
    assert_eq!(Ledgers::open(dir.path(), small_config()).unwrap().channels(), [channel()]);
}

#[test]
fn a_folder_in_use_or_without_a_ledger_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let error = LedgerFolder::open(dir.path(), small_config()).err().unwrap();
    assert!(matches!(error, LedgerError::NoLedger { .. }), "{error}");
    let (_ledgers, _ledger) = filled(dir.path());
    let error = LedgerFolder::open(dir.path(), small_config()).err().unwrap();
    assert!(matches!(error, LedgerError::Locked { .. }), "{error}");
}

#[test]
fn lost_transactions_are_explained_from_the_blocks() {
    let dir = tempfile::tempdir().unwrap();
    closed(dir.path());
    let folder = folder(dir.path());
    let inspect = |tx_id: &str| folder.inspect_tx(&channel(), tx_id, &mut |_| {}).unwrap();
    let [InspectedTx { height, code, conflict: Some(conflict) }] = &inspect("lost")[..] else {
        panic!()
    };
    assert_eq!(*height, Height::new(2, 1));
    assert_eq!(*code, TxValidationCode::MvccReadConflict);
    assert_eq!(
        conflict.to_string(),
        "key \"a\" of ns was read at 1:0 and is now at 2:0, written by transaction t2"
    );
    let codes: Vec<_> = inspect("t2").iter().map(|tx| tx.code).collect();
    assert_eq!(codes, [TxValidationCode::Valid, TxValidationCode::DuplicateTxid]);
    assert!(inspect("t9").is_empty());
}

/// The winner of every conflict of the golden transactions is reported, by its id.
#[test]
fn writers_are_named_in_the_blocks_of_a_fabric_peer() {
    let dir = tempfile::tempdir().unwrap();
    drop(Ledgers::open(dir.path(), small_config()).unwrap());
    let file = golden_file(dir.path());
    folder(dir.path()).import(&file, &mut |_| {}).unwrap();
    let folder = folder(dir.path());
    let mut texts = Vec::new();
    for block in golden_blocks() {
        let verdicts = crate::tx_filter(&block).to_vec();
        for (envelope, verdict) in block.data.unwrap().data.iter().zip(verdicts) {
            if verdict == 11 || verdict == 12 {
                let parsed = crate::TxEnvelope::parse(envelope).unwrap();
                let tx_id = parsed.into_channel_header().tx_id;
                let found = folder.inspect_tx(&channel(), &tx_id, &mut |_| {}).unwrap();
                texts.push(found[0].conflict.as_ref().unwrap().to_string());
            }
        }
    }
    assert!(texts.len() > 3, "{texts:?}");
    for text in &texts {
        assert!(text.contains("by transaction "), "{text}");
    }
}
