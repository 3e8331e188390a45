//! A peer's data on disk, and the view of readers during writes.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tempfile::TempDir;
use wasmcc_client::ProposalBuilder;
use wasmcc_ledger::{Ledger, header_hash};
use wasmcc_msp::{Network, NetworkSpec};
use wasmcc_node::sandbox::{Call, Sandbox};
use wasmcc_node::{Peer, PeerConfig};
use wasmcc_tests::{Peers, create_channel, deploy, evaluate, guest, submit, user};
use wasmcc_types::proto::protos::TxValidationCode;

const CHANNEL: &str = "mychannel";

/// A data folder and the network of its users.
struct Disk {
    peers: Peers,
    data: TempDir,
}

impl Disk {
    /// Returns a folder with a peer that has the chaincode `probe`.
    fn new() -> (Self, Arc<Peer>) {
        let peers = Peers::new(&NetworkSpec::default());
        let disk = Self { peers, data: tempfile::tempdir().unwrap() };
        let peer = disk.peer();
        create_channel(&peer, CHANNEL);
        deploy(&peer, CHANNEL, "probe", "probe");
        (disk, peer)
    }

    fn path(&self) -> &Path {
        self.data.path()
    }

    fn peer(&self) -> Arc<Peer> {
        self.peers.peer(|config| {
            config.data = Some(self.path().to_owned());
            // Its own runtime stores compiled code in the data folder.
            config.runtime = None;
        })
    }

    /// Returns the error of a peer that does not open.
    fn refusal(&self) -> String {
        let config = PeerConfig {
            data: Some(self.path().to_owned()),
            ..PeerConfig::new(self.peers.network(), "Org1MSP")
        };
        match Peer::open(config) {
            Ok(_) => panic!("it opens"),
            Err(error) => with_causes(&error),
        }
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|cause| format!(": {}", with_causes(cause)));
    format!("{error}{}", cause.unwrap_or_default())
}

fn put(peer: &Peer, key: &str, value: &str) {
    let put = ProposalBuilder::new(CHANNEL, "probe").args(["put", key, value]);
    assert_eq!(submit(peer, CHANNEL, put, &user(peer)), Ok(TxValidationCode::Valid));
}

fn get(peer: &Peer, key: &str) -> String {
    String::from_utf8(evaluate(peer, CHANNEL, "probe", &["get", key]).payload).unwrap()
}

fn ledger(peer: &Peer) -> Arc<Ledger> {
    Arc::clone(peer.channels().get(CHANNEL).unwrap().ledger())
}

#[test]
fn a_peer_goes_on_where_it_ended() {
    let (disk, peer) = Disk::new();
    put(&peer, "k", "v");
    let before = ledger(&peer).info();
    drop(peer);
    let peer = disk.peer();
    assert_eq!(peer.channels().ids(), [CHANNEL]);
    assert_eq!(ledger(&peer).info(), before);
    assert_eq!(get(&peer, "k"), "v", "the package is there, too");
    put(&peer, "k", "w");
    assert_eq!(get(&peer, "k"), "w");
    let ledger = ledger(&peer);
    assert_eq!(ledger.height(), before.height + 1);
    let mut previous = Vec::new();
    for number in 0..ledger.height() {
        let header = ledger.block(number).unwrap().unwrap().header.unwrap();
        assert_eq!(header.previous_hash, previous, "block {number}");
        previous = header_hash(&header).to_vec();
    }
}

#[test]
fn a_folder_has_one_peer() {
    let (disk, peer) = Disk::new();
    let said = disk.refusal();
    assert!(said.contains("is open already"), "{said}");
    put(&peer, "k", "v");
    drop(peer);
    assert_eq!(get(&disk.peer(), "k"), "v");
}

#[test]
fn a_torn_block_at_the_end_is_cut_off() {
    let (disk, peer) = Disk::new();
    let file = disk.path().join("ledger/channels").join(CHANNEL).join("blocks");
    let last_record = fs::metadata(&file).unwrap().len() as usize;
    put(&peer, "k", "v");
    let before = ledger(&peer).info();
    drop(peer);
    let acknowledged = fs::read(&file).unwrap();
    // After a crash, a part of the next block's record may exist; here it is a part of the previous
    // one.
    let record = &acknowledged[last_record..];
    for length in [1, 19, 20, 21, record.len() / 2, record.len() - 1] {
        let mut torn = OpenOptions::new().append(true).open(&file).unwrap();
        torn.write_all(&record[..length]).unwrap();
        drop(torn);
        let peer = disk.peer();
        assert_eq!(ledger(&peer).info(), before, "{length} bytes");
        assert_eq!(get(&peer, "k"), "v");
        drop(peer);
        assert_eq!(fs::read(&file).unwrap(), acknowledged, "{length} bytes");
    }
    let peer = disk.peer();
    put(&peer, "k", "w");
    drop(peer);
    assert_eq!(get(&disk.peer(), "k"), "w");
}

#[test]
fn the_state_is_made_again_from_the_blocks() {
    let (disk, peer) = Disk::new();
    put(&peer, "k", "v");
    let before = ledger(&peer).info();
    drop(peer);
    fs::remove_dir_all(disk.path().join("ledger/state")).unwrap();
    let peer = disk.peer();
    assert_eq!(ledger(&peer).info(), before);
    assert_eq!(get(&peer, "k"), "v");
}

