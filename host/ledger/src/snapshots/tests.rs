//! Decodes files of snapshots as Fabric's `common/ledger/snapshot/file.go` describes them, without
//! the code that wrote them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::private::test_support::{commit_private, held_by, private_puts};
use crate::snapshots::file::Hashes;
use crate::snapshots::{CollectionsAt, SnapshotFolder, tx_ids};
use crate::test_support::{
    CHANNEL, commit, commit_tx, envelopes, golden_blocks, leveldb_config, puts, temporary,
};
use crate::{Ledger, Ledgers, Snapshot, block};
use wasmcc_types::proto::common::Block;
use wasmcc_types::proto::protos::TxValidationCode;
use wasmcc_types::{hex, sha256};

/// All files of a folder by name.
type Files = BTreeMap<String, Vec<u8>>;

fn files(folder: &Path) -> Files {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let file = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read(entry.path()).unwrap())
    };
    entries.map(file).collect()
}

fn number(bytes: &mut &[u8]) -> usize {
    let (mut value, mut shift) = (0, 0);
    loop {
        let (first, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        value |= usize::from(first & 0x7f) << shift;
        shift += 7;
        if first & 0x80 == 0 {
            return value;
        }
    }
}

fn part<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let length = number(bytes);
    let (part, rest) = bytes.split_at(length);
    *bytes = rest;
    part
}

/// The content of a file after the byte with its format.
fn content<'a>(files: &'a Files, name: &str) -> &'a [u8] {
    let (format, content) = files[name].split_first().unwrap();
    assert_eq!(*format, 1, "{name}");
    content
}

fn parts<'a>(files: &'a Files, name: &str) -> Vec<&'a [u8]> {
    let mut left = content(files, name);
    let mut parts = Vec::new();
    while !left.is_empty() {
        parts.push(part(&mut left));
    }
    parts
}

/// A record of the state: fields 1 to 4 of a message, all of them bytes; empty ones are omitted.
fn fields(mut record: &[u8]) -> [Vec<u8>; 4] {
    let mut fields = [const { Vec::new() }; 4];
    while !record.is_empty() {
        let tag = number(&mut record);
        assert_eq!(tag & 7, 2);
        fields[tag / 8 - 1] = part(&mut record).to_vec();
    }
    fields
}

/// Namespace and record of each key of a pair of files.
fn state(files: &Files, name: &str) -> Vec<(String, [Vec<u8>; 4])> {
    let mut records = parts(files, &format!("{name}.data")).into_iter();
    let metadata = format!("{name}.metadata");
    let mut names = content(files, &metadata);
    let mut state = Vec::new();
    for _ in 0..number(&mut names) {
        let namespace = String::from_utf8(part(&mut names).to_vec()).unwrap();
        for _ in 0..number(&mut names) {
            state.push((namespace.clone(), fields(records.next().unwrap())));
        }
    }
    assert!(names.is_empty() && records.next().is_none());
    assert!(state.is_sorted_by_key(|(namespace, fields)| (namespace.clone(), fields[0].clone())));
    state
}

/// Writes a snapshot below a folder.
fn written(folder: &Path, snapshot: &Snapshot, collections: &[CollectionsAt]) -> Files {
    let folder = SnapshotFolder::open(folder).unwrap();
    let path = folder.write(snapshot, collections).unwrap();
    assert_eq!(path, folder.of(CHANNEL, snapshot.height() - 1));
    assert!(folder.has(CHANNEL, snapshot.height() - 1));
    files(&path)
}

/// Adds golden blocks unchanged.
fn follow(ledger: &Arc<Ledger>, blocks: &[Block]) {
    for golden in blocks {
        let number = golden.header.as_ref().unwrap().number;
        let mut body = golden.clone();
        block::set_outcome(&mut body, &[], None);
        let code = match number {
            37 => TxValidationCode::EndorsementPolicyFailure,
            _ => TxValidationCode::Valid,
        };
        let txs = envelopes(golden).iter().map(|envelope| commit_tx(envelope, code)).collect();
        ledger.commit(body, txs, &crate::NoCollections).unwrap();
    }
}

