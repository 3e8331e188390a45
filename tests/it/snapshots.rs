//! Snapshots of a channel in Fabric's format, requested like `peer snapshot` does.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use prost::Message;
use serde_json::{Value, json};
use wasmcc_audit::{Laboratory, LaboratoryConfig};
use wasmcc_channel::collections::collection_history;
use wasmcc_ledger::{LedgerConfig, SnapshotFolder};
use wasmcc_tests::program::{Client, Peer, Site};
use wasmcc_tests::{golden, guest_path};
use wasmcc_types::proto::common::Block;
use wasmcc_types::proto::protos::CollectionConfigPackage;
use wasmcc_types::{hex, sha256};

const ORGS: [&str; 6] = ["--org", "Org1MSP", "--org", "Org2MSP", "--listen", "127.0.0.1:0"];
const SUBMITTED: &str = "Snapshot request submitted successfully\n";

fn invoke(peer: &Client<'_>, chaincode: &str, args: &[&str]) {
    let input = json!({ "Args": args }).to_string();
    peer.run(&["invoke", "-n", chaincode, "-c", &input]).ok();
}

fn snapshot<'a>(words: &[&'a str]) -> Vec<&'a str> {
    [&["snapshot"][..], words].concat()
}

fn pending(peer: &Client<'_>, org: &str) -> String {
    let listed = peer.run(&snapshot(&["listpending", "-c", "mychannel", "--org", org])).ok().out;
    let blocks = listed.trim().strip_prefix("Successfully got pending snapshot requests: ");
    blocks.unwrap_or_else(|| panic!("{listed}")).to_owned()
}

/// Waits until the snapshot of a block is complete, and returns its files by name.
fn made(peer: &mut Peer<'_>, site: &Site, folder: &str, block: u64) -> BTreeMap<String, Vec<u8>> {
    let folder = format!("{folder}completed/mychannel/{block}");
    peer.wait_for_line(&format!("snapshots/{folder}"));
    files(&site.path("data/snapshots").join(folder))
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let file = |entry: fs::DirEntry| {
        (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
    };
    entries.map(file).collect()
}

/// Deploys two chaincodes with collections, one by LSCC and one by `_lifecycle`, and writes some
/// state.
fn fill(site: &Site, peer: &Client<'_>) {
    let collections = r#"[{"name":"open","policy":"OR('Org1MSP.member','Org2MSP.member')"}]"#;
    fs::write(site.path("collections.json"), collections).unwrap();
    let path = guest_path("probe").to_str().unwrap();
    let deploy = ["deploy", path, "--collections-config", "collections.json", "--name"];
    peer.run(&[&deploy[..], &["old"]].concat()).ok();
    peer.run(&[&deploy[..], &["new", "--lifecycle"]].concat()).ok();
    for chaincode in ["old", "new"] {
        invoke(peer, chaincode, &["put", "k", "value"]);
        invoke(peer, chaincode, &["pput", "open", "secret", "hidden"]);
    }
}

fn number(bytes: &mut &[u8]) -> usize {
    prost::encoding::decode_varint(bytes).unwrap().try_into().unwrap()
}

fn part<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let length = number(bytes);
    let (part, rest) = bytes.split_at(length);
    *bytes = rest;
    part
}

/// Checks the hashes like Fabric's peers.
fn check_hashes(files: &BTreeMap<String, Vec<u8>>) -> Value {
    let json = |name: &str| -> Value { serde_json::from_slice(&files[name]).unwrap() };
    let signable = json("_snapshot_signable_metadata.json");
    let hashes = signable["snapshot_files_raw_hashes"].as_object().unwrap();
    assert_eq!(hashes.len(), files.len() - 2);
    for (name, hash) in hashes {
        assert_eq!(hash, &hex(&sha256(&files[name])), "{name}");
    }
    let additional = json("_snapshot_additional_metadata.json");
    let hash = hex(&sha256(&files["_snapshot_signable_metadata.json"]));
    assert_eq!(additional["snapshot_hash"], hash);
    assert_eq!(additional["last_block_commit_hash"].as_str().unwrap().len(), 64);
    signable
}

