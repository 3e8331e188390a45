//! `wasmcc channel`: reads, changes and applies a configuration, on a peer that serves.

use std::fs;

use serde_json::{Value, json};
use wasmcc_tests::program::{Client, Run, Site};

/// Edits the current configuration; `senders` sign the update, and the last one submits it.
fn change(site: &Site, peer: &Client<'_>, senders: &[&str], edit: impl FnOnce(&mut Value)) -> Run {
    let mut config = peer.run(&["channel", "config"]).ok().json();
    peer.run(&["channel", "fetch", "config", "config.block"]).ok();
    edit(&mut config["channel_group"]);
    fs::write(site.path("new.json"), config.to_string()).unwrap();
    let compute = ["channel", "compute-update", "config.block", "new.json", "-o", "update.pb"];
    site.run(&compute).ok();
    let (sender, signers) = senders.split_last().unwrap();
    for org in signers {
        site.run(&["channel", "signconfigtx", "update.pb", "--org", org]).ok();
    }
    peer.run(&["channel", "update", "update.pb", "--org", sender])
}

fn put(peer: &Client<'_>, org: &str) -> Run {
    let input = json!({ "Args": ["put", "key", org] }).to_string();
    peer.run(&["invoke", "-n", "probe", "-c", &input, "--json", "--org", org])
}

/// Waits until the configuration has this sequence: a transaction's effect comes a block later.
fn wait_for(peer: &Client<'_>, sequence: u64) {
    put(peer, "Org1MSP").ok();
    let config = peer.run(&["channel", "config"]).ok().json();
    assert_eq!(config["sequence"], sequence);
}

#[test]
fn a_batch_size_is_changed_and_survives_a_restart() {
    let site = Site::new();
    let peer = site.peer(&["--data", "data"]);
    peer.deploy("probe");
    let edit = |root: &mut Value| {
        let size = &mut root["groups"]["Orderer"]["values"]["BatchSize"]["value"];
        size["max_message_count"] = json!(7);
    };
    // Only administrators of the orderer may do this.
    let refused = change(&site, &peer, &["Org1MSP"], edit).failed(1);
    let text = "BAD_REQUEST: error applying config update to existing channel 'mychannel': error \
                authorizing update: error validating DeltaSet: policy for [Value]  \
                /Channel/Orderer/BatchSize not satisfied";
    assert!(refused.contains(text), "{refused}");
    change(&site, &peer, &["OrdererMSP"], edit).ok();
    wait_for(&peer, 1);
    peer.terminate().ok();

    let peer = site.peer(&["--data", "data"]);
    let config = peer.run(&["channel", "config"]).ok().json();
    assert_eq!(config["sequence"], 1);
    let orderer = &config["channel_group"]["groups"]["Orderer"];
    assert_eq!(orderer["values"]["BatchSize"]["value"]["max_message_count"], 7);
    assert_eq!(orderer["values"]["BatchSize"]["version"], 1);
    // The same update is not valid a second time.
    let refused = peer.run(&["channel", "update", "update.pb", "--org", "OrdererMSP"]).failed(1);
    assert!(refused.contains("but key is at version 1"), "{refused}");
    peer.run(&["channel", "fetch", "oldest"]).ok();
    assert!(site.path("mychannel_oldest.block").is_file());
    peer.run(&["channel", "fetch", "2", "two.block"]).ok();
    let missing = peer.run(&["channel", "fetch", "99"]).failed(1);
    assert!(missing.contains("NOT_FOUND"), "{missing}");
    peer.terminate().ok();
    site.run(&["ledger", "verify", "--data", "data"]).ok();
}

