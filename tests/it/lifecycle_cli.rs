//! `wasmcc lifecycle chaincode`, used like Fabric's `peer lifecycle chaincode`.

use std::fs;

use serde_json::json;
use wasmcc_tests::guest_path;
use wasmcc_tests::program::{Client, Run, Site};

fn chaincode(peer: &Client<'_>, verb: &str, more: &[&str]) -> Run {
    peer.run(&[&["lifecycle", "chaincode", verb], more].concat())
}

fn definition<'a>(version: &'a str, sequence: &'a str) -> [&'a str; 6] {
    ["-n", "probe", "--version", version, "--sequence", sequence]
}

fn package(site: &Site, label: &str) -> String {
    let probe = guest_path("probe").to_str().unwrap();
    let file = format!("{label}.tgz");
    site.run(&["package", probe, "--label", label, "-o", &file]).ok().out.trim().to_owned()
}

#[test]
fn a_chaincode_goes_through_its_life_and_outlives_the_peers_process() {
    let site = Site::new();
    let id = package(&site, "probe_1");
    let peer = site.peer(&["--data", "data"]);
    let calculated = chaincode(&peer, "calculatepackageid", &["probe_1.tgz"]).ok().out;
    assert_eq!(calculated.trim(), id);
    let installed = chaincode(&peer, "install", &["probe_1.tgz"]).ok().out;
    assert_eq!(installed, format!("Chaincode code package identifier: {id}\n"));
    let again = chaincode(&peer, "install", &["probe_1.tgz"]).failed(1);
    assert!(again.contains("chaincode already successfully installed"), "{again}");
    let list = chaincode(&peer, "queryinstalled", &[]).ok().out;
    assert_eq!(list, format!("Installed chaincodes on peer:\nPackage ID: {id}, Label: probe_1\n"));
    chaincode(&peer, "getinstalledpackage", &["--package-id", &id]).ok();
    let back = fs::read(site.path(&format!("{id}.tar.gz"))).unwrap();
    assert!(back == fs::read(site.path("probe_1.tgz")).unwrap());

    let first = [&definition("1.0", "1")[..], &["--init-required"]].concat();
    let ready = || chaincode(&peer, "checkcommitreadiness", &[&first[..], &["--inspect"]].concat());
    assert_eq!(
        ready().ok().out,
        "Chaincode definition for chaincode 'probe', version '1.0', sequence '1' on channel \
         'mychannel' approval status by org:\nOrg1MSP: false (mismatch: [ChaincodeParameters])\n"
    );
    let approve = [&first[..], &["--package-id", &id]].concat();
    let approved = chaincode(&peer, "approveformyorg", &approve).ok().out;
    assert!(approved.contains("committed with status (VALID)"), "{approved}");
    assert!(ready().ok().out.ends_with("Org1MSP: true\n"));
    let shown = chaincode(&peer, "queryapproved", &["-n", "probe"]).ok().out;
    assert!(shown.contains(&format!("init-required: true, package-id: {id}, ")), "{shown}");
    let named = [&first[..], &["--peerAddresses", peer.address()]].concat();
    let committed = chaincode(&peer, "commit", &named).ok().out;
    let end = format!("committed with status (VALID) at {}\n", peer.address());
    assert!(committed.ends_with(&end), "{committed}");
    assert_eq!(
        chaincode(&peer, "querycommitted", &["-n", "probe"]).ok().out,
        "Committed chaincode definition for chaincode 'probe' on channel 'mychannel':\nVersion: \
         1.0, Sequence: 1, Endorsement Plugin: escc, Validation Plugin: vscc, Approvals: [Org1MSP: \
         true]\n"
    );

    let invoke = |peer: &Client<'_>, more: &[&str], args: &[&str]| {
        let call = json!({ "Args": args }).to_string();
        peer.run(&[&["invoke", "-n", "probe", "-c", &call], more].concat())
    };
    let refused = invoke(&peer, &[], &["put", "k", "v"]).failed(1);
    assert!(refused.contains("must call as init first"), "{refused}");
    invoke(&peer, &["--isInit"], &["hello"]).ok();
    invoke(&peer, &[], &["put", "k", "v"]).ok();
    peer.terminate().ok();

    let peer = site.peer(&["--data", "data"]);
    let get = || peer.run(&["query", "-n", "probe", "-c", r#"{"Args":["get","k"]}"#]).ok().out;
    assert_eq!(get(), "v\n");
    let shown = chaincode(&peer, "queryapproved", &["-O", "json"]).ok().json();
    let shown = &shown["approved_chaincode_definitions"][0];
    assert_eq!(shown["source"]["Type"]["LocalPackage"]["package_id"], json!(id));
    let policy = "EiAvQ2hhbm5lbC9BcHBsaWNhdGlvbi9FbmRvcnNlbWVudA==";
    assert_eq!(shown["validation_parameter"], json!(policy));
    let second = package(&site, "probe_2");
    chaincode(&peer, "install", &["probe_2.tgz"]).ok();
    let next = definition("2.0", "2");
    let approve = [&next[..], &["--package-id", &second]].concat();
    chaincode(&peer, "approveformyorg", &approve).ok();
    chaincode(&peer, "commit", &next).ok();
    assert_eq!(get(), "v\n");
    let list = chaincode(&peer, "queryinstalled", &["--output", "json"]).ok().json();
    let used = json!({ "mychannel": { "chaincodes": [{ "name": "probe", "version": "2.0" }] } });
    assert_eq!(list["installed_chaincodes"][1]["references"], used);
    assert_eq!(list["installed_chaincodes"][0].get("references"), None);
    peer.terminate().ok();
}

#[test]
fn policies_and_collections_become_part_of_the_definition() {
    let site = Site::new();
    let collections = r#"[{"name": "c1", "policy": "OR('Org1MSP.member')", "maxPeerCount": 0,
        "requiredPeerCount": 0, "blockToLive": 3, "memberOnlyRead": true,
        "endorsementPolicy": {"channelConfigPolicy": "/Channel/Application/Endorsement"}}]"#;
    fs::write(site.path("collections.json"), collections).unwrap();
    let peer = site.peer(&["--in-memory"]);
    let more = ["--collections-config", "collections.json"];
    let policy = ["--signature-policy", "OR('Org1MSP.peer')"];
    let all = [&definition("1", "1")[..], &more, &policy].concat();
    chaincode(&peer, "approveformyorg", &all).ok();
    let other = [&definition("1", "1")[..], &more].concat();
    let ready = [&other[..], &["--inspect", "--output", "json"]].concat();
    let ready = chaincode(&peer, "checkcommitreadiness", &ready).ok().json();
    let item = "ValidationInfo (Check the ValidationParameter, ValidationPlugin)";
    let expected = json!({
        "approvals": { "Org1MSP": false },
        "mismatches": { "Org1MSP": { "items": [item] } },
    });
    assert_eq!(ready, expected);
    let refused = chaincode(&peer, "commit", &other).failed(1);
    assert!(refused.contains("not agreed to by this org"), "{refused}");
    chaincode(&peer, "commit", &all).ok();
    let found = chaincode(&peer, "querycommitted", &["-n", "probe", "-O", "json"]).ok().json();
    let config = &found["collections"]["config"][0]["Payload"]["StaticCollectionConfig"];
    // Base64 of the `msp.MSPRole` of the member.
    let identity = json!({ "principal": "CgdPcmcxTVNQ" });
    let rule = json!({ "NOutOf": { "n": 1, "rules": [{ "Type": { "SignedBy": 0 } }] } });
    let members = json!({ "identities": [identity], "rule": { "Type": rule } });
    let reference = "/Channel/Application/Endorsement";
    assert_eq!(
        config,
        &json!({
            "name": "c1",
            "member_orgs_policy": { "Payload": { "SignaturePolicy": members } },
            "block_to_live": 3,
            "member_only_read": true,
            "endorsement_policy": { "Type": { "ChannelConfigPolicyReference": reference } },
        })
    );
    let shown = peer.run(&["inspect", "chaincode", "probe"]).ok().out;
    let line = "  collection   c1: OR('Org1MSP.member'), data live 3 blocks, only members read, \
                endorsed by /Channel/Application/Endorsement\n";
    assert!(shown.contains(line), "{shown}");
    let named = ["--channel-config-policy", "/Channel/Application/Endorsement"];
    let next = [&definition("2", "2")[..], &named].concat();
    let refused = chaincode(&peer, "approveformyorg", &next).failed(1);
    let text = "the proposed collection config does not contain previously defined collections";
    assert!(refused.contains(text), "{refused}");
    chaincode(&peer, "approveformyorg", &[&next[..], &more].concat()).ok();
    let missing = chaincode(&peer, "querycommitted", &["-n", "nothing"]).failed(1);
    assert!(missing.contains("404: namespace nothing is not defined"), "{missing}");
    peer.terminate().ok();
}

