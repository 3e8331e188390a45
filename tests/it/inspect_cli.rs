//! `wasmcc inspect`: the same answers from a running peer, from its folder and from a file of its
//! blocks.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use wasmcc_tests::guest_path;
use wasmcc_tests::program::Site;
use wasmcc_types::{hex, sha256};

/// Returns the arguments of a query whose answer is JSON.
fn ask<'a>(words: &[&'a str]) -> Vec<&'a str> {
    [&["inspect"][..], words, &["--json"]].concat()
}

#[test]
fn a_peer_its_folder_and_its_blocks_show_the_same() {
    let site = Site::new();
    let peer = site.peer(&["--data", "data"]);
    peer.deploy_with_collection("probe", "open");
    peer.invoke("probe", &["put", "k1", "one"]);
    peer.invoke("probe", &["put", "k1", "two"]);
    peer.invoke("probe", &["comp", "color", "red", "k1", "c"]);
    peer.invoke("probe", &["pput", "open", "secret", "x"]);
    let tx = peer.invoke("probe", &["rmw", "k1", "+"]);
    let tx = tx["tx_id"].as_str().unwrap().to_owned();
    let asked: [&[&str]; 9] = [
        &["chain"],
        &["block", "latest"],
        &["block", "2"],
        &["tx", &tx],
        &["rwset", &tx],
        &["state", "probe"],
        &["state", "probe", "k", "--at", "2"],
        &["history", "probe", "k1"],
        &["chaincode"],
    ];
    let running: Vec<Value> = asked.iter().map(|words| peer.run(&ask(words)).ok().json()).collect();
    let hash = peer.run(&ask(&["private", "probe", "open", "secret"])).ok().json();
    let none = peer.run(&ask(&["private", "probe", "open"])).failed(1);
    assert!(none.contains("--data"), "{none}");
    peer.terminate().ok();

    site.run(&["ledger", "export", "my.blocks", "--data", "data"]).ok();
    for (words, running) in asked.iter().zip(&running) {
        for source in [["--data", "data"], ["--blocks", "my.blocks"]] {
            let found = site.run(&[&ask(words)[..], &source].concat()).ok().json();
            assert_eq!(&found, running, "{words:?} {source:?}");
        }
    }
    let [chain, newest, second, shown, rwset, state, before, history, chaincodes] = &running[..]
    else {
        panic!("nine answers")
    };
    assert_eq!((&chain["height"], &chain["organizations"]), (&json!(7), &json!(["Org1MSP"])));
    assert_eq!((&newest["number"], &second["number"]), (&json!(6), &json!(2)));
    assert_eq!(shown[0]["code"], "VALID");
    assert_eq!(shown[0]["details"]["input"], json!(["rmw", "k1", "+"]));
    let of_probe = rwset.as_array().unwrap().iter().find(|set| set["namespace"] == "probe");
    assert_eq!(of_probe.unwrap()["writes"][0], json!({ "key": "k1", "value": "two+" }));
    let keys: Vec<&Value> = state["keys"].as_array().unwrap().iter().map(|it| &it["key"]).collect();
    assert_eq!(keys, ["\\0color\\0red\\0k1\\0", "k1"]);
    assert_eq!((&before["keys"][0]["value"], &before["height"]), (&json!("one"), &json!(3)));
    let values: Vec<&Value> = history.as_array().unwrap().iter().map(|it| &it["value"]).collect();
    assert_eq!(values, ["two+", "two", "one"]);
    assert_eq!(chaincodes[0]["collections"][0]["name"], "open");

    let private = ["private", "probe", "open", "--data", "data"];
    let private = site.run(&ask(&private)).ok().json();
    assert_eq!(private["holder"], "Org1MSP");
    let key = &private["keys"][0];
    assert_eq!(
        (&key["key"], &key["value"], &key["current"]),
        (&json!("secret"), &json!("x"), &json!(true))
    );
    assert_eq!(hash["keys"][0]["value_hash"], key["value_hash"]);
    assert_eq!(hash["keys"][0]["value"], Value::Null);
}

#[test]
fn texts_are_for_people() {
    let site = Site::new();
    let peer = site.peer(&["--data", "data"]);
    peer.deploy("probe");
    peer.invoke("probe", &["put", "a", "1"]);
    peer.invoke("probe", &["comp", "color", "red", "c"]);
    peer.invoke("probe", &["put", "b", "1"]);
    peer.invoke("probe", &["put", "b", "2"]);
    peer.terminate().ok();
    let inspect = |words: &[&str]| {
        let run = site.run(&[&["inspect"][..], words, &["--data", "data"]].concat()).ok();
        format!("{}{}", run.out, run.err)
    };
    for (words, expected) in [
        (&["chain"][..], "mychannel: 6 blocks\n"),
        (&["block", "2"], "0: VALID "),
        (&["tx", "2:0"], "input      put, a, 1\n"),
        (&["rwset", "2:0"], "  write     a = 1\n"),
        (&["state", "probe", "a"], "a = 1\n  version 2:0\n"),
        (&["state", "probe", r"\0color\0"], "\\0color\\0red\\0 = c\n"),
        (&["state", "probe", "none"], "probe has no such key"),
        (&["state", "probe", "--limit", "1"], "--after"),
        (&["history", "probe", "a"], "block 2, "),
        (&["history", "probe", "b", "--limit", "1"], "there are older writes: --limit shows more"),
        (&["chaincode", "probe"], "policy       OR('Org1MSP.member')"),
    ] {
        let said = inspect(words);
        assert!(said.contains(expected), "{words:?}: {said}");
    }
    for (words, expected) in [
        (&["tx", &"0".repeat(64)][..], "has no transaction 0000"),
        (&["block", "99"], "the channel has no block 99"),
        (&["rwset", "0:0"], "no readable read-write set"),
        (&["history", "probe", "gone"], "no valid transaction has written key gone"),
        (&["chaincode", "gone"], "the channel has no chaincode gone"),
        (&["state", "probe", "--at", "99"], "but no block 99"),
    ] {
        let words = [&["inspect"][..], words, &["--data", "data"]].concat();
        let said = site.run(&words).failed(1);
        assert!(said.contains(expected), "{words:?}: {said}");
    }
}