#[test]
fn an_acl_takes_a_right_away_at_once() {
    let site = Site::new();
    let peer = site.peer(&["--in-memory"]);
    peer.deploy("probe");
    peer.run(&["block", "latest"]).ok();
    let edit = |root: &mut Value| {
        root["groups"]["Application"]["values"]["ACLs"] = json!({
            "mod_policy": "Admins",
            "value": { "qscc/GetBlockByNumber": "/Channel/Application/Admins" },
        });
    };
    change(&site, &peer, &["Org1MSP"], edit).ok();
    wait_for(&peer, 1);
    let denied = peer.run(&["block", "0"]).failed(1);
    assert!(denied.contains("failed evaluating policy on signed data"), "{denied}");
    peer.run(&["block", "0", "--user", "Admin"]).ok();
}

/// Every client that may call a chaincode may also make the peer read its definition.
#[test]
fn a_call_takes_no_right_to_read_the_definition() {
    let site = Site::new();
    let peer = site.peer(&["--in-memory"]);
    peer.deploy("probe");
    let edit = |root: &mut Value| {
        root["groups"]["Application"]["values"]["ACLs"] = json!({
            "mod_policy": "Admins",
            "value": { "lscc/GetChaincodeData": "/Channel/Application/Admins" },
        });
    };
    change(&site, &peer, &["Org1MSP"], edit).ok();
    wait_for(&peer, 1);
    put(&peer, "Org1MSP").ok();
    let ask = |more: &[&str]| {
        let args = ["query", "-n", "lscc", "-c", r#"{"Args":["getccdata","mychannel","probe"]}"#];
        peer.run(&[&args[..], more].concat())
    };
    let denied = ask(&[]).failed(1);
    assert!(denied.contains("access denied for [getccdata][mychannel]: "), "{denied}");
    ask(&["--user", "Admin", "--json"]).ok();
}

#[test]
fn acls_name_policies_of_the_application_group() {
    let site = Site::new();
    let peer = site.peer(&["--in-memory"]);
    peer.deploy("probe");
    let edit = |root: &mut Value| {
        let application = &mut root["groups"]["Application"];
        let own = json!({ "mod_policy": "Admins", "policy": "ANY Readers" });
        application["policies"]["MyReaders"] = own;
        application["values"]["ACLs"] = json!({
            "mod_policy": "Admins",
            "value": { "qscc/GetBlockByNumber": "MyReaders", "qscc/GetChainInfo": "Nobody" },
        });
    };
    change(&site, &peer, &["Org1MSP"], edit).ok();
    wait_for(&peer, 1);
    peer.run(&["block", "0"]).ok();
    let denied = peer.run(&["block", "latest"]).failed(1);
    let text = "failed evaluating policy on signed data during check policy \
                [/Channel/Application/Nobody]: [policy /Channel/Application/Nobody not found]";
    assert!(denied.contains(text), "{denied}");
}

#[test]
fn in_maintenance_mode_members_neither_transact_nor_read_at_the_orderer() {
    let site = Site::new();
    let peer = site.peer(&["--in-memory"]);
    peer.deploy("probe");
    let orderer = ["--org", "OrdererMSP", "--user", "Admin"];
    let fetch = ["channel", "fetch", "newest", "newest.block"];
    peer.run(&fetch).ok();
    let state = |root: &mut Value, state: &str| {
        let consensus = &mut root["groups"]["Orderer"]["values"]["ConsensusType"];
        consensus["value"]["state"] = json!(state);
    };
    change(&site, &peer, &["OrdererMSP"], |root| state(root, "STATE_MAINTENANCE")).ok();
    let sequence = || {
        let config = peer.run(&[&["channel", "config"], &orderer[..]].concat()).ok().json();
        config["sequence"].as_u64()
    };
    assert!((0..1_000).any(|_| sequence() == Some(1)), "the update is in a block");
    let refused = put(&peer, "Org1MSP").failed(1);
    assert!(refused.contains("normal transactions are rejected: maintenance mode"), "{refused}");
    let refused = peer.run(&fetch).failed(1);
    assert!(refused.contains("FORBIDDEN"), "{refused}");
    peer.run(&[&fetch[..], &orderer].concat()).ok();
}
