//! Commands for Fabric's `peer`: the verbs accept their forms and options.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
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
    let installed = ["lifecycle", "chaincode", "queryinstalled"];
    peer.run(&[&installed[..], &["--peerAddresses", first], &fabric[..6]].concat()).ok();
    let twice = peer.run(&[&installed[..], &both[fabric.len()..]].concat()).failed(2);
    assert!(twice.contains("give --peerAddresses once"), "{twice}");
    let files = [&one[..], &["--tlsRootCertFiles", "a.pem", "--tlsRootCertFiles", "b.pem"]];
    let refused = probe(&peer, "invoke", &put, &files.concat()).failed(2);
    assert!(refused.contains("1 peers by --peerAddresses, but 2 files"), "{refused}");
}

/// The variables of the scripts of Fabric's test network.
#[test]
fn the_variables_of_fabrics_peer_select_peer_and_signer() {
    let site = Site::of_two();
    let listen = ["--listen", "127.0.0.1:0", "--in-memory", "--tls"];
    let peer = site.peer(&[&["--org", "Org1MSP", "--org", "Org2MSP"][..], &listen].concat());
    let path = wasmcc_tests::guest_path("probe").to_str().unwrap();
    peer.run(&["deploy", path, "--name", "probe", "--tls"]).ok();

    let org = |name: &str| site.path(&format!("net/peerOrganizations/{name}.example.com"));
    let (org1, org2) = (org("org1"), org("org2"));
    let user = |org: &Path, user: &str| {
        let domain = org.file_name().unwrap().to_str().unwrap();
        org.join(format!("users/{user}@{domain}/msp"))
    };
    let creator = |msp_id: &str, address: &str, msp: &Path, root: &Path, flags: &[&str]| {
        let variables = [
            // The variables suffice.
            ("WASMCC_NETWORK", ""),
            ("CORE_PEER_TLS_ENABLED", "true"),
            ("CORE_PEER_LOCALMSPID", msp_id),
            ("CORE_PEER_ADDRESS", address),
            ("CORE_PEER_MSPCONFIGPATH", msp.to_str().unwrap()),
            ("CORE_PEER_TLS_ROOTCERT_FILE", root.to_str().unwrap()),
        ];
        let query = ["query", "-n", "probe", "-c", r#"{"Args":["creator"]}"#, "-x"];
        site.run_with(&variables, &[&query, flags].concat())
    };
    let ca = |org: &Path| {
        let domain = org.file_name().unwrap().to_str().unwrap();
        org.join(format!("peers/peer0.{domain}/tls/ca.crt"))
    };
    let certificate = |msp: &Path| {
        let files = fs::read_dir(msp.join("signcerts")).unwrap();
        let file = files.map(|entry| entry.unwrap().path()).next().unwrap();
        fs::read(file).unwrap().iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let second = peer.other(0).address();
    for (msp_id, address, org) in [("Org1MSP", peer.address(), &org1), ("Org2MSP", second, &org2)] {
        let msp = user(org, "User2");
        let asked = creator(msp_id, address, &msp, &ca(org), &[]).ok().out;
        assert!(asked.contains(&certificate(&msp)), "{msp_id}: {asked}");
    }
    // A flag selects another user.
    let flags = ["--network", "net", "--user", "User1"];
    let asked = creator("Org2MSP", second, &user(&org2, "User2"), &ca(&org2), &flags).ok().out;
    assert!(asked.contains(&certificate(&user(&org2, "User1"))), "{asked}");
    // A file without an address is for the peer of the variable.
    let (own, other) = (ca(&org2), ca(&org1));
    let file = ["--tlsRootCertFiles", own.to_str().unwrap()];
    for address in [&[][..], &["--peerAddresses", ""]] {
        let flags = [address, &file].concat();
        creator("Org2MSP", second, &user(&org2, "User2"), &other, &flags).ok();
    }

    let msp = user(&org1, "User2");
    for (msp_id, address, msp, root, expected) in [
        ("Org1MSP", second, &*msp, &*ca(&org1), "the CA of CORE_PEER_TLS_ROOTCERT_FILE"),
        ("Org2MSP", second, &msp, &ca(&org2), "Is --msp (CORE_PEER_MSPCONFIGPATH) a folder of"),
        ("", second, &msp, &ca(&org2), "needs its MSP id: give --org, or set CORE_PEER_LOCALMSPID"),
        ("Org1MSP", second, &org1, &ca(&org2), "cannot sign with the MSP folder"),
    ] {
        let run = creator(msp_id, address, msp, root, &[]);
        assert_ne!(run.code, Some(0));
        assert!(run.err.contains(expected), "{}", run.err);
    }
}

#[test]
fn what_a_chaincode_says_arrives_as_it_said_it() {
    let site = Site::new();
    let peer = site.peer(&["--in-memory"]);
    peer.deploy("probe");

    // More than fits into a header in many HTTP/2 libraries.
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
    // The cost in the endorser's report: the chaincode also called its peer for its arguments.
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

    // A follower ends with its reader, even if nothing more happens.
    let mut events = peer.start(&["events", "-n", "probe", "--from", "0", "--json"]);
    let first: Value = serde_json::from_str(&events.first_line()).unwrap();
    assert_eq!(first["name"], "created");
    events.end().ok();

    // A control character that must not reach a terminal, but must reach a pipe.
    probe(&peer, "invoke", &["put", "k", "\u{85}"], &[]).ok();
    assert_eq!(probe(&peer, "query", &["get", "k"], &[]).ok().out, "\u{85}\n");
    assert_eq!(probe(&peer, "query", &["get", "k"], &["--raw"]).ok().out, "\u{85}");
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
fn an_empty_text_is_none() {
    let site = Site::new();
    let peer = site.peer(&["--in-memory"]);
    let verb = |name: &'static str| ["lifecycle", "chaincode", name];
    let definition = ["-n", "probe", "--version", "1", "--sequence", "1"];
    let empty = ["--signature-policy", "", "--channel-config-policy", ""];
    let none = ["--collections-config", "", "--package-id", ""];
    let approve = [&verb("approveformyorg")[..], &definition, &empty, &none].concat();
    let said = peer.run(&approve).ok().err;
    assert!(!said.contains("the peer has no package"), "{said}");
    let ready = [&verb("checkcommitreadiness")[..], &definition, &["--output", "json"]].concat();
    assert_eq!(peer.run(&ready).ok().json()["approvals"]["Org1MSP"], true);
    let two = ["--signature-policy", "OR('Org1MSP.peer')", "--channel-config-policy", "/Channel/A"];
    let refused = peer.run(&[&verb("approveformyorg")[..], &definition, &two].concat()).failed(2);
    assert!(refused.contains("not both"), "{refused}");
}
