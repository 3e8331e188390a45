//! Replays one past transaction with its calls.

use std::fs;

use serde_json::{Value, json};
use wasmcc_tests::guest_path;
use wasmcc_tests::past::{golden_blocks, write_blocks};
use wasmcc_tests::program::{Client, Run, Site};

/// Invokes `probe`; returns the transaction's id.
fn invoke(peer: &Client<'_>, args: &[&str]) -> String {
    peer.invoke("probe", args)["tx_id"].as_str().unwrap().to_owned()
}

fn calls(replayed: &Value) -> Vec<&str> {
    let calls = replayed["calls"].as_array().unwrap();
    calls.iter().map(|call| call["call"].as_str().unwrap()).collect()
}

/// Removes the times of calls, which differ in each run.
fn without_times(mut replayed: Value) -> Value {
    for call in replayed["calls"].as_array_mut().unwrap() {
        assert!(call.as_object_mut().unwrap().remove("us").unwrap().is_u64());
    }
    replayed
}

fn component(name: &str) -> String {
    format!("{name}={}", guest_path(name).display())
}

#[test]
fn a_transaction_runs_again_from_the_packages_of_its_peer() {
    let site = Site::new();
    let peer = site.peer(&["--data", "data"]);
    peer.deploy("probe");
    invoke(&peer, &["put", "k", "v"]);
    let tx = invoke(&peer, &["rmw", "k", "+"]);
    let probe = component("probe");
    let running = peer.run(&["replay", &tx, "--component", &probe, "--json"]).ok().json();
    // The replay measures the same as the endorser.
    let receipt = peer.run(&["block", &tx]).ok().json();
    assert_eq!(receipt["transactions"][0]["tx_id"], tx);
    let none = peer.run(&["replay", &tx]).failed(1);
    assert!(none.contains("--component probe=FILE"), "{none}");
    peer.terminate().ok();

    let replayed = site.run(&["replay", &tx, "--data", "data", "--json"]).ok().json();
    assert_eq!(without_times(replayed.clone()), without_times(running));
    assert_eq!(replayed["result"], "same");
    assert_eq!((&replayed["code"], &replayed["height"]), (&json!("VALID"), &json!(3)));
    assert_eq!(calls(&replayed), ["get-state", "put-state"]);
    let read = &replayed["calls"][0];
    assert_eq!((&read["arguments"]["key"], &read["answer"]), (&json!("k"), &json!("v")));
    let fuel: Vec<u64> = ["/calls/0/fuel", "/calls/1/fuel", "/fuel"]
        .map(|at| replayed.pointer(at).unwrap().as_u64().unwrap())
        .to_vec();
    assert!(fuel.is_sorted() && fuel[0] > 0, "{fuel:?}");

    let text = site.run(&["replay", "3:0", "--data", "data"]).ok().out;
    assert!(text.contains("probe get-state key=\"k\" -> v\n"), "{text}");
    assert!(text.contains("same: response, event and read-write set are as endorsed"), "{text}");
    let with = guest_path("transfer").to_str().unwrap();
    let other = site.run(&["replay", &tx, "--data", "data", "--with", with, "--json"]).ok();
    let other = other.json();
    assert_eq!(other["result"], "differs");
    assert_eq!(other["response"]["status"], 500);
    let differs = other["differences"].as_array().unwrap();
    let write = differs.iter().find(|it| it["what"] == "write of probe/k").unwrap();
    assert_eq!((&write["endorsed"], &write["now"]), (&json!("\"v+\""), &json!("nothing")));
}

#[test]
fn a_chaincode_of_lifecycle_runs_from_its_package_and_calls_another() {
    let site = Site::new();
    let peer = site.peer(&["--data", "data"]);
    let path = guest_path("probe").to_str().unwrap();
    for name in ["probe", "callee"] {
        peer.run(&["deploy", path, "--name", name, "--lifecycle"]).ok();
    }
    let tx = invoke(&peer, &["cc2cc", "callee", "put", "k", "v"]);
    peer.terminate().ok();
    let replayed = site.run(&["replay", &tx, "--data", "data", "--json"]).ok().json();
    assert_eq!(replayed["result"], "same", "{replayed:#}");
    assert_eq!(calls(&replayed), ["invoke-chaincode", "put-state"]);
    let depths = replayed["calls"].as_array().unwrap().iter().map(|call| &call["depth"]);
    assert_eq!(depths.collect::<Vec<_>>(), [0, 1]);
    assert_eq!(replayed["calls"][1]["chaincode"], "callee");
}

