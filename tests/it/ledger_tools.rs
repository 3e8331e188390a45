//! `wasmcc ledger` and `wasmcc inspect` on the data folder of a peer.

use std::fs;
use std::path::Path;

use clap::Parser;
use wasmcc_channel::collections::package_from_json;
use wasmcc_cli::Cli;
use wasmcc_client::{ProposalBuilder, lscc};
use wasmcc_ledger::{LedgerConfig, LedgerFolder};
use wasmcc_msp::NetworkSpec;
use wasmcc_tests::chain::{CHANNEL, commit, open_chain, transaction};
use wasmcc_tests::{Peers, create_channel, guest, install_code, submit, user};
use wasmcc_types::Height;
use wasmcc_types::proto::protos::TxValidationCode;

/// Runs `wasmcc` with these arguments; an error is its message.
fn run(words: &[&str]) -> Result<(), String> {
    let words = std::iter::once("wasmcc").chain(words.iter().copied());
    let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
    cli.run().map_err(|error| format!("{error:#}"))
}

/// Makes a data folder in which `lost` conflicted with `winner`.
fn data_with_a_lost_race(data: &Path) {
    let (_ledgers, ledger) = open_chain(&data.join("ledger")).unwrap();
    let update = |tx_id: &str| {
        let mut simulator = ledger.simulator(tx_id);
        simulator.get_state("cc", "k").unwrap();
        simulator.put_state("cc", "k", tx_id.into()).unwrap();
        transaction(tx_id, &simulator.finish().public, Vec::new())
    };
    let (winner, lost) = (update("winner"), update("lost"));
    commit(&ledger, vec![winner]).unwrap();
    let codes = commit(&ledger, vec![lost]).unwrap().codes();
    assert_eq!(codes, [TxValidationCode::MvccReadConflict]);
}

#[test]
fn a_ledger_is_verified_rebuilt_exported_and_imported() {
    let dir = tempfile::tempdir().unwrap();
    let [data, other, file] = ["data", "other", "file"].map(|name| dir.path().join(name));
    data_with_a_lost_race(&data);
    let [data, other, file] = [&data, &other, &file].map(|path| path.to_str().unwrap());
    run(&["ledger", "verify", "--data", data]).unwrap();
    run(&["ledger", "rebuild", "--data", data]).unwrap();
    run(&["ledger", "verify", "--data", data, "-C", CHANNEL, "--json"]).unwrap();
    run(&["ledger", "export", file, "--data", data]).unwrap();
    run(&["ledger", "import", file, "--data", other]).unwrap();
    run(&["ledger", "verify", "--data", other]).unwrap();
    let twice = run(&["ledger", "import", file, "--data", other]).unwrap_err();
    assert!(twice.contains("channel mychannel exists already"), "{twice}");
    run(&["inspect", "tx", "lost", "--data", other]).unwrap();
    run(&["inspect", "tx", "lost", "--data", other, "--json"]).unwrap();
    let unknown = run(&["inspect", "tx", "none", "--data", other]).unwrap_err();
    assert!(unknown.contains("channel mychannel has no transaction none"), "{unknown}");
}

#[test]
fn a_lost_transaction_names_key_versions_and_the_one_that_wrote() {
    let dir = tempfile::tempdir().unwrap();
    data_with_a_lost_race(dir.path());
    let folder = LedgerFolder::open(&dir.path().join("ledger"), LedgerConfig::default()).unwrap();
    let channel = folder.channel(CHANNEL).unwrap();
    let found = folder.inspect_tx(&channel, "lost", &mut |_| {}).unwrap();
    assert_eq!(
        found[0].conflict.as_ref().unwrap().to_string(),
        "key \"k\" of cc was read at no version and is now at 1:0, written by transaction winner"
    );
}

