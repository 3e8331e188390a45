//! Private data and the tools that inspect and repair a ledger.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::private::rows;
use crate::private::test_support::{
    Rules, commit_empty, commit_private, commit_public, get, hash_is_there, held, held_by,
    private_purge, private_puts, rules, simulate_private,
};
use crate::store::{Batch, Table};
use crate::test_support::{CHANNEL, genesis, golden_blocks, open_with, small_config};
use crate::tools::import_tests::golden_file;
use crate::{
    CollectionRules, Ledger, LedgerError, LedgerFolder, Ledgers, Metadata, RulesOfState, Snapshot,
    Verified,
};
use wasmcc_types::ChannelId;

fn both() -> Rules {
    rules(&[("c", &["A", "B"], 0), ("short", &["A", "B"], 2)])
}

impl RulesOfState for Rules {
    fn rules(&self, _: &Snapshot) -> Box<dyn CollectionRules> {
        Box::new(self.clone())
    }
}

fn folder(dir: &Path) -> LedgerFolder {
    LedgerFolder::open(dir, small_config()).unwrap()
}

fn verify(folder: &LedgerFolder) -> Verified {
    folder.verify(&ChannelId::parse(CHANNEL).unwrap(), &mut |_| {}).unwrap()
}

/// Seven blocks: values, some without their set, one purged, one expired.
fn filled(dir: &Path) -> (Ledgers, Arc<Ledger>) {
    let (ledgers, ledger) = open_with(dir, small_config());
    let both = both();
    let first = private_puts(&ledger, &[("k", "1"), ("purged", "1"), ("stale", "1")]);
    commit_private(&ledger, &both, vec![("t1", first)]);
    let short = simulate_private(&ledger, |sim| {
        sim.put_private_data("ns", "short", "s", b"2".to_vec()).unwrap();
    });
    commit_private(&ledger, &both, vec![("t2", short)]);
    let missing = private_puts(&ledger, &[("stale", "2")]).public;
    commit_public(&ledger, &both, &[("t3".into(), missing)]);
    commit_private(&ledger, &both, vec![("t4", private_purge(&ledger, "purged"))]);
    commit_empty(&ledger, &both, 2);
    (ledgers, ledger)
}

fn expect_private(ledger: &Arc<Ledger>) {
    for org in ["A", "B"] {
        assert_eq!(get(ledger, org, "k"), Ok(Some("1".into())));
        assert_eq!(get(ledger, org, "purged"), Ok(None));
        assert!(get(ledger, org, "stale").is_err());
        assert_eq!(held(ledger, org).len(), 2);
    }
    let short = ledger.snapshot().get_private_hash("ns", "short", "s").unwrap();
    assert!(short.is_none());
}

#[test]
fn a_lost_state_is_made_again_with_private_data() {
    let dir = tempfile::tempdir().unwrap();
    let (ledgers, ledger) = filled(dir.path());
    expect_private(&ledger);
    drop((ledger, ledgers));
    let found = verify(&folder(dir.path()));
    assert!(found.is_good(), "{:?}", found.faults);
    assert_eq!((found.private_sets, found.missing_private_sets), (3, 1));
    // The state is rebuilt by opening, and by the tool.
    std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    let (ledgers, ledger) = open_with(dir.path(), small_config());
    expect_private(&ledger);
    drop((ledger, ledgers));
    folder(dir.path()).rebuild(&mut |_, _| {}).unwrap();
    let (ledgers, ledger) = open_with(dir.path(), small_config());
    expect_private(&ledger);
    drop((ledger, ledgers));
    assert!(verify(&folder(dir.path())).is_good());
}

/// Only the state has the private values then, so it must not be rebuilt silently.
#[test]
fn a_lost_private_data_store_is_named_and_no_rebuild_removes_the_values_of_the_state() {
    let dir = tempfile::tempdir().unwrap();
    let (ledgers, ledger) = filled(dir.path());
    drop((ledger, ledgers));
    std::fs::remove_dir_all(dir.path().join("private")).unwrap();
    let found = verify(&folder(dir.path()));
    let first = &found.faults[0].reason;
    assert!(first.starts_with("the private data store has nothing of this channel"), "{first}");
    let error = folder(dir.path()).rebuild(&mut |_, _| {}).unwrap_err();
    assert!(matches!(error, LedgerError::PrivateStoreLost { .. }), "{error}");
    let (ledgers, ledger) = open_with(dir.path(), small_config());
    expect_private(&ledger);
    drop((ledger, ledgers));
    // Rebuilt without the values; each missing set is recorded.
    std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    let anew = folder(dir.path()).with_rules(Arc::new(both()));
    anew.rebuild(&mut |_, _| {}).unwrap();
    let found = verify(&folder(dir.path()).with_rules(Arc::new(both())));
    assert!(found.is_good(), "{:?}", found.faults);
    assert_eq!((found.private_sets, found.missing_private_sets), (0, 4));
    let (_ledgers, ledger) = open_with(dir.path(), small_config());
    assert!(get(&ledger, "A", "k").is_err());
}