#[test]
fn a_read_write_set_has_the_hashes_of_private_data() {
    let site = Site::new();
    let peer = site.peer(&["--data", "data"]);
    peer.deploy_with_collection("probe", "open");
    let call = |line: &str| peer.invoke("probe", &line.split(' ').collect::<Vec<_>>());
    call("then pput open a 1 ; pput open b 1 ; pput open c 1");
    let tx = call(
        "then pget open a ; pget open none ; pput open a 2 ; pdel open b ; ppurge open c ; \
         psetmeta open a Org1MSP",
    );
    peer.terminate().ok();
    let hash = |text: &str| hex(&sha256(text.as_bytes()));
    let [a, b, c, none, value] = ["a", "b", "c", "none", "2"].map(hash);
    let rwset = ["inspect", "rwset", tx["tx_id"].as_str().unwrap(), "--data", "data"];
    let sets = site.run(&[&rwset[..], &["--json"]].concat()).ok().json();
    let set = sets.as_array().unwrap().iter().find(|set| set["namespace"] == "probe").unwrap();
    assert_eq!(set["private_collections"], json!(["open"]));
    assert_eq!(
        set["private"],
        json!([{
            "collection": "open",
            "reads": [
                { "key_hash": a, "version": "2:0" },
                { "key_hash": none, "version": null },
            ],
            "writes": [
                { "key_hash": a, "value_hash": value },
                { "key_hash": b, "deleted": true },
                { "key_hash": c, "deleted": true, "purged": true },
            ],
            "metadata_writes": [{ "key_hash": a, "entries": ["VALIDATION_PARAMETER"] }],
        }])
    );
    let text = site.run(&rwset).ok().out;
    for line in [
        "  private   open\n".to_owned(),
        format!("    read      {a} (version 2:0)\n"),
        format!("    read      {none} (no such key)\n"),
        format!("    write     {a} = {value}\n"),
        format!("    delete    {b}\n"),
        format!("    purge     {c}\n"),
        format!("    metadata  {a} [\"VALIDATION_PARAMETER\"]\n"),
    ] {
        assert!(text.contains(&line), "{line}{text}");
    }
}

#[test]
fn a_limit_of_no_rows_is_refused() {
    let site = Site::new();
    for words in [["state", "probe", ""], ["history", "probe", "k"], ["private", "probe", "c"]] {
        let words = [&["inspect"][..], &words, &["--limit", "0"]].concat();
        let error = site.run(&words).failed(2);
        assert!(error.contains("'0' for '--limit"), "{error}");
    }
}

/// As after a crash: unwritten data of the state database are lost.
#[test]
fn a_state_that_lacks_the_last_blocks_is_made_again() {
    let site = Site::new();
    let peer = site.peer(&["--data", "data"]);
    peer.deploy_with_collection("probe", "open");
    peer.terminate().ok();
    let (state, old) = (site.path("data/ledger/state"), site.path("old"));
    copy(&state, &old);
    let peer = site.peer(&["--data", "data"]);
    peer.invoke("probe", &["put", "k", "v"]);
    peer.invoke("probe", &["pput", "open", "secret", "x"]);
    peer.terminate().ok();
    let ask = |words: &[&str]| site.run(&[&ask(words)[..], &["--data", "data"]].concat()).ok();
    let asked: [&[&str]; 5] = [
        &["state", "probe"],
        &["history", "probe", "k"],
        &["private", "probe", "open", "secret"],
        &["private", "probe", "open"],
        &["tx", "3:0"],
    ];
    let whole = asked.map(|words| ask(words).json());
    fs::remove_dir_all(&state).unwrap();
    fs::rename(&old, &state).unwrap();
    for (words, expected) in asked.iter().zip(&whole) {
        let run = ask(words);
        assert_eq!(&run.json(), expected, "{words:?}");
        let said = run.err.contains("the stored state lacks the last 2 of 4 blocks");
        assert_eq!(said, words[0] != "tx", "{}", run.err);
    }
    assert_eq!(whole[2]["keys"][0]["value"], "x");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

#[test]
fn a_component_shows_what_its_contract_says_of_itself() {
    let site = Site::new();
    let basic = guest_path("asset-transfer-basic").to_str().unwrap();
    let shown = site.run(&["inspect", basic, "--json"]).ok().json();
    assert_eq!(shown["accepted"], true);
    let contract = &shown["metadata"]["contracts"]["AssetTransfer"];
    assert!(contract["transactions"].as_array().unwrap().len() > 5, "{shown:#}");
    let text = site.run(&["inspect", basic]).ok().out;
    assert!(text.contains("AssetTransfer:TransferAsset(id, new_owner)"), "{text}");
    // A contract without the contract API has no metadata.
    let plain = site.run(&["inspect", guest_path("transfer").to_str().unwrap()]).ok().out;
    assert!(plain.contains("metadata          none: "), "{plain}");
    fs::write(site.path("text.wasm"), "no component").unwrap();
    let refused = site.run(&["inspect", "text.wasm"]).failed(1);
    assert!(refused.contains("text.wasm is refused"), "{refused}");
    let missing = site.run(&["inspect", "chian"]).failed(1);
    assert!(missing.contains("besides a file, these can be inspected: chain, block"), "{missing}");
}