#[test]
fn damage_is_reported_with_block_and_reason() {
    let dir = tempfile::tempdir().unwrap();
    data_with_a_lost_race(dir.path());
    let data = dir.path().to_str().unwrap();
    let blocks = dir.path().join("ledger/channels/mychannel/blocks");
    let good = fs::read(&blocks).unwrap();
    let mut bad = good.clone();
    let at = good.len() - 100;
    bad[at] ^= 1;
    fs::write(&blocks, &bad).unwrap();
    assert_eq!(run(&["ledger", "verify", "--data", data]).unwrap_err(), "the ledger is damaged");
    let file = dir.path().join("file");
    let words = ["ledger", "export", file.to_str().unwrap(), "--data", data];
    for words in [&words[..], &["ledger", "rebuild", "--data", data]] {
        let error = run(words).unwrap_err();
        assert!(error.contains("block 2 of channel mychannel is damaged: "), "{error}");
    }
    assert!(!file.exists());
    assert_eq!(fs::read(&blocks).unwrap(), bad, "nothing is repaired");
}

#[test]
fn the_folder_of_a_running_peer_is_refused() {
    let peers = Peers::new(&NetworkSpec::default());
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let peer = peers.peer(|config| config.data = Some(dir.path().to_owned()));
    peer.create_channel("assets").unwrap();
    for words in [
        &["ledger", "verify", "--data", data][..],
        &["ledger", "rebuild", "--data", data],
        &["inspect", "tx", "t", "--data", data, "-C", "assets"],
    ] {
        let error = run(words).unwrap_err();
        assert!(error.contains("another one: stop the peer first"), "{error}");
    }
    drop(peer);
    run(&["ledger", "verify", "--data", data, "-C", "assets"]).unwrap();
    let unknown = run(&["ledger", "verify", "--data", data, "-C", "other"]).unwrap_err();
    assert_eq!(unknown, "the ledger has no channel other; it has assets");
    let nowhere = dir.path().join("nowhere");
    let error = run(&["ledger", "verify", "--data", nowhere.to_str().unwrap()]).unwrap_err();
    assert!(error.contains("there is no ledger in"), "{error}");
}

/// Of one organization; `short` expires after two blocks.
const COLLECTIONS: &str = r#"[
    {"name":"open","policy":"OR('Org1MSP.member')"},
    {"name":"short","policy":"OR('Org1MSP.member')","blockToLive":2}]"#;

/// Makes a peer's data folder with a channel whose verdict depends on an expired hash.
fn data_with_an_expired_hash(data: &Path) {
    let peers = Peers::new(&NetworkSpec::default());
    let peer = peers.peer(|config| config.data = Some(data.to_owned()));
    create_channel(&peer, CHANNEL);
    install_code(&peer, "probe", "1.0", &guest("probe"));
    let deploy = lscc::deploy(lscc::Definition {
        channel_id: CHANNEL.into(),
        name: "probe".into(),
        version: "1.0".into(),
        collections: Some(package_from_json(COLLECTIONS).unwrap()),
        ..lscc::Definition::default()
    });
    let admin = peer.network().org("Org1MSP").unwrap().admin().unwrap();
    assert_eq!(submit(&peer, CHANNEL, deploy, &admin), Ok(TxValidationCode::Valid));
    for line in [
        "then pput short k v ; pput open k v",
        "put a 1",
        "put a 2",
        "put a 3",
        "then pget short k ; phash short k ; put seen 1",
        "pput short again w",
    ] {
        let call = ProposalBuilder::new(CHANNEL, "probe").args(line.split(' '));
        let code = submit(&peer, CHANNEL, call, &user(&peer));
        assert_eq!(code, Ok(TxValidationCode::Valid), "{line}");
    }
}

