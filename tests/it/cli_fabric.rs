//! Commands written for Fabric's `peer`: the verbs take their forms and options.

use serde_json::json;
use wasmcc_tests::program::{Client, Run, Site};

/// A call of `probe`.
fn probe(peer: &Client<'_>, verb: &str, args: &[&str], options: &[&str]) -> Run {
    let input = json!({ "Args": args }).to_string();
    peer.run(&[&[verb, "-n", "probe", "-c", &input], options].concat())
}

#[test]
fn a_transaction_goes_to_the_peers_that_are_named() {
    let site = Site::of_two();
    let listen = ["--listen", "127.0.0.1:0", "--in-memory"];
    let peer = site.peer(&[&["--org", "Org1MSP", "--org", "Org2MSP"][..], &listen].concat());
    let path = wasmcc_tests::guest_path("probe").to_str().unwrap();
    let policy = "AND('Org1MSP.peer','Org2MSP.peer')";
    peer.run(&["deploy", path, "--name", "probe", "--policy", policy]).ok();

    let (first, second) = (peer.address(), peer.other(0).address());
    let fabric = [
        "-o",
        "localhost:7050",
        "--ordererTLSHostnameOverride",
        "orderer.example.com",
        "--cafile",
        "orderer.pem",
        "--waitForEvent",
        "--connTimeout",
        "3s",
    ];
    let both = [&fabric[..], &["--peerAddresses", first, "--peerAddresses", second]].concat();
    let put = ["put", "k", "v"];
    assert!(probe(&peer, "invoke", &put, &both).ok().out.starts_with("status   VALID\n"));
    let one = ["--peerAddresses", first];
    let refused = probe(&peer, "invoke", &put, &one).failed(1);
    assert!(refused.contains("ENDORSEMENT_POLICY_FAILURE"), "{refused}");
    let refused = probe(&peer, "invoke", &["status", "404", "gone"], &both).failed(1);
    let expected = format!("{first} does not endorse: probe answered 404: gone");
    assert!(refused.contains(&expected), "{refused}");
    let read = probe(&peer, "query", &["get", "k"], &["--peerAddresses", second]).ok();
    assert_eq!(read.out, "v\n");
    let twice = probe(&peer, "query", &["get", "k"], &both[fabric.len()..]).failed(2);
    assert!(twice.contains("give --peerAddresses once"), "{twice}");
    let files = [&one[..], &["--tlsRootCertFiles", "a.pem", "--tlsRootCertFiles", "b.pem"]];
    let refused = probe(&peer, "invoke", &put, &files.concat()).failed(2);
    assert!(refused.contains("1 peers by --peerAddresses, but 2 files"), "{refused}");
}

#[test]
fn what_a_chaincode_says_arrives_as_it_said_it() {
    let site = Site::new();
    let peer = site.peer(&["--in-memory"]);
    peer.deploy("probe");

    // More than a header has room for in many HTTP/2 libraries.
    let reason = "no such asset \u{e9}; ".repeat(4_000);
    for verb in ["query", "invoke"] {
        for options in [&[][..], &["--peerAddresses", peer.address()]] {
            let refused = probe(&peer, verb, &["status", "500", &reason], options).failed(1);
            assert!(refused.contains(&reason), "{verb} {options:?}: {} bytes", refused.len());
        }
    }
    let refused = probe(&peer, "query", &["status", "500", "broken"], &["--json"]);
    assert!(refused.json()["error"].as_str().unwrap().contains("broken"));
    refused.failed(1);

    let set = probe(&peer, "invoke", &["event", "created", "a1"], &["--json"]).ok().json();
    assert_eq!(set["event"], json!({ "name": "created", "payload": "a1" }));
    assert!(set["ms"].is_u64());
    // What it cost, as the one who endorsed it says: it called its peer for its arguments, too.
    let (fuel, calls) = (set["fuel"].as_u64().unwrap(), set["host_calls"].as_u64().unwrap());
    assert!(fuel > 1_000 && calls >= 2, "{set}");
    let endorsement = json!({ "msp_id": "Org1MSP", "fuel": fuel, "host_calls": calls });
    assert_eq!(set["endorsements"], json!([endorsement]));
    let text = probe(&peer, "invoke", &["event", "created", "a1"], &[]).ok().out;
    assert!(text.contains(&format!("\nfuel     {fuel} ({calls} calls to the peer)\n")), "{text}");
    for options in [&["--json"][..], &["--json", "--peerAddresses", peer.address()]] {
        let read = probe(&peer, "query", &["event", "created", "a1"], options).ok().json();
        assert_eq!((&read["fuel"], &read["host_calls"]), (&json!(fuel), &json!(calls)));
        assert!(read["ms"].is_u64());
    }

    // A control character that a terminal should not get, and a pipe should.
    probe(&peer, "invoke", &["put", "k", "\u{85}"], &[]).ok();
    assert_eq!(probe(&peer, "query", &["get", "k"], &[]).ok().out, "\u{85}\n");
    assert_eq!(probe(&peer, "query", &["get", "k"], &["--raw"]).ok().out, "\u{85}\n");
    assert_eq!(probe(&peer, "query", &["get", "k"], &["-x"]).ok().out, "c285\n");
}

#[test]
fn json_is_read_as_go_reads_it() {
    let site = Site::new();
    let peer = site.peer(&["--in-memory"]);
    peer.deploy("probe");
    let ask = |verb: &str, input: &str| peer.run(&[verb, "-n", "probe", "-c", input]);
    ask("invoke", r#"{"FUNCTION":"put","ARGS":["k","v"]}"#).ok();
    assert_eq!(ask("query", r#"{"function":"get","args":["k"]}"#).ok().out, "v\n");
    // Null is an empty text, which deletes the key.
    ask("invoke", r#"{"Args":["put","k",null]}"#).ok();
    assert_eq!(ask("query", r#"{"Args":["get","k"]}"#).ok().out, "\n");
    let noop = ["invoke", "-n", "probe", "-c", r#"{"Args":["noop"]}"#];
    peer.run(&[&noop[..], &["--transient", r#"{"k":"aGVs\nbG8="}"#]].concat()).ok();
}

#[test]
fn an_empty_policy_is_none() {
    let site = Site::new();
    let peer = site.peer(&["--in-memory"]);
    let verb = |name: &'static str| ["lifecycle", "chaincode", name];
    let definition = ["-n", "probe", "--version", "1", "--sequence", "1"];
    let empty = ["--signature-policy", "", "--channel-config-policy", ""];
    let approve = [&verb("approveformyorg")[..], &definition, &empty].concat();
    peer.run(&approve).ok();
    let ready = [&verb("checkcommitreadiness")[..], &definition, &["--output", "json"]].concat();
    assert_eq!(peer.run(&ready).ok().json()["approvals"]["Org1MSP"], true);
    let two = ["--signature-policy", "OR('Org1MSP.peer')", "--channel-config-policy", "/Channel/A"];
    let refused = peer.run(&[&verb("approveformyorg")[..], &definition, &two].concat()).failed(2);
    assert!(refused.contains("not both"), "{refused}");
}