/// The golden files are the snapshot of a Fabric peer with LevelDB, and the blocks of its channel.
#[test]
fn a_snapshot_has_the_bytes_of_a_fabric_peers() {
    let ledger = LedgerConfig { rich_queries: false, ..LedgerConfig::default() };
    let config = LaboratoryConfig { ledger, ..LaboratoryConfig::default() };
    let channel = Laboratory::new(config, &[]).unwrap();
    for number in 0..24 {
        let block = fs::read(golden(&format!("snapshot/blocks/b{number:03}.block"))).unwrap();
        channel.add(Block::decode(block.as_slice()).unwrap(), None).unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    let (folder, state) = (SnapshotFolder::open(dir.path()).unwrap(), channel.snapshot().unwrap());
    let made = folder.write(&state, &collection_history(&state).unwrap()).unwrap();
    let (made, expected) = (files(&made), files(&golden("snapshot/files")));
    assert_eq!(made.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, bytes) in &expected {
        assert!(made[name] == *bytes, "{name} differs: {}", hex(&made[name]));
    }
}

#[test]
fn peers_of_a_channel_make_the_same_snapshot_of_a_block() {
    let site = Site::of_two();
    let mut peer = site.peer(&[&ORGS[..], &["--data", "data"]].concat());
    fill(&site, &peer);
    let submit = ["submitrequest", "--channelID", "mychannel", "--blockNumber", "0", "--org"];
    let of = |org| snapshot(&[&submit[..], &[org]].concat());
    assert_eq!(peer.run(&of("Org1MSP")).ok().out, SUBMITTED);
    assert_eq!(peer.other(0).run(&of("Org2MSP")).ok().out, SUBMITTED);
    let chain = peer.run(&["inspect", "chain", "--json"]).ok().json();
    let last = chain["height"].as_u64().unwrap() - 1;
    let one = made(&mut peer, &site, "Org1MSP/", last);
    let two = made(&mut peer, &site, "Org2MSP/", last);
    assert_eq!(one, two);
    let again = peer.run(&of("Org1MSP")).failed(1);
    assert!(again.contains(&format!("snapshot already generated for block number {last}")));
    peer.terminate().ok();

    // A peer that received the same blocks in another way.
    site.run(&["ledger", "export", "my.blocks", "--data", "data"]).ok();
    site.run(&["ledger", "import", "my.blocks", "--data", "other"]).ok();
    let mut peer = site.peer(&["--org", "Org2MSP", "--data", "other", "--snapshots", "elsewhere"]);
    peer.run(&snapshot(&["submitrequest", "--org", "Org2MSP"])).ok();
    peer.wait_for_line(&format!("elsewhere/completed/mychannel/{last}"));
    let other = files(&site.path("elsewhere/completed/mychannel").join(last.to_string()));
    assert_eq!(one, other);
    peer.terminate().ok();

    let signable = check_hashes(&one);
    assert_eq!(signable["channel_name"], "mychannel");
    assert_eq!(signable["last_block_number"], last);
    // The format of a file, then keys and packages of collections, newer blocks first.
    let mut history = &one["confighistory.data"][1..];
    let mut names = Vec::new();
    while !history.is_empty() {
        let (key, package) = (part(&mut history), part(&mut history));
        let (name, block) = key.split_at(key.len() - 8);
        assert!(u64::MAX - u64::from_be_bytes(block.try_into().unwrap()) <= last);
        names.push(String::from_utf8(name.to_vec()).unwrap());
        let package = CollectionConfigPackage::decode(package).unwrap();
        assert_eq!(package.config.len(), 1);
    }
    assert_eq!(names, ["slscc\0new~collection", "slscc\0old~collection"]);
    let mut spaces = &one["private_state_hashes.metadata"][1..];
    let spaces: Vec<String> = (0..number(&mut spaces))
        .map(|_| {
            let name = String::from_utf8(part(&mut spaces).to_vec()).unwrap();
            number(&mut spaces);
            name
        })
        .collect();
    assert!(spaces.contains(&"new$$hopen".to_owned()) && spaces.is_sorted(), "{spaces:?}");
    let is_in = |bytes: &Vec<u8>| bytes.windows(6).any(|window| window == b"hidden");
    assert!(!one.values().any(is_in), "private values stay private");
}

#[test]
fn a_request_for_a_coming_block_outlives_the_peer() {
    let site = Site::new();
    let peer = site.peer(&["--data", "data"]);
    peer.deploy("probe");
    let submit = |block| snapshot(&["submitrequest", "-b", block]);
    for block in ["4", "9"] {
        assert_eq!(peer.run(&submit(block)).ok().out, SUBMITTED);
    }
    let twice = peer.run(&submit("9")).failed(1);
    assert!(twice.contains("failed to submit the request: "), "{twice}");
    assert!(twice.contains("duplicate snapshot request for block number 9"), "{twice}");
    peer.terminate().ok();

    let mut peer = site.peer(&["--data", "data"]);
    assert_eq!(pending(&peer, "Org1MSP"), "[4 9]");
    for value in 1..=3 {
        invoke(&peer, "probe", &["put", "k", &value.to_string()]);
    }
    let files = made(&mut peer, &site, "", 4);
    assert_eq!(check_hashes(&files)["last_block_number"], 4);
    // The value is that of block 4, in spite of later writes.
    let is_in = |value: &[u8]| {
        let record = [b"\x0a\x01k\x12\x01", value].concat();
        files["public_state.data"].windows(6).any(|window| window == record)
    };
    assert!(is_in(b"3") && !is_in(b"2"), "block 4 has the third value");
    let cancel = snapshot(&["cancelrequest", "-b", "9"]);
    let done = peer.run(&cancel).ok().out;
    assert_eq!(done, "Snapshot request cancelled successfully\n");
    let none = peer.run(&cancel).failed(1);
    assert!(none.contains("no snapshot request exists for block number 9"), "{none}");
    assert_eq!(pending(&peer, "Org1MSP"), "[]");
    peer.terminate().ok();
}

#[test]
fn a_snapshot_that_an_ending_process_left_is_made_from_the_blocks() {
    let site = Site::new();
    let mut peer = site.peer(&["--data", "data"]);
    peer.deploy("probe");
    for value in 1..=3 {
        invoke(&peer, "probe", &["put", "k", &value.to_string()]);
    }
    peer.run(&snapshot(&["submitrequest", "-b", "0"])).ok();
    let chain = peer.run(&["inspect", "chain", "--json"]).ok().json();
    let block = chain["height"].as_u64().unwrap() - 1;
    let whole = made(&mut peer, &site, "", block);
    invoke(&peer, "probe", &["put", "k", "later"]);
    peer.terminate().ok();

    // As if the process had ended before the snapshot was complete.
    fs::remove_dir_all(site.path("data/snapshots")).unwrap();
    let requests = site.path("data/ledger/peer/snapshots");
    assert!(!requests.exists(), "nothing waits");
    let line = |block: u64| format!("mychannel\t{block}\tOrg1MSP\n");
    fs::write(&requests, [1, block - 1, block].map(line).concat()).unwrap();
    let unfinished = site.path("data/snapshots/temp/.wasmcc-mychannel-1.unfinished");
    // A folder of another program, whose name also ends with a number.
    let backup = site.path("data/snapshots/temp/backup-20261130");
    for folder in [&unfinished, &backup] {
        fs::create_dir_all(folder).unwrap();
    }
    fs::write(backup.join("file"), "precious").unwrap();
    let mut peer = site.peer(&["--data", "data"]);
    for earlier in [1, block - 1] {
        let files = made(&mut peer, &site, "", earlier);
        assert_eq!(check_hashes(&files)["last_block_number"], earlier);
    }
    assert_eq!(made(&mut peer, &site, "", block), whole);
    peer.terminate().ok();
    assert!(!unfinished.exists() && backup.join("file").exists());
}

#[test]
fn only_administrators_of_the_peers_organization_may_ask() {
    let site = Site::of_two();
    let peer = site.peer(&["--org", "Org1MSP", "--data", "data"]);
    let refused = |words: &[&str]| peer.run(&snapshot(words)).failed(1);
    let user = refused(&["submitrequest", "--org", "Org1MSP", "--user", "User1"]);
    let text = "failed verifying that the signed data identity satisfies local MSP principal \
                during channelless check policy with policy [Admins]: [The identity is not an \
                admin under this MSP [Org1MSP]";
    assert!(user.contains(text), "{user}");
    for verb in [&["cancelrequest", "-b", "1"][..], &["listpending"]] {
        let stranger = refused(&[verb, &["--org", "Org2MSP"]].concat());
        let text = "failed deserializing signed data identity during channelless check policy \
                    with policy [Admins]: [";
        assert!(stranger.contains(text), "{stranger}");
    }
    let unknown = refused(&["submitrequest", "-c", "nowhere"]);
    assert!(unknown.contains("cannot find ledger for channel nowhere"), "{unknown}");
    let address = peer.address().to_owned();
    let there = site.run(&snapshot(&["listpending", "--peerAddress", &address]));
    assert!(there.ok().out.ends_with(": []\n"));
    peer.terminate().ok();
}