/// As in a copied folder of a channel, or if both folders are lost: without the private data store
/// it is unknown which hashes have expired.
#[test]
fn blocks_alone_are_not_opened_and_a_rebuild_lets_hashes_expire() {
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path()));
    for name in ["state", "private"] {
        std::fs::remove_dir_all(dir.path().join(name)).unwrap();
    }
    for _ in 0..2 {
        let error = Ledgers::open(dir.path(), small_config()).err().unwrap().to_string();
        assert!(error.contains("without private data with `wasmcc ledger rebuild`"), "{error}");
    }
    let folder = || folder(dir.path()).with_rules(Arc::new(both()));
    folder().rebuild(&mut |_, _| {}).unwrap();
    let found = verify(&folder());
    assert!(found.is_good(), "{:?}", found.faults);
    let (_ledgers, ledger) = open_with(dir.path(), small_config());
    assert!(hash_is_there(&ledger, "k"));
    assert!(ledger.snapshot().get_private_hash("ns", "short", "s").unwrap().is_none());
}

/// The folder has the private data of one branch of a chain, and the file has the blocks of
/// another.
#[test]
fn private_data_of_a_fork_make_room_only_if_that_is_asked_for() {
    for (has_sets, discards) in [(true, false), (true, true), (false, false)] {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let write = |dir: &Path, value: &str, keeps: bool| {
            let (_ledgers, ledger) = filled(dir);
            let set = private_puts(&ledger, &[("fork", value)]);
            match keeps {
                true => drop(commit_private(&ledger, &both(), vec![("t7", set)])),
                false => drop(commit_public(&ledger, &both(), &[("t7".into(), set.public)])),
            }
            commit_empty(&ledger, &both(), 3);
        };
        write(dir.path(), "of the folder", has_sets);
        {
            let (_ledgers, ledger) = filled(other.path());
            let public = private_puts(&ledger, &[("fork", "of the file")]).public;
            commit_public(&ledger, &both(), &[("t7".into(), public)]);
            commit_private(&ledger, &both(), vec![("t8", private_puts(&ledger, &[("j", "1")]))]);
        }
        let channel = ChannelId::parse(CHANNEL).unwrap();
        let file = dir.path().join("file");
        folder(other.path()).export(&channel, &file, &mut |_| {}).unwrap();
        std::fs::remove_dir_all(dir.path().join("channels").join(CHANNEL)).unwrap();
        let with_rules = || folder(dir.path()).with_rules(Arc::new(both()));
        let import = match discards {
            true => with_rules().discarding_private_data().import(&file, &mut |_| {}),
            false => with_rules().import(&file, &mut |_| {}),
        };
        if has_sets && !discards {
            let error = import.unwrap_err().to_string();
            assert!(error.contains("from block 7 on (the private data of"), "{error}");
            assert!(!dir.path().join("channels").join(CHANNEL).exists());
            continue;
        }
        assert_eq!(import.unwrap().blocks, 9);
        let found = verify(&with_rules());
        assert!(found.is_good(), "{has_sets}: {:?}", found.faults);
        let (_ledgers, ledger) = open_with(dir.path(), small_config());
        expect_private(&ledger);
        assert!(get(&ledger, "A", "fork").is_err());
        let missing = ledger.missing_private_data(9).unwrap();
        let missing: Vec<u64> = missing.iter().map(|set| set.height.block).collect();
        assert_eq!(missing, [3, 7, 8]);
    }
}