#[test]
fn a_snapshot_of_a_real_channel_has_all_of_its_state() {
    let dir = tempfile::tempdir().unwrap();
    let golden = golden_blocks();
    let ledgers = Ledgers::temporary(leveldb_config()).unwrap();
    let ledger = ledgers.create(&golden[0]).unwrap();
    follow(&ledger, &golden[1..]);
    let snapshot = ledger.snapshot();
    let collections = CollectionsAt { chaincode: "cc".into(), block: 5, package: b"P".to_vec() };
    let before = CollectionsAt { block: 3, ..collections.clone() };
    let files = written(dir.path(), &snapshot, &[before, collections]);

    let public = state(&files, "public_state");
    for (namespace, [key, value, metadata, version]) in &public {
        let key = std::str::from_utf8(key).unwrap();
        let stored = snapshot.get(namespace, key).unwrap().unwrap();
        assert_eq!((&stored.value, &stored.metadata_bytes), (value, metadata));
        assert_eq!(&stored.version.to_bytes(), version);
    }
    let namespaces: BTreeSet<&str> = public.iter().map(|(namespace, _)| &namespace[..]).collect();
    let keys = |namespace: &&str| snapshot.range(namespace, "", "").count();
    assert_eq!(public.len(), namespaces.iter().map(keys).sum::<usize>());
    assert_eq!(public[0].0, "", "the configuration comes first");
    assert_eq!(public[0].1[0], b"CHANNEL_CONFIG_ENV_BYTES");
    assert!(namespaces.contains("_lifecycle") && namespaces.len() > 2, "{namespaces:?}");
    assert!(public.iter().any(|(_, [_, _, metadata, _])| !metadata.is_empty()));
    let private = state(&files, "private_state_hashes");
    assert!(private.iter().any(|(namespace, _)| namespace == "_lifecycle$$h_implicit_org_Org1MSP"));
    assert!(private.iter().all(|(_, [key, value, _, _])| (key.len(), value.len()) == (32, 32)));

    let ids = parts(&files, "txids.data");
    assert!(ids.is_sorted_by_key(|id| (id.len(), *id)));
    let envelopes: Vec<_> = golden.iter().flat_map(envelopes).collect();
    let expected: BTreeSet<String> =
        envelopes.iter().map(|entry| crate::TxEnvelope::parse(entry).unwrap().tx_id()).collect();
    let found = ids.iter().map(|id| String::from_utf8(id.to_vec()).unwrap());
    assert_eq!(found.collect::<BTreeSet<_>>(), expected);
    assert_eq!(number(&mut content(&files, "txids.metadata")), expected.len());

    // Newer blocks come first.
    let key =
        |block: u64| [b"slscc\0cc~collection", &(u64::MAX - block).to_be_bytes()[..]].concat();
    let history = parts(&files, "confighistory.data");
    assert_eq!(history, [&key(5)[..], b"P", &key(3), b"P"]);
    assert_eq!(files["confighistory.metadata"], [1, 2]);
}

#[test]
fn the_metadata_has_the_hashes_of_all_files() {
    let dir = tempfile::tempdir().unwrap();
    let golden = golden_blocks();
    let ledgers = Ledgers::temporary(leveldb_config()).unwrap();
    let ledger = ledgers.create(&golden[0]).unwrap();
    follow(&ledger, &golden[1..20]);
    let mut files = written(dir.path(), &ledger.snapshot(), &[]);
    let signable = files.remove("_snapshot_signable_metadata.json").unwrap();
    let additional = files.remove("_snapshot_additional_metadata.json").unwrap();

    let hash = |bytes: &[u8]| hex(&sha256(bytes));
    let hashes =
        files.iter().map(|(name, bytes)| format!("        \"{name}\": \"{}\"", hash(bytes)));
    let header = |number: usize| hex(&block::header_hash(golden[number].header.as_ref().unwrap()));
    let text = format!(
        "{{\n    \"channel_name\": \"mychannel\",\n    \"last_block_number\": 19,\n    \
         \"last_block_hash\": \"{}\",\n    \"previous_block_hash\": \"{}\",\n    \
         \"snapshot_files_raw_hashes\": {{\n{}\n    }},\n    \
         \"state_db_type\": \"SimpleKeyValueDB\"\n}}",
        header(19),
        header(18),
        hashes.collect::<Vec<_>>().join(",\n"),
    );
    assert_eq!(String::from_utf8(signable.clone()).unwrap(), text);
    let commit_hash = hex(&block::commit_hash(&golden[19]).unwrap());
    let text = format!(
        "{{\n    \"snapshot_hash\": \"{}\",\n    \"last_block_commit_hash\": \"{commit_hash}\"\n}}",
        hash(&signable)
    );
    assert_eq!(String::from_utf8(additional).unwrap(), text);
}

#[test]
fn blocks_that_come_meanwhile_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let golden = golden_blocks();
    let ledgers = [(); 2].map(|()| Ledgers::temporary(leveldb_config()).unwrap());
    let [one, two] = ledgers.each_ref().map(|ledgers| ledgers.create(&golden[0]).unwrap());
    follow(&one, &golden[1..30]);
    follow(&two, &golden[1..30]);
    let snapshot = one.snapshot();
    follow(&one, &golden[30..]);
    let meanwhile = written(&dir.path().join("1"), &snapshot, &[]);
    let alone = written(&dir.path().join("2"), &two.snapshot(), &[]);
    assert_eq!(meanwhile, alone);
    let later = written(&dir.path().join("1"), &one.snapshot(), &[]);
    assert_ne!(meanwhile, later);
}