/// Returns public keys and hashes with their versions.
fn state(data: &Path) -> Vec<(String, Option<Height>)> {
    let (_ledgers, ledger) = open_chain(&data.join("ledger")).unwrap();
    let snapshot = ledger.snapshot();
    let public = ["lscc", "probe"].into_iter().flat_map(|ns| snapshot.range(ns, "", ""));
    let public = public.map(|row| row.unwrap()).map(|(key, value)| (key, Some(value.version)));
    let hash = |(collection, key): (&str, &str)| {
        let found = snapshot.get_private_hash("probe", collection, key).unwrap();
        (format!("{collection}/{key}"), found.map(|value| value.version))
    };
    let hashes = [("open", "k"), ("short", "k"), ("short", "again")].map(hash);
    public.chain(hashes).collect()
}

#[test]
fn hashes_have_their_time_in_a_channel_that_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let [data, other, file] = ["data", "other", "file"].map(|name| dir.path().join(name));
    data_with_an_expired_hash(&data);
    let words = [&data, &other, &file].map(|path| path.to_str().unwrap().to_owned());
    let [data_word, other_word, file_word] = words.each_ref().map(String::as_str);
    let good = |data: &str| run(&["ledger", "verify", "--data", data]).unwrap();
    good(data_word);
    run(&["ledger", "export", file_word, "--data", data_word]).unwrap();
    run(&["ledger", "import", file_word, "--data", other_word]).unwrap();
    good(other_word);
    let expected = state(&data);
    let known = expected.iter().rev().take(3).rev().map(|(_, version)| version.is_some());
    assert_eq!(known.collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(state(&other), expected);
    // Also if the private data are lost, and only the blocks contain the information.
    fs::remove_dir_all(data.join("ledger/private")).unwrap();
    let refused = run(&["ledger", "rebuild", "--data", data_word]).unwrap_err();
    assert!(refused.contains("but the state holds private values"), "{refused}");
    fs::remove_dir_all(data.join("ledger/state")).unwrap();
    run(&["ledger", "rebuild", "--data", data_word]).unwrap();
    good(data_word);
    assert_eq!(state(&data), expected);
}

#[test]
fn blocks_of_another_chain_do_not_take_the_place_of_private_data() {
    let dir = tempfile::tempdir().unwrap();
    let names = ["data", "other", "right", "wrong", "broken"];
    let paths = names.map(|name| dir.path().join(name));
    data_with_an_expired_hash(&paths[0]);
    data_with_a_lost_race(&paths[1]);
    let [data, other, right, wrong, broken] = paths.each_ref().map(|path| path.to_str().unwrap());
    run(&["ledger", "export", right, "--data", data]).unwrap();
    run(&["ledger", "export", wrong, "--data", other]).unwrap();
    fs::write(broken, [fs::read(wrong).unwrap(), b"\x7fabc".to_vec()].concat()).unwrap();
    let sets = |data: &str| {
        let dir = Path::new(data).join("ledger");
        let folder = LedgerFolder::open(&dir, LedgerConfig::default()).unwrap();
        let channel = folder.channel(CHANNEL).unwrap();
        folder.verify(&channel, &mut |_| {}).unwrap().private_sets
    };
    // Opening removes expired data.
    drop(open_chain(&paths[0].join("ledger")).unwrap());
    let before = sets(data);
    assert!(before > 0);
    // The blocks were damaged; the channel is rebuilt from a file.
    let channel = Path::new(data).join("ledger/channels/mychannel");
    fs::remove_dir_all(&channel).unwrap();
    for file in [broken, wrong] {
        let error = run(&["ledger", "import", file, "--data", data]).unwrap_err();
        assert!(error.contains("private data of an earlier channel mychannel"), "{error}");
        assert!(error.ends_with("or remove the private data with --discard-private-data"));
    }
    let discard = ["ledger", "import", broken, "--data", data, "--discard-private-data"];
    let error = run(&discard).unwrap_err();
    assert!(error.contains("the file ends in the middle of it"), "{error}");
    run(&["ledger", "import", right, "--data", data]).unwrap();
    assert_eq!(sets(data), before);
    fs::remove_dir_all(&channel).unwrap();
    run(&["ledger", "import", wrong, "--data", data, "--discard-private-data"]).unwrap();
    assert_eq!(sets(data), 0);
}