/// After a write of its metadata a value expires later, so it must stay in the store when its
/// record expires.
#[test]
fn values_that_live_on_are_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let (ledgers, ledger) = open_with(dir.path(), small_config());
    let rules = held_by(&["A"], 3);
    commit_private(&ledger, &rules, vec![("t1", private_puts(&ledger, &[("k", "1"), ("j", "1")]))]);
    commit_empty(&ledger, &rules, 1);
    let metadata = simulate_private(&ledger, |sim| {
        let metadata = Metadata::from([("n".into(), vec![1])]);
        sim.put_private_data_metadata("ns", "c", "k", metadata).unwrap();
    });
    commit_private(&ledger, &rules, vec![("t3", metadata)]);
    commit_empty(&ledger, &rules, 2);
    drop((ledger, ledgers));
    // Opening removes expired data.
    let (ledgers, ledger) = open_with(dir.path(), small_config());
    assert_eq!(held(&ledger, "A"), [("k".into(), "1".into())]);
    assert_eq!(ledger.private_data("A", 1, 0).unwrap(), None);
    drop((ledger, ledgers));
    assert!(verify(&folder(dir.path())).is_good());
    std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    let (_ledgers, ledger) = open_with(dir.path(), small_config());
    assert_eq!(get(&ledger, "A", "k"), Ok(Some("1".into())));
    commit_empty(&ledger, &rules, 2);
    assert!(held(&ledger, "A").is_empty());
    ledger.private.settle_all(&ledger.table, ledger.height()).unwrap();
    assert_eq!(ledger.private.records(1).unwrap()[0].bytes(), None);
}

fn change(dir: &Path, change: impl FnOnce(&Ledger, &mut Batch, &Table)) -> Vec<String> {
    let (ledgers, ledger) = open_with(dir, small_config());
    let mut batch = Batch::default();
    change(&ledger, &mut batch, &ledger.private.table);
    ledger.private.table.apply(batch).unwrap();
    drop((ledger, ledgers));
    let found = verify(&folder(dir));
    assert_eq!(found.faults[0].block, Some(1));
    found.faults.into_iter().map(|fault| fault.reason).collect()
}

#[test]
fn private_data_that_no_block_knows_are_found() {
    let place = rows::record(1, 0, "ns", "c");
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path()));
    let found = change(dir.path(), |_, batch, table| {
        let flip = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            *bytes.last_mut().unwrap() ^= 1;
            Ok(bytes)
        };
        batch.put(place.clone(), table.get(&place, flip).unwrap().unwrap());
    });
    let name = "the private data of transaction 0 in ns/c";
    assert_eq!(found[0], format!("{name} do not match the hashes of their keys and values"));
    let values = "the value of private key \"stale\" of ns/c at A is stored, but no block wrote it";
    assert!(found.iter().any(|fault| fault == values), "{found:?}");

    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path()));
    let found = change(dir.path(), |_, batch, _| {
        batch.delete(rows::purged("ns", "c", &wasmcc_types::sha256(b"purged")));
    });
    // The set of the transaction that purged the key lacks it, too.
    assert_eq!(found, vec![format!("{name} lack a key that was not purged"); 2]);

    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path()));
    let found = change(dir.path(), |_, batch, table| {
        let copy = |bytes: &[u8]| Ok(bytes.to_vec());
        let record = table.get(&place, copy).unwrap().unwrap();
        batch.put(rows::record(1, 0, "ns", "invented"), record);
    });
    let name = "the private data of transaction 0 in ns/invented";
    assert_eq!(found, [format!("{name} belong to nothing in the block")]);
}

#[test]
fn blocks_travel_without_private_data() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    drop(filled(dir.path()));
    let file = dir.path().join("file");
    let channel = ChannelId::parse(CHANNEL).unwrap();
    folder(dir.path()).export(&channel, &file, &mut |_| {}).unwrap();
    drop(Ledgers::open(other.path(), small_config()).unwrap());
    let with_rules = |dir: &Path| folder(dir).with_rules(Arc::new(both()));
    with_rules(other.path()).import(&file, &mut |_| {}).unwrap();
    let found = verify(&with_rules(other.path()));
    assert!(found.is_good(), "{:?}", found.faults);
    // The fifth one has expired: opening has removed its data.
    assert_eq!((found.private_sets, found.missing_private_sets), (0, 3));
    let (ledgers, ledger) = open_with(other.path(), small_config());
    assert!(held(&ledger, "A").is_empty() && hash_is_there(&ledger, "k"));
    assert!(ledger.snapshot().get_private_hash("ns", "short", "s").unwrap().is_none());
    let missing = ledger.missing_private_data(9).unwrap();
    assert_eq!(missing.iter().map(|set| set.height.block).collect::<Vec<_>>(), [1, 3, 4]);
    drop((ledger, ledgers));

    // Private data of the same chain that are still stored are used.
    std::fs::remove_dir_all(dir.path().join("channels").join(CHANNEL)).unwrap();
    with_rules(dir.path()).import(&file, &mut |_| {}).unwrap();
    let (_ledgers, ledger) = open_with(dir.path(), small_config());
    expect_private(&ledger);
}

/// The blocks of a channel with another genesis block.
fn of_another_chain(dir: &Path) -> PathBuf {
    drop(Ledgers::open(dir, small_config()).unwrap());
    let golden = golden_file(dir);
    folder(dir).import(&golden, &mut |_| {}).unwrap();
    golden
}