#[test]
fn one_verb_deploys_by_lifecycle_for_all_organizations_of_a_peer() {
    let site = Site::of_two();
    let collections = r#"[{"name": "c1", "policy": "OR('Org1MSP.member')"}]"#;
    fs::write(site.path("collections.json"), collections).unwrap();
    let orgs = ["--org", "Org1MSP", "--org", "Org2MSP", "--in-memory"];
    let peer = site.peer(&orgs);
    let file = guest_path("probe").to_str().unwrap();
    let deploy =
        |more: &[&str]| peer.run(&[&["deploy", file, "--name", "probe"], more].concat()).ok().out;
    let policy = "AND('Org1MSP.peer','Org2MSP.peer')";
    let more = ["--lifecycle", "--policy", policy, "--collections-config", "collections.json"];
    // Two approvals and a commit.
    let done = "probe 1.0 runs on mychannel since block 3, as sequence 1\n";
    assert_eq!(deploy(&more), done);
    let defined = || {
        let shown = ["-n", "probe", "--output", "json"];
        chaincode(&peer, "querycommitted", &shown).ok().json()
    };
    let first = defined();
    assert_eq!(first["approvals"], json!({ "Org1MSP": true, "Org2MSP": true }));
    let put = json!({ "Args": ["put", "k", "v"] }).to_string();
    let put = ["invoke", "-n", "probe", "-c", &put, "--json"];
    let both = peer.run(&put).ok().json();
    assert_eq!(both["endorsements"].as_array().unwrap().len(), 2, "{both}");

    // Again, without _lifecycle, policy and collections in the arguments.
    assert!(deploy(&[]).ends_with(", as sequence 2\n"));
    let second = defined();
    assert_eq!((&second["version"], &second["sequence"]), (&json!("2.0"), &json!(2)));
    for kept in ["validation_parameter", "collections", "approvals"] {
        assert_eq!((&second[kept], second[kept].is_null()), (&first[kept], false), "{kept}");
    }
    peer.run(&put).ok();
    let again = deploy(&["--version", "2.0", "--policy", "OR('Org2MSP.peer')"]);
    assert!(again.starts_with("probe 2.0 runs on") && again.ends_with("sequence 3\n"), "{again}");
    assert_ne!(defined()["validation_parameter"], first["validation_parameter"]);

    let older = ["deploy", file, "--name", "older"];
    peer.run(&[&older[..], &more[1..]].concat()).ok();
    assert_eq!(peer.run(&["chaincodes"]).ok().out, "older 1.0\nprobe 2.0 sequence 3\n");
    let listed = peer.run(&["chaincodes", "--json"]).ok().json();
    assert_eq!(
        (&listed[0]["lifecycle"], &listed[1]["lifecycle"]),
        (&json!("lscc"), &json!("_lifecycle"))
    );
    let installed = peer.run(&["chaincodes", "--installed"]).ok().out;
    let lines: Vec<&str> = installed.lines().collect();
    assert!(lines.contains(&"older 1.0"), "{installed}");
    assert!(lines.iter().any(|line| line.starts_with("probe_1.0:")), "{installed}");

    // Chaincodes of LSCC stay unchanged.
    let taken = peer.run(&[&older[..], &["--lifecycle", "--json"]].concat()).ok().json();
    assert_eq!((&taken["version"], &taken["replaced"]), (&json!("2.0"), &json!("1.0")));
    let defined = chaincode(&peer, "querycommitted", &["-n", "older", "-O", "json"]).ok().json();
    for kept in ["validation_parameter", "collections"] {
        assert_eq!(defined[kept], first[kept], "{kept}");
    }
    peer.terminate().ok();
}

