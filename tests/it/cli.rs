//! The command line: the output of each verb, and its errors.

use std::fs;

use serde_json::{Value, json};
use wasmcc_tests::guest_path;
use wasmcc_tests::program::{Run, Site};

const VERBS: [&str; 31] = [
    "dev",
    "down",
    "reset",
    "logs",
    "events",
    "new",
    "build",
    "test",
    "profile",
    "check",
    "network",
    "peer",
    "deploy",
    "lifecycle",
    "invoke",
    "query",
    "package",
    "serve",
    "builder",
    "channel",
    "channels",
    "chaincodes",
    "block",
    "ledger",
    "snapshot",
    "inspect",
    "replay",
    "audit",
    "config",
    "completions",
    "man",
];

/// Returns the path of a chaincode's component, as an argument.
fn component(name: &str) -> &'static str {
    guest_path(name).to_str().unwrap()
}

/// Returns an argument of `-c`.
fn call(args: &[&str]) -> String {
    json!({ "Args": args }).to_string()
}

/// Returns the arguments of a call of `probe`.
fn probe<'a>(verb: &'a str, input: &'a str) -> [&'a str; 5] {
    [verb, "-n", "probe", "-c", input]
}

fn names(list: &Value) -> Vec<&str> {
    let entries = list.as_array().unwrap().iter();
    entries.map(|entry| entry.as_str().unwrap_or_else(|| entry["name"].as_str().unwrap())).collect()
}

#[test]
fn every_verb_explains_itself_with_examples() {
    let site = Site::new();
    let all = site.run(&["--help"]).ok().out;
    let (_, listed) = all.split_once("Commands:\n").unwrap();
    let listed = listed.lines().take_while(|line| !line.is_empty());
    // Lines that continue a description are indented further.
    let listed = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let listed: Vec<&str> = listed.filter(|name| !name.is_empty()).collect();
    assert_eq!(listed, [&VERBS[..], &["help"]].concat());
    for verb in VERBS {
        let help = site.run(&["help", verb]).ok().out;
        assert!(help.contains("Examples:\n  wasmcc "), "{help}");
        assert!(help.contains(&format!("Usage: wasmcc {verb}")), "{help}");
    }
}