#[test]
fn compiled_code_that_others_could_write_is_not_run() {
    let (disk, peer) = Disk::new();
    drop(peer);
    let compiled = disk.path().join("compiled");
    assert_eq!(fs::metadata(&compiled).unwrap().permissions().mode() & 0o777, 0o700);
    fs::set_permissions(&compiled, Permissions::from_mode(0o770)).unwrap();
    let said = disk.refusal();
    assert!(said.contains("others can write to it (mode 770)"), "{said}");
    assert!(said.contains("`chmod 700` it"), "{said}");
    fs::set_permissions(&compiled, Permissions::from_mode(0o700)).unwrap();
    assert_eq!(get(&disk.peer(), "k"), "");
}

#[test]
fn compiled_code_that_is_cut_short_is_made_again() {
    let (disk, peer) = Disk::new();
    drop(peer);
    let file = fs::read_dir(disk.path().join("compiled")).unwrap().next().unwrap();
    let file = file.unwrap().path();
    let whole = fs::read(&file).unwrap();
    for length in [0, 31, 32, whole.len() / 2, whole.len() - 1] {
        fs::write(&file, &whole[..length]).unwrap();
        assert_eq!(get(&disk.peer(), "k"), "", "{length} bytes");
        assert_eq!(fs::read(&file).unwrap(), whole, "{length} bytes");
    }
}

#[test]
fn a_long_simulation_sees_one_height_and_holds_nobody_up() {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("probe", &guest("probe")).unwrap();
    let put = |key: &str, value: &str| {
        sandbox.submit(Call::new("probe", "put").args([key, value])).unwrap();
    };
    put("a", "0");
    put("b", "0");
    let mut early = sandbox.ledger().simulator("early");
    let rows = early.range("probe", "", "").unwrap();
    let first = early.next_row(rows).unwrap().unwrap();
    assert_eq!((first.key.as_str(), first.value.as_slice()), ("a", &b"0"[..]));
    for round in 1..20 {
        put("b", &round.to_string());
        put(&format!("new{round}"), "x");
    }
    sandbox.submit(Call::new("probe", "del").args(["a"])).unwrap();
    let second = early.next_row(rows).unwrap().unwrap();
    assert_eq!((second.key.as_str(), second.value.as_slice()), ("b", &b"0"[..]));
    assert!(early.next_row(rows).unwrap().is_none(), "what came later is not seen");
    assert_eq!(early.get_state("probe", "a").unwrap(), Some(b"0".to_vec()));
    let mut late = sandbox.ledger().simulator("late");
    assert_eq!(late.get_state("probe", "a").unwrap(), None);
    assert_eq!(late.get_state("probe", "b").unwrap(), Some(b"19".to_vec()));
}

#[test]
fn readers_never_see_half_a_block() {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("bank", &guest("transfer")).unwrap();
    for name in ["ann", "bob"] {
        sandbox.submit(Call::new("bank", "open").args([name, "1000"])).unwrap();
    }
    let ledger = sandbox.ledger();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut totals = vec![total(&ledger)];
                    while !done.load(Ordering::Relaxed) {
                        totals.push(total(&ledger));
                    }
                    totals
                })
            })
            .collect();
        for round in 0..60 {
            let amount = (round % 7 + 1).to_string();
            sandbox.submit(Call::new("bank", "transfer").args(["ann", "bob", &amount])).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        for reader in readers {
            assert!(reader.join().unwrap().iter().all(|total| *total == 2000));
        }
    });
}

/// Returns the sum of all accounts at one height.
fn total(ledger: &Arc<Ledger>) -> u64 {
    let mut simulator = ledger.simulator("total");
    let balance = |name: &str| {
        let record = simulator.get_state("bank", name).unwrap().unwrap();
        let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
        record["balance"].as_u64().unwrap()
    };
    ["ann", "bob"].map(balance).iter().sum()
}

#[test]
fn a_data_folder_of_somebody_else_is_refused() {
    let peers = Peers::new(&NetworkSpec::with_orgs(2));
    let disk = Disk { peers, data: tempfile::tempdir().unwrap() };
    create_channel(&disk.peer(), CHANNEL);
    let open = |network, org: &str| {
        let config =
            PeerConfig { data: Some(disk.path().to_owned()), ..PeerConfig::new(network, org) };
        Peer::open(config).map(drop).map_err(|error| error.to_string())
    };
    let refused = open(disk.peers.network(), "Org2MSP").unwrap_err();
    assert!(refused.contains("belongs to the peer of Org1MSP"), "{refused}");
    let other = || Network::in_memory(&NetworkSpec::with_orgs(2)).unwrap();
    let refused = open(other(), "Org1MSP").unwrap_err();
    assert!(refused.contains("belongs to another network, of Org1MSP"), "{refused}");
    // A folder of a version without a record: its channels contain the information.
    let record = disk.path().join("identity.json");
    fs::remove_file(&record).unwrap();
    let refused = open(other(), "Org1MSP").unwrap_err();
    assert!(refused.contains("belongs to another network"), "{refused}");
    assert!(!record.exists());
    open(disk.peers.network(), "Org1MSP").unwrap();
    assert!(record.exists());
}

#[test]
fn only_its_owner_may_read_what_a_peer_keeps() {
    let (disk, peer) = Disk::new();
    put(&peer, "a", "1");
    drop(peer);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let mut folders = vec![disk.path().to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        // The data folder itself existed before the peer.
        if folder != disk.path() {
            assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        }
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            // These files of the database contain no values, and are in folders that only the owner
            // can enter.
            let is_open = name == "conf" || name.starts_with("snap.");
            if path.is_dir() {
                folders.push(path);
            } else if !is_open {
                assert_eq!(mode(&path), 0o600, "{}", path.display());
                files += 1;
            }
        }
    }
    assert!(files >= 5, "{files}");
}