#[test]
fn a_deployment_by_lifecycle_calls_the_init_that_it_is_given() {
    let site = Site::new();
    let peer = site.peer(&["--in-memory"]);
    let file = guest_path("probe").to_str().unwrap();
    let init = json!({ "Args": ["hello"] }).to_string();
    let deploy = ["deploy", file, "--name", "probe", "--lifecycle"];
    peer.run(&[&deploy[..], &["-c", &init]].concat()).ok();
    let get = || peer.run(&["query", "-n", "probe", "-c", r#"{"Args":["get","init"]}"#]);
    assert_eq!(get().ok().out, "hello\n");
    // The definition still requires an init, once per version.
    let next = peer.run(&deploy[..4]).ok();
    assert!(next.err.contains("wasmcc invoke -n probe -C mychannel --isInit"), "{}", next.err);
    assert!(get().failed(1).contains("must call as init first"));
}

#[test]
fn an_approval_of_a_package_that_is_not_there_comes_with_a_warning() {
    let site = Site::new();
    let peer = site.peer(&["--in-memory"]);
    let approve = [&definition("1.0", "1")[..], &["--package-id", "probe_1:..."]].concat();
    let approved = chaincode(&peer, "approveformyorg", &approve).ok();
    assert!(approved.err.contains("the peer has no package probe_1:..."), "{}", approved.err);
    package(&site, "probe_1");
    chaincode(&peer, "commit", &definition("1.0", "1")).ok();
    // No peer has it, and the suggested command works.
    let call = ["query", "-n", "probe", "-c", r#"{"Args":["noop"]}"#];
    let refused = peer.run(&call).failed(1);
    let hint = "hint: deploy it: wasmcc deploy FILE --name probe -C mychannel";
    assert!(refused.contains("no peers available") && refused.contains(hint), "{refused}");
    let probe = guest_path("probe").to_str().unwrap();
    peer.run(&["deploy", probe, "--name", "probe", "-C", "mychannel"]).ok();
    peer.run(&call).ok();
}

#[test]
fn an_approval_at_another_organizations_address_is_told_as_committed() {
    let site = Site::of_two();
    let own = ["--listen", "127.0.0.1:0", "--in-memory"];
    let peer = site.peer(&[&["--org", "Org1MSP", "--org", "Org2MSP"][..], &own].concat());
    let approve = [&definition("1.0", "1")[..], &["--package-id", "probe_1:..."]].concat();
    let approve = [&approve[..], &["--org", "Org2MSP"]].concat();
    let approved = chaincode(&peer, "approveformyorg", &approve).ok();
    assert!(approved.out.contains("committed with status (VALID)"), "{}", approved.out);
    assert!(!approved.err.contains("creator org unknown"), "{}", approved.err);
}