#[test]
fn ids_that_do_not_fit_into_memory_come_out_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (_ledgers, ledger) = temporary();
    for block in 0..4 {
        let ids: Vec<String> = (0..50).map(|tx| format!("{}", (tx * 7 + block) % 120)).collect();
        let tx = |id: &String| (id.clone(), puts(&ledger, &[("k", id)]));
        let txs: Vec<_> = ids.iter().map(tx).collect();
        let txs: Vec<_> = txs.iter().map(|(id, rwset)| (id.as_str(), rwset.clone())).collect();
        commit(&ledger, &txs);
    }
    let write = |run_bytes: usize| {
        let folder = dir.path().join(run_bytes.to_string());
        fs::create_dir(&folder).unwrap();
        let mut hashes = Hashes::new();
        tx_ids::write(&ledger, ledger.height(), run_bytes, &folder, &mut hashes).unwrap();
        files(&folder)
    };
    let files = write(1 << 20);
    assert_eq!(files, write(1));
    assert_eq!(files, write(40));
    let ids = parts(&files, "txids.data");
    let distinct: BTreeSet<_> = ids.iter().collect();
    assert!(ids.is_sorted_by_key(|id| (id.len(), *id)) && distinct.len() == ids.len());
    assert!(ids.len() > 50, "{}", ids.len());
}

#[test]
fn private_keys_are_there_as_hashes_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (_ledgers, ledger) = temporary();
    let results = private_puts(&ledger, &[("key", "secret")]);
    commit_private(&ledger, &held_by(&["A"], 0), vec![("1", results)]);
    let files = written(dir.path(), &ledger.snapshot(), &[]);
    let state = state(&files, "private_state_hashes");
    let [(_, [key, value, _, version])] = &state[..] else { panic!("{state:?}") };
    assert_eq!(key[..], sha256(b"key"));
    assert_eq!(value[..], sha256(b"secret"));
    assert_eq!(version[..], [1, 1, 0]);
    let is_in = |bytes: &Vec<u8>| bytes.windows(6).any(|window| window == b"secret");
    assert!(!files.values().any(is_in));
    assert!(!files.contains_key("confighistory.data"));
    let json: Value = serde_json::from_slice(&files["_snapshot_signable_metadata.json"]).unwrap();
    assert_eq!(json["snapshot_files_raw_hashes"].as_object().unwrap().len(), files.len() - 2);
}

#[test]
fn what_an_interrupted_snapshot_left_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let half = dir.path().join("temp/.wasmcc-mychannel-3.unfinished");
    fs::create_dir_all(&half).unwrap();
    fs::write(half.join("txids.data"), b"half").unwrap();
    // Files of another owner in the same folder.
    let file = dir.path().join("temp/notes-of-mine");
    fs::write(&file, b"not a snapshot").unwrap();
    let theirs = ["backup-20261130", "mychannel-5", ".wasmcc-mychannel-3"];
    let theirs = theirs.map(|name| dir.path().join("temp").join(name));
    theirs.iter().for_each(|theirs| fs::create_dir(theirs).unwrap());
    // The folder of a process that is writing it.
    let lock = fs::File::open(&half).unwrap();
    lock.lock().unwrap();
    SnapshotFolder::open(dir.path()).unwrap();
    assert!(half.join("txids.data").exists());
    drop(lock);
    let folder = SnapshotFolder::open(dir.path()).unwrap();
    assert!(!half.exists() && file.exists());
    fs::remove_file(file).unwrap();
    theirs.iter().for_each(|theirs| fs::remove_dir(theirs).unwrap());
    // A snapshot is never overwritten, and a refused one leaves nothing.
    let (_ledgers, ledger) = temporary();
    folder.write(&ledger.snapshot(), &[]).unwrap();
    assert!(folder.write(&ledger.snapshot(), &[]).is_err());
    assert_eq!(fs::read_dir(dir.path().join("temp")).unwrap().count(), 0);
}

#[test]
fn two_processes_do_not_write_into_one_folder() {
    let dir = tempfile::tempdir().unwrap();
    let half = dir.path().join("temp/.wasmcc-mychannel-0.unfinished");
    fs::create_dir_all(&half).unwrap();
    fs::write(half.join("left"), b"of an earlier attempt").unwrap();
    let lock = fs::File::open(&half).unwrap();
    lock.lock().unwrap();
    let (_ledgers, ledger) = temporary();
    let folder = SnapshotFolder::open(dir.path()).unwrap();
    let error = folder.write(&ledger.snapshot(), &[]).unwrap_err();
    assert!(error.to_string().contains("cannot use "), "{error}");
    assert!(half.join("left").exists());
    drop(lock);
    let made = folder.write(&ledger.snapshot(), &[]).unwrap();
    assert!(!files(&made).contains_key("left"));
}
