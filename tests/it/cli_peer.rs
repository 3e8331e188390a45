//! The life cycle of a served peer: ended, killed, restarted on its data.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::mpsc;
use std::{fs, thread};

use serde_json::{Value, json};
use wasmcc_tests::program::{Client, Run, Site};
use wasmcc_tests::{guest, guest_path};

fn probe(peer: &Client<'_>, verb: &str, args: &[&str]) -> Run {
    let input = json!({ "Args": args }).to_string();
    peer.run(&[verb, "-n", "probe", "-c", &input, "--json"])
}

fn put(peer: &Client<'_>, key: &str, value: &str) {
    assert_eq!(probe(peer, "invoke", &["put", key, value]).ok().json()["status"], "VALID");
}

fn get(peer: &Client<'_>, key: &str) -> Value {
    probe(peer, "query", &["get", key]).ok().json()["payload"].clone()
}

/// Returns the files of compiled code in a peer's data folder.
fn compiled(site: &Site) -> Vec<PathBuf> {
    let folder = fs::read_dir(site.path("data/compiled")).unwrap();
    folder.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_peer_that_is_told_to_end_ends_well_and_goes_on_later() {
    let site = Site::new();
    let peer = site.peer(&["--data", "data"]);
    peer.deploy("probe");
    put(&peer, "k", "v");
    let ended = peer.terminate().ok();
    assert!(ended.err.contains("stopping"), "{}", ended.err);
    assert!(!ended.err.contains("ERROR"), "{}", ended.err);
    let peer = site.peer(&["--data", "data"]);
    assert_eq!(get(&peer, "k"), "v");
    put(&peer, "k", "w");
    assert_eq!(peer.run(&["block", "latest"]).ok().json()["number"], 3);
    peer.terminate().ok();
}

#[test]
fn work_goes_on_where_nobody_reads_of_its_progress() {
    let site = Site::new();
    let peer = site.peer(&["--in-memory"]);
    let probe = guest_path("probe");
    let deploy = ["deploy", probe.to_str().unwrap(), "--name", "probe", "--lifecycle"];
    peer.run_unheard(&deploy).ok();
    let put = r#"{"Args":["put","k","v"]}"#;
    let invoked = peer.run_unheard(&["invoke", "-n", "probe", "-c", put, "--json"]).ok();
    assert_eq!(invoked.json()["status"], "VALID");
    assert_eq!(get(&peer, "k"), "v");
}

#[test]
fn a_deployment_reads_its_files_before_it_installs() {
    let site = Site::new();
    let peer = site.peer(&["--in-memory"]);
    fs::write(site.path("none.json"), "no JSON").unwrap();
    let probe = guest_path("probe");
    let deploy = ["deploy", probe.to_str().unwrap(), "--name", "probe"];
    for lifecycle in [&[][..], &["--lifecycle"]] {
        let args = [&deploy[..], lifecycle, &["--collections-config", "none.json"]].concat();
        let refused = peer.run(&args).failed(1);
        assert!(refused.contains("none.json"), "{refused}");
        assert!(!refused.contains("installing"), "{refused}");
    }
}

#[test]
fn data_lie_in_the_network_folder_unless_another_is_named() {
    let site = Site::new();
    site.peer(&[]).terminate().ok();
    assert!(site.path("net/data/Org1MSP/ledger").is_dir());
}

#[test]
fn a_peer_in_memory_leaves_nothing() {
    let site = Site::new();
    let peer = site.peer(&["--in-memory"]);
    peer.deploy("probe");
    peer.terminate().ok();
    assert!(!site.path("net/data").exists());
    let peer = site.peer(&["--in-memory"]);
    assert_eq!(peer.run(&["chaincodes", "--installed", "--json"]).ok().json(), json!([]));
}

#[test]
fn requests_and_connections_have_the_bounds_that_are_given() {
    let site = Site::new();
    let peer = site.peer(&["--in-memory", "--request-mib", "1", "--connections", "1"]);
    peer.deploy("probe");
    // The same component, enlarged by a section without meaning.
    let padding = 2 << 20;
    let mut large = guest("probe");
    large.extend([0, 0x81, 0x80, 0x80, 0x01, 0]);
    large.resize(large.len() + padding, 0);
    fs::write(site.path("large.wasm"), large).unwrap();
    let refused = peer.run(&["deploy", "large.wasm", "--name", "large"]).failed(1);
    assert!(refused.contains("requests in progress may use 1048576 bytes together"), "{refused}");
    put(&peer, "k", "v");
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let site = Site::new();
    let peer = site.peer(&["--data", "data"]);
    peer.deploy("probe");
    let (sender, acknowledged) = mpsc::channel::<String>();
    let kept: Vec<String> = thread::scope(|scope| {
        let client: &Client<'_> = &peer;
        for writer in ["a", "b"] {
            let sender = sender.clone();
            // Continues until the peer has ended.
            scope.spawn(move || {
                for number in 0.. {
                    let key = format!("{writer}{number}");
                    let put = probe(client, "invoke", &["put", &key, &key]);
                    if put.code != Some(0) || sender.send(key).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let before: Vec<String> = acknowledged.iter().take(6).collect();
        peer.signal("KILL");
        before.into_iter().chain(acknowledged.iter()).collect()
    });
    let killed = peer.end();
    assert_eq!(killed.code, None, "{killed:?}");
    let peer = site.peer(&["--data", "data"]);
    for key in &kept {
        assert_eq!(get(&peer, key), key.as_str());
    }
    put(&peer, "after", "all");
    assert_eq!(get(&peer, "after"), "all");
}

#[test]
fn a_chaincode_is_not_compiled_again_after_a_restart() {
    let site = Site::new();
    let peer = site.peer(&["--data", "data"]);
    peer.deploy("probe");
    peer.terminate().ok();
    let [file] = &compiled(&site)[..] else { panic!("{:?}", compiled(&site)) };
    let inode = file.metadata().unwrap().ino();
    let peer = site.peer(&["--data", "data"]);
    assert_eq!(get(&peer, "k"), "");
    let log = peer.terminate().ok().err;
    assert!(log.contains("launched chaincode=probe:1.0"), "{log}");
    // Compiling writes a new file in its place.
    assert_eq!(compiled(&site), std::slice::from_ref(file));
    assert_eq!(file.metadata().unwrap().ino(), inode);
}

#[test]
fn compiled_code_that_is_damaged_is_compiled_again() {
    let site = Site::new();
    let peer = site.peer(&["--data", "data"]);
    peer.deploy("probe");
    peer.terminate().ok();
    let [file] = &compiled(&site)[..] else { panic!("{:?}", compiled(&site)) };
    let whole = fs::read(file).unwrap();
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    fs::write(file, damaged).unwrap();
    let peer = site.peer(&["--data", "data"]);
    assert_eq!(get(&peer, "k"), "");
    let log = peer.terminate().ok().err;
    assert!(log.contains("compiled code is damaged, compiling again"), "{log}");
    assert_eq!(fs::read(file).unwrap(), whole);
}

#[test]
fn a_second_peer_on_the_same_data_is_refused() {
    let site = Site::new();
    let first = site.peer(&["--data", "data"]);
    let Err(second) = site.try_peer(&["--data", "data"]) else { panic!("it runs") };
    let said = second.failed(1);
    assert!(said.contains("cannot open the ledgers in data"), "{said}");
    assert!(said.contains("is open already"), "{said}");
    first.deploy("probe");
    let taken = ["peer", "--in-memory", "--listen", first.address()];
    let said = site.run(&taken).failed(1);
    let expected = format!("cannot listen on {0}: choose another", first.address());
    assert!(said.contains(&expected), "{said}");
}

#[test]
fn a_peer_listens_at_most_once_for_each_organization() {
    let site = Site::new();
    let Err(ended) = site.try_peer(&["--in-memory", "--listen", "127.0.0.1:0"]) else {
        panic!("it runs");
    };
    let said = ended.failed(1);
    assert!(said.contains("2 addresses to listen on, but 1 organizations: add --org"), "{said}");
}

#[test]
fn a_peer_says_what_is_wrong_with_its_folders() {
    let site = Site::new();
    let start = |args: &[&str]| match site.try_peer(args) {
        Ok(_) => panic!("it runs with {args:?}"),
        Err(ended) => ended.failed(1),
    };
    let said = start(&["--network", "nothing"]);
    assert!(said.contains("make one with `wasmcc network nothing`"), "{said}");
    let said = start(&["--org", "Org9MSP"]);
    assert!(said.contains("it has Org1MSP"), "{said}");
    let said = start(&["--in-memory", "--channel", "Not A Channel"]);
    assert!(said.contains("Not A Channel"), "{said}");
    fs::write(site.path("file"), b"").unwrap();
    let said = start(&["--data", "file"]);
    assert!(said.contains("cannot open the ledgers in file"), "{said}");
    let peer = "net/peerOrganizations/org1.example.com/peers/peer0.org1.example.com/msp";
    fs::remove_dir_all(site.path(peer).join("keystore")).unwrap();
    let said = start(&["--in-memory"]);
    assert!(said.contains(&format!("{peer}/keystore")), "{said}");
}

#[test]
fn a_peer_that_is_told_to_end_sends_home_who_waits() {
    let site = Site::new();
    // No block is cut before its second transaction, which never arrives.
    let slow = ["--in-memory", "--max-message-count", "2", "--batch-timeout", "1h"];
    let peer = site.try_peer(&slow).unwrap();
    let file = guest_path("probe").to_str().unwrap();
    let mut deploy = peer.start(&["deploy", file, "--name", "probe", "--timeout", "1h"]);
    deploy.wait_for_line("waiting for the block");
    peer.terminate().ok();
    let said = deploy.end().failed(1);
    assert!(said.contains("is ordered, its verdict is unknown"), "{said}");
}

#[test]
fn a_policy_that_is_not_satisfied_is_told_to_the_client_and_by_the_ledger() {
    let site = Site::new();
    let peer = site.peer(&["--data", "data"]);
    let policy = "AND('Org1MSP.peer','Org1MSP.admin')";
    let file = guest_path("probe").to_str().unwrap();
    peer.run(&["deploy", file, "--name", "probe", "--policy", policy]).ok();
    let said = probe(&peer, "invoke", &["put", "k", "v"]).failed(1);
    let expected = "no combination of peers can be derived which satisfy the endorsement policy";
    assert!(said.contains(expected), "{said}");
    assert_eq!(peer.run(&["block", "latest"]).ok().json()["number"], 1, "nothing was ordered");
    // A client that names endorsers gets exactly these.
    let call = json!({ "Args": ["put", "k", "v"] }).to_string();
    let one = ["--endorser", "Org1MSP", "--json"];
    let put = peer.run(&[&["invoke", "-n", "probe", "-c", &call][..], &one].concat());
    let told = put.json();
    assert_eq!((put.code, &told["status"]), (Some(1), &json!("ENDORSEMENT_POLICY_FAILURE")));
    let reason = "chaincode probe: VSCC error: policy evaluation failed, err signature set did not \
                  satisfy policy; the policy is AND('Org1MSP.peer', 'Org1MSP.admin'), endorsed by \
                  peer0.org1.example.com of Org1MSP";
    assert_eq!(told["reason"], reason);
    peer.terminate().ok();
    let tx_id = told["tx_id"].as_str().unwrap();
    let found = site.run(&["inspect", "tx", tx_id, "--data", "data", "--json"]).ok().json();
    assert_eq!(found[0]["reason"], reason);
    let found = site.run(&["inspect", "tx", tx_id, "--data", "data"]).ok().out;
    assert!(found.contains("ENDORSEMENT_POLICY_FAILURE\n  chaincode probe: VSCC error"), "{found}");
}

#[test]
fn a_peer_may_be_without_rich_queries() {
    let site = Site::new();
    let query = ["query", r#"{"selector":{"n":1}}"#];
    for (args, answer) in [
        (&["--in-memory"][..], Ok(json!("k={\"n\":1}\n"))),
        (&["--in-memory", "--no-rich-queries"], Err("ExecuteQuery not supported for leveldb")),
    ] {
        let peer = site.peer(args);
        peer.deploy("probe");
        put(&peer, "k", r#"{"n":1}"#);
        let found = probe(&peer, "query", &query);
        match answer {
            Ok(rows) => {
                assert_eq!(found.ok().json()["payload"], rows);
                let said = probe(&peer, "invoke", &["put", "_k", "v"]).failed(1);
                assert!(said.contains(r#"invalid key [_k], cannot begin with "_""#), "{said}");
            }
            Err(text) => {
                let said = found.failed(1);
                assert!(said.contains(text), "{said}");
                put(&peer, "_k", "v");
            }
        }
    }
}

#[test]
fn in_development_a_read_of_an_own_write_is_warned_of() {
    let site = Site::new();
    let warning = "the transaction read a key after writing it";
    for (args, warns) in
        [(&["--in-memory", "--chaincode-dev"][..], true), (&["--in-memory"], false)]
    {
        let peer = site.peer(args);
        peer.deploy("probe");
        probe(&peer, "query", &["putread", "the-key", "v"]).ok();
        let log = peer.terminate().ok().err;
        assert_eq!(log.contains(warning), warns, "{log}");
        assert_eq!(log.contains("the-key"), warns, "{log}");
    }
}

#[test]
fn a_client_waits_for_a_peer_that_starts() {
    let site = Site::new();
    // A port that is free now, and probably also in a moment.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = address.to_string();
    let mut early = site.start_at(&address, &["channels"]);
    early.wait_for_line(&format!("waiting for a peer at {address}"));
    let peer = site.start_at(&address, &["peer", "--in-memory", "--listen", &address]);
    assert_eq!(early.end().ok().out, "mychannel\n");
    drop(peer);
    let said = site.run(&["channels", "--peer", &address, "--timeout", "1ms"]).failed(1);
    assert!(said.contains("no peer answers"), "{said}");
}