#[test]
fn wrong_arguments_are_told_apart_from_failures() {
    let site = Site::new();
    for args in [&["no-such-verb"][..], &["check"], &["query", "-n", "x"], &[]] {
        let said = site.run(args).failed(2);
        assert!(said.contains("Usage: "), "{said}");
    }
    let said = site.run(&probe("query", r#"{"Args":["get",5]}"#)).failed(2);
    assert!(said.contains("argument 2 is 5, not a string"), "{said}");
    assert!(said.contains(r#"expected {"Args":["function","argument"]}"#), "{said}");
    let input = call(&["noop"]);
    let transient = ["--transient", r#"{"price":"110"}"#];
    let said = site.run(&[&probe("invoke", &input)[..], &transient].concat()).failed(2);
    assert!(said.contains("the value of \"price\" is not base64"), "{said}");
    let file = component("probe");
    let said = site.run(&["deploy", file, "-n", "probe", "-P", "OR('Org1MSP.peer'"]).failed(2);
    assert!(said.contains("--policy") && said.contains("column 18: expected ','"), "{said}");
}

#[test]
fn a_network_is_made_once_and_has_the_users_it_was_asked_for() {
    let site = Site::new();
    let orgs = ["--org", "OneMSP:one.test", "--org", "TwoMSP:two.test", "--users", "1"];
    let made = site.run(&[&["network", "two"], &orgs[..]].concat()).ok();
    assert!(made.out.contains("OneMSP (one.test): peer0, Admin, User1\n"), "{}", made.out);
    assert!(made.out.contains("TwoMSP (two.test)"), "{}", made.out);
    assert!(made.out.ends_with("two is ready: wasmcc peer --network two\n"), "{}", made.out);
    let said = site.run(&["network", "two"]).failed(1);
    assert!(said.contains("two") && said.contains("exists"), "{said}");
    let said = site.run(&["network", "three", "--org", "OneMSP"]).failed(2);
    assert!(said.contains("OneMSP:") || said.contains("Org1MSP:org1.example.com"), "{said}");
    assert!(!site.path("three").exists());
}

#[test]
fn check_reports_what_a_component_may_do() {
    let site = Site::new();
    let report = site.run(&["check", component("asset-transfer-basic")]).ok();
    for part in ["is accepted", "capabilities      transaction, state", "sha256", "memory"] {
        assert!(report.out.contains(part), "{part} is not in {}", report.out);
    }
    let report = site.run(&["check", "--json", component("asset-transfer-basic")]).ok().json();
    let bytes = guest_path("asset-transfer-basic").metadata().unwrap().len();
    assert_eq!((&report["accepted"], &report["bytes"]), (&json!(true), &json!(bytes)));
    assert!(report["capabilities"].as_array().unwrap().contains(&json!("state")));
}

#[test]
fn check_refuses_what_a_peer_would_refuse() {
    let site = Site::new();
    let core_module = b"\0asm\x01\0\0\0";
    fs::write(site.path("core.wasm"), core_module).unwrap();
    fs::write(site.path("garbage.wasm"), b"not wasm").unwrap();
    fs::write(site.path("empty.wasm"), b"").unwrap();
    let whole = fs::read(guest_path("probe")).unwrap();
    fs::write(site.path("half.wasm"), &whole[..whole.len() / 2]).unwrap();
    for (file, reason) in [
        (component("sockets"), "wasi:sockets/"),
        ("core.wasm", "a core WebAssembly module, not a component"),
        ("garbage.wasm", "not a"),
        ("empty.wasm", ""),
        ("half.wasm", ""),
    ] {
        let said = site.run(&["check", file]).failed(1);
        assert!(said.contains(&format!("{file} is refused")) && said.contains(reason), "{said}");
        let refused = site.run(&["check", "--json", file]);
        assert_eq!(refused.json()["accepted"], false, "{file}");
        assert!(refused.json()["reason"].as_str().unwrap().contains(reason), "{file}");
        refused.failed(1);
    }
    let said = site.run(&["check", "nothing.wasm"]).failed(1);
    assert!(said.contains("cannot read nothing.wasm"), "{said}");
}

#[test]
fn a_contract_is_deployed_called_and_replaced() {
    let site = Site::new();
    let peer = site.peer(&["--in-memory"]);
    let file = component("probe");
    let deployed = peer.run(&["deploy", file, "--name", "probe"]).ok();
    assert_eq!(deployed.out, "probe 1.0 runs on mychannel since block 1\n");
    for step in ["installing probe 1.0 ...", "deploying probe 1.0", "waiting for the block"] {
        assert!(deployed.err.contains(step), "{step} is not in {}", deployed.err);
    }
    let invoked = peer.run(&probe("invoke", &call(&["put", "k", "v"]))).ok();
    let lines: Vec<&str> = invoked.out.lines().collect();
    assert_eq!((lines[0], lines[2]), ("status   VALID", "block    2"));
    assert_eq!(peer.run(&probe("query", &call(&["get", "k"]))).ok().out, "v\n");
    let upgrade = ["deploy", file, "--name", "probe", "--version", "next", "--json"];
    let init = call(&["a", "b"]);
    let upgraded = peer.run(&[&upgrade[..], &["-c", &init]].concat()).ok().json();
    assert_eq!((&upgraded["version"], &upgraded["replaced"]), (&json!("next"), &json!("1.0")));
    assert_eq!(peer.run(&probe("query", &call(&["get", "k"]))).ok().out, "v\n");
    assert_eq!(peer.run(&probe("query", &call(&["get", "init"]))).ok().out, "a b\n");
    let said = peer.run(&upgrade).failed(1);
    assert!(said.contains("runs version next already: choose another --version"), "{said}");
}

#[test]
fn a_deployment_goes_forward_and_keeps_what_it_is_not_told() {
    let site = Site::new();
    let peer = site.peer(&["--in-memory"]);
    let collections = r#"[{"name": "closed", "policy": "OR('Org1MSP.member')"}]"#;
    fs::write(site.path("collections.json"), collections).unwrap();
    let deploy = |more: &[&str]| {
        let usual = ["deploy", component("probe"), "--name", "probe", "--json"];
        let done = peer.run(&[&usual[..], more].concat()).ok().json();
        (done["replaced"].clone(), done["version"].clone())
    };
    // No one organization can satisfy both.
    let policy = ["-P", "AND('Org1MSP.peer','Org1MSP.admin')"];
    let more = [&policy[..], &["--collections-config", "collections.json"]].concat();
    assert_eq!(deploy(&more), (Value::Null, json!("1.0")));
    let put = || peer.run(&probe("invoke", &call(&["pput", "closed", "k", "v"])));
    let expected = "no combination of peers can be derived which satisfy the endorsement policy";
    assert!(put().failed(1).contains(expected));
    // The same bytes each time.
    assert_eq!(deploy(&[]), (json!("1.0"), json!("2.0")));
    assert_eq!(deploy(&[]), (json!("2.0"), json!("3.0")));
    assert_eq!(deploy(&[]), (json!("3.0"), json!("4.0")));
    assert!(put().failed(1).contains(expected));
    assert_eq!(deploy(&["-P", "OR('Org1MSP.peer')"]), (json!("4.0"), json!("5.0")));
    put().ok();
    // An explicit older version is installed.
    assert_eq!(deploy(&["--version", "2.0"]), (json!("5.0"), json!("2.0")));
    put().ok();
}

#[test]
fn a_bad_deployment_is_refused_and_changes_nothing() {
    let site = Site::new();
    let peer = site.peer(&["--in-memory"]);
    fs::write(site.path("garbage.wasm"), b"not wasm").unwrap();
    let said = peer.run(&["deploy", component("sockets"), "--name", "bad"]).failed(1);
    assert!(said.contains("wasi:sockets/"), "{said}");
    let said = peer.run(&["deploy", "garbage.wasm", "--name", "bad"]).failed(1);
    assert!(said.contains("not a"), "{said}");
    let said = peer.run(&["deploy", "nothing.wasm", "--name", "bad"]).failed(1);
    assert!(said.contains("cannot read nothing.wasm"), "{said}");
    let said = peer.run(&["deploy", component("probe"), "--name", "not a name"]).failed(1);
    assert!(said.contains("not a name"), "{said}");
    let user = ["deploy", component("probe"), "--name", "bad", "--user", "User1"];
    let said = peer.run(&user).failed(1);
    assert!(said.contains("sign as an admin: --user Admin"), "{said}");
    let fail = call(&["fail"]);
    let said = peer.run(&["deploy", component("probe"), "-n", "bad", "-c", &fail]).failed(1);
    assert!(said.contains("init failed"), "{said}");
    assert_eq!(peer.run(&["chaincodes", "--json"]).ok().json(), json!([]));
    let latest = peer.run(&["block", "latest"]).ok().json();
    assert_eq!(latest["number"], 0);
}

#[test]
fn lists_and_blocks_are_shown_as_text_and_json() {
    let site = Site::new();
    let peer = site.peer(&["--in-memory", "--channel", "mychannel", "--channel", "other"]);
    peer.deploy("probe");
    assert_eq!(peer.run(&["channels"]).ok().out, "mychannel\nother\n");
    assert_eq!(names(&peer.run(&["channels", "--json"]).ok().json()), ["mychannel", "other"]);
    assert_eq!(peer.run(&["chaincodes"]).ok().out, "probe 1.0\n");
    assert_eq!(names(&peer.run(&["chaincodes", "--json"]).ok().json()), ["probe"]);
    assert_eq!(peer.run(&["chaincodes", "-C", "other"]).ok().out, "");
    let installed = peer.run(&["chaincodes", "--installed", "--json"]).ok().json();
    assert_eq!(names(&installed), ["probe"]);
    let event = call(&["event", "made", "it"]);
    let json = ["--json", "--user", "User2"];
    let invoked = peer.run(&[&probe("invoke", &event)[..], &json].concat()).ok().json();
    assert_eq!((&invoked["status"], &invoked["block"]), (&json!("VALID"), &json!(2)));
    let tx_id = invoked["tx_id"].as_str().unwrap();
    for which in ["2", "latest", tx_id] {
        let block = peer.run(&["block", which]).ok().json();
        let tx = &block["transactions"][0];
        assert_eq!((&block["number"], &tx["validation"]), (&json!(2), &json!("VALID")));
        assert_eq!((&tx["tx_id"], &tx["event"]["name"]), (&json!(tx_id), &json!("made")));
        assert_eq!(tx["creator"]["name"], "User2@org1.example.com");
    }
    peer.run(&["block", "3"]).failed(1);
    peer.run(&["block", &"0".repeat(64)]).failed(1);
}

#[test]
fn a_query_answers_as_whom_it_was_asked_and_orders_nothing() {
    let site = Site::new();
    let peer = site.peer(&["--in-memory"]);
    peer.deploy("probe");
    let info = call(&["info"]);
    let transient = ["--transient", r#"{"price":"MTEw","size":""}"#, "--user", "User2"];
    let query = [&probe("query", &info)[..], &transient].concat();
    let said = peer.run(&query).ok().out;
    assert!(said.contains("transient=price,size\n") && said.contains("peer=Org1MSP"), "{said}");
    let answer = peer.run(&[&query[..], &["--json"]].concat()).ok().json();
    assert_eq!(answer["status"], 200);
    assert!(answer["payload"].as_str().unwrap().contains("client=Org1MSP"));
    let status = call(&["status", "404", "there is no such thing"]);
    for verb in ["query", "invoke"] {
        let said = peer.run(&probe(verb, &status)).failed(1);
        assert!(said.contains("probe answered 404: there is no such thing"), "{said}");
    }
    assert_eq!(peer.run(&["block", "latest"]).ok().json()["number"], 1);
}

#[test]
fn errors_name_what_to_do() {
    let site = Site::new();
    site.run(&["network", "strangers"]).ok();
    let peer = site.peer(&["--in-memory"]);
    let input = call(&["get", "k"]);
    let ask = |more: &[&str]| -> String {
        let run: Run = peer.run(&[&probe("query", &input)[..], more].concat());
        run.failed(1)
    };
    let said = ask(&[]);
    assert!(said.contains("no peers available to evaluate chaincode probe"), "{said}");
    assert!(
        said.contains("hint: deploy it: wasmcc deploy FILE --name probe -C mychannel"),
        "{said}"
    );
    let said = ask(&["-C", "nowhere"]);
    let unknown = "failed to get config for channel [nowhere]: could not get last config for \
                   channel nowhere";
    assert!(said.contains(unknown), "{said}");
    assert!(said.contains("wasmcc peer --channel nowhere"), "{said}");
    let said = ask(&["--user", "User9"]);
    assert!(said.contains("its users are Admin, User1, User2: name one with --user"), "{said}");
    let said = ask(&["--org", "Org9MSP"]);
    assert!(said.contains("it has Org1MSP: name one with --org"), "{said}");
    let said = ask(&["--network", "nothing"]);
    assert!(said.contains("make one with `wasmcc network nothing`"), "{said}");
    peer.deploy("probe");
    let said = ask(&["--network", "strangers"]);
    assert!(said.contains("is --network the folder that the peer was started with"), "{said}");
    let said = ask(&["--peer", "not an address"]);
    assert!(said.contains("write HOST:PORT"), "{said}");
    let address = peer.address().to_owned();
    drop(peer);
    let said = site.run(&["channels", "--peer", &address, "--timeout", "1s"]).failed(1);
    assert!(said.contains(&format!("no peer answers at {address}")), "{said}");
    assert!(said.contains(&format!("`wasmcc peer --network net --listen {address}`")), "{said}");
}

#[test]
fn an_error_is_json_where_the_result_would_be() {
    let site = Site::new();
    let peer = site.peer(&["--in-memory"]);
    let input = call(&["get", "k"]);
    for (verb, why) in [
        (&["deploy", "nothing.wasm", "--name", "probe", "--json"][..], "cannot read nothing.wasm"),
        (&["invoke", "-n", "probe", "-c", &input, "--json"], "chaincode probe"),
        (&["query", "-n", "probe", "-c", &input, "--json"], "chaincode probe"),
        (&["chaincodes", "-C", "nowhere", "--json"], "nowhere"),
        (&["channels", "--user", "User9", "--json"], "its users are"),
        (&["block", "9", "--json"], "9"),
        (&["events", "-C", "nowhere", "--json"], "nowhere"),
        (&["logs", "--json"], "there is no network in this folder"),
        (&["check", "nothing.wasm", "--json"], "cannot read nothing.wasm"),
        (&["ledger", "verify", "--data", "nothing", "--json"], "nothing"),
        (&["inspect", "tx", "0", "--data", "nothing", "--json"], "nothing"),
    ] {
        let run = peer.run(verb);
        let error = run.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains(why), "{verb:?}: {error}");
        assert!(run.failed(1).contains(why), "{verb:?}");
    }
}

#[test]
fn of_two_updates_in_a_block_one_fails_and_says_so() {
    let site = Site::new();
    // A block has two transactions or is not cut: each pair below runs concurrently.
    let pairs = ["--in-memory", "--max-message-count", "2", "--batch-timeout", "1h"];
    let peer = site.try_peer(&pairs).unwrap();
    let file = component("probe");
    let deployed = ["probe", "other"].map(|name| peer.start(&["deploy", file, "--name", name]));
    for deploy in deployed {
        deploy.end().ok();
    }
    let update = ["x", "y"].map(|suffix| call(&["rmw", "k", suffix]));
    let updates = update.each_ref().map(|input| peer.start(&probe("invoke", input)));
    let mut ends = updates.map(|invoke| invoke.end());
    ends.sort_by_key(|end| end.code);
    let [valid, conflict] = ends;
    assert!(valid.ok().out.contains("status   VALID\n"));
    assert!(conflict.out.contains("status   MVCC_READ_CONFLICT\n"), "{conflict:?}");
    let conflict_out = conflict.out.clone();
    let said = conflict.failed(1);
    assert!(said.contains("another transaction changed what it had read; try again"), "{said}");
    let reason = "reason   key \"k\" of probe was read at no version and is now at ";
    assert!(conflict_out.contains(reason), "{conflict_out}");
    assert!(conflict_out.contains(", written by transaction "), "{conflict_out}");
}