#[test]
fn a_refused_import_keeps_the_private_data() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    drop(filled(dir.path()));
    let channel = ChannelId::parse(CHANNEL).unwrap();
    let right = dir.path().join("right");
    folder(dir.path()).export(&channel, &right, &mut |_| {}).unwrap();
    let wrong = of_another_chain(other.path());
    let broken = |name: &str, of: &Path| {
        let path = dir.path().join(name);
        std::fs::write(&path, [std::fs::read(of).unwrap(), b"\x7fabc".to_vec()].concat()).unwrap();
        path
    };
    let (wrong_broken, right_broken) = (broken("wrong", &wrong), broken("half", &right));
    std::fs::remove_dir_all(dir.path().join("channels").join(CHANNEL)).unwrap();
    for file in [&wrong, &wrong_broken] {
        let error = folder(dir.path()).import(file, &mut |_| {}).unwrap_err();
        assert!(matches!(error, LedgerError::PrivateDataOfAnotherChain { .. }), "{error}");
    }
    let discarding = folder(dir.path()).discarding_private_data();
    let error = discarding.import(&wrong_broken, &mut |_| {}).unwrap_err();
    assert!(matches!(error, LedgerError::ImportFile { .. }), "{error}");
    // A damaged file of the right chain does not change the missing sets either.
    let rules = || folder(dir.path()).with_rules(Arc::new(both()));
    let stored = |folder: LedgerFolder| {
        let private = folder.private.as_ref().unwrap().table(CHANNEL).unwrap();
        private.rows().map(|row| row.unwrap()).collect::<Vec<_>>()
    };
    let before = stored(rules());
    rules().import(&right_broken, &mut |_| {}).unwrap_err();
    assert_eq!(stored(rules()), before);
    rules().import(&right, &mut |_| {}).unwrap();
    let (_ledgers, ledger) = open_with(dir.path(), small_config());
    expect_private(&ledger);
}

#[test]
fn private_data_of_another_chain_make_room_only_if_that_is_asked_for() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    drop(filled(dir.path()));
    let wrong = of_another_chain(other.path());
    std::fs::remove_dir_all(dir.path().join("channels").join(CHANNEL)).unwrap();
    // Likewise if only the state still has the values.
    std::fs::rename(dir.path().join("private"), dir.path().join("kept")).unwrap();
    let error = folder(dir.path()).import(&wrong, &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("has the hash (not known), this one has"), "{error}");
    std::fs::remove_dir_all(dir.path().join("private")).unwrap();
    std::fs::rename(dir.path().join("kept"), dir.path().join("private")).unwrap();
    let discarding = folder(dir.path()).discarding_private_data();
    assert_eq!(discarding.import(&wrong, &mut |_| {}).unwrap().blocks, 46);
    let found = verify(&folder(dir.path()));
    assert!(found.is_good() && found.private_sets == 0, "{:?}", found.faults);
}

/// The channel's folder was removed, and the peer was started before the blocks were put back.
#[test]
fn a_new_channel_does_not_remove_private_data() {
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path()));
    let channel = dir.path().join("channels").join(CHANNEL);
    let kept = dir.path().join("kept");
    std::fs::rename(&channel, &kept).unwrap();
    for _ in 0..2 {
        let ledgers = Ledgers::open(dir.path(), small_config()).unwrap();
        for first in [genesis(), golden_blocks().swap_remove(0)] {
            let error = ledgers.create(&first).err().unwrap();
            let is_it = matches!(error, LedgerError::PrivateDataOfAnotherChain { .. });
            assert!(is_it && !channel.exists(), "{error}");
        }
    }
    std::fs::rename(&kept, &channel).unwrap();
    let (_ledgers, ledger) = open_with(dir.path(), small_config());
    expect_private(&ledger);
}

/// As after the folder `private` was restored from the copy of another peer.
#[test]
fn a_rebuild_keeps_private_data_of_another_chain() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    drop(filled(dir.path()));
    of_another_chain(other.path());
    std::fs::remove_dir_all(other.path().join("private")).unwrap();
    std::fs::rename(dir.path().join("private"), other.path().join("private")).unwrap();
    std::fs::remove_dir_all(other.path().join("state")).unwrap();
    for _ in 0..2 {
        let error = folder(other.path()).rebuild(&mut |_, _| {}).unwrap_err();
        assert!(matches!(error, LedgerError::PrivateDataOfAnotherChain { .. }), "{error}");
    }
    std::fs::remove_dir_all(other.path().join("private")).unwrap();
    folder(other.path()).rebuild(&mut |_, _| {}).unwrap();
}