#[test]
fn transient_data_are_named_and_may_be_brought() {
    let site = Site::new();
    write_blocks(&site.path("golden.blocks"), &golden_blocks());
    let vec = component("vec");
    let replay = |tx: &str, more: &[&str]| -> Run {
        let words = ["replay", tx, "--component", &vec, "--blocks", "golden.blocks"];
        site.run(&[&words[..], &["--no-rich-queries", "--json"], more].concat())
    };
    let unknown = replay("25:0", &[]).ok().json();
    assert_eq!(unknown["result"], "unknown");
    assert_eq!(unknown["reasons"], json!(["it reads transient data, which no block holds"]));
    let brought = replay("25:0", &["--transient", r#"{"v":"c2VjcmV0LTE="}"#]).ok().json();
    assert_eq!(brought["result"], "same");
    let offered = json!(["it reads transient data that were offered, not recorded: v"]);
    assert_eq!((&brought["reasons"], &brought["offered_transient"]["v"]), (&offered, &json!(8)));
    let as_text = replay("25:0", &["--offer", "v=secret-1"]).ok().json();
    assert_eq!((&as_text["result"], &as_text["reasons"]), (&json!("same"), &offered));
    // The offered values are unproven, so the endorser is not accused of an error.
    let wrong = replay("25:0", &["--offer", "v=other"]).ok().json();
    assert_eq!((&wrong["result"], &wrong["reasons"]), (&json!("unknown"), &offered));
    replay("25:0", &["--offer", "v=1", "--offer", "v=2"]).failed(1);
    replay("25:0", &["--offer", "v"]).failed(2);
    let private = replay("28:0", &[]).ok().json();
    assert_eq!(private["result"], "unknown");
    let reason = "it reads private data of vec/collA that are missing here";
    assert_eq!(private["reasons"], json!([reason]));
    let called = replay("9:0", &[]);
    assert!(matches!(called.code, Some(0 | 1)), "{called:?}");
}

#[test]
fn every_transaction_that_lost_in_the_captured_channel_comes_out_the_same() {
    let site = Site::new();
    write_blocks(&site.path("golden.blocks"), &golden_blocks());
    let vec = component("vec");
    let mut lost = Vec::new();
    for block in golden_blocks() {
        let number = block.header.as_ref().unwrap().number;
        let codes = wasmcc_ledger::tx_filter(&block).to_vec();
        let lost_here = codes.iter().enumerate().filter(|(_, code)| **code != 0 && **code != 254);
        lost.extend(lost_here.map(|(at, code)| (format!("{number}:{at}"), *code)));
    }
    let (mut same, mut of_others) = (0, 0);
    for (tx, code) in &lost {
        let words = ["replay", tx, "--component", &vec, "--blocks", "golden.blocks", "--json"];
        let run = site.run(&[&words[..], &["--no-rich-queries"]].concat());
        match run.code {
            Some(0) => {
                let replayed = run.json();
                assert_eq!(replayed["result"], "same", "{tx} ({code}): {replayed:#}");
                same += 1;
            }
            // Another chaincode's transaction, for which no component is given.
            _ => {
                let error = run.json()["error"].as_str().unwrap().to_owned();
                let is_other = error.contains("give the component of chaincode");
                assert!(is_other || error.contains("are not run again"), "{tx}: {error}");
                of_others += 1;
            }
        }
    }
    assert_eq!((same, of_others), (4, 4));
}

#[test]
fn what_cannot_be_replayed_is_refused_with_the_reason() {
    let site = Site::new();
    write_blocks(&site.path("golden.blocks"), &golden_blocks());
    let (vec, none) = (component("vec"), "0".repeat(64));
    fs::write(site.path("text.wasm"), "no component").unwrap();
    for (tx, component, expected) in [
        (none.as_str(), vec.as_str(), "the channel has no transaction 0000"),
        ("99:0", &vec, "the channel has no block 99, or no transaction 0 in it"),
        ("4:9", &vec, "the channel has no block 4, or no transaction 9 in it"),
        ("0:0", &vec, "it is not a transaction of a chaincode"),
        ("10:0", &vec, "it is a transaction of _lifecycle"),
        ("20:0", "vec=text.wasm", "neither a component nor an install package"),
        ("20:0", "vec:9=VEC", "no component stands in for version 1 of chaincode vec"),
    ] {
        let component = component.replace("VEC", guest_path("vec").to_str().unwrap());
        let words = ["replay", tx, "--component", &component, "--blocks", "golden.blocks"];
        let run = site.run(&[&words[..], &["--no-rich-queries"]].concat());
        assert_eq!(run.code, Some(1), "{tx}: {run:?}");
        let said = format!("{}{}", run.out, run.err);
        assert!(said.contains(expected), "{tx}: {said}");
    }
    let nowhere = site.run(&["replay", "1:0", "--component", &vec, "--data", "gone"]).failed(1);
    assert!(nowhere.contains("there is no ledger in"), "{nowhere}");
}
