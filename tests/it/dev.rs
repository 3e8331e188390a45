//! `wasmcc dev`: a network in a folder, whose contracts are deployed when they are saved.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use wasmcc_tests::dev::{Dev, FREE_PORTS, Folder};

const BASIC: &str = "asset-transfer-basic";

/// Starts a network that runs the component `basic.wasm` of its folder.
fn with_basic(folder: &Folder) -> Dev {
    folder.put_guest(BASIC, "basic.wasm");
    folder.dev(&["basic.wasm"])
}

/// Returns the output of `tests/node-client/application.js`.
pub(crate) fn application(folder: &Folder) -> Value {
    let client = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("node-client");
    xtask::npm::ensure(&client).unwrap();
    let record = folder.record();
    let mut node = Command::new("node");
    node.arg("application.js").arg(record["peers"]["Org1MSP"].as_str().unwrap());
    node.arg(folder.path("organizations")).arg("basic").current_dir(client);
    let output = node.stdin(Stdio::null()).output().expect("node is on the path");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn an_unchanged_application_connects_and_each_transaction_is_reported() {
    let folder = Folder::new();
    fs::create_dir_all(folder.path("organizations/fabric-ca/org1")).unwrap();
    fs::write(folder.path("organizations/ccp-generate.sh"), "theirs").unwrap();
    let mut dev = with_basic(&folder);
    let seen = application(&folder);
    assert_eq!(seen["owner"], "Saptha");
    assert_eq!(seen["codes"], json!([0, 11]), "the second one read what the first one changed");

    let user = "User1@org1.example.com";
    let line = dev.wait_for("basic.InitLedger");
    assert!(line.contains(user) && line.contains("VALID  fuel "), "{line}");
    assert!(line.contains(" ms  block "), "{line}");
    dev.wait_for(&format!("basic.ReadAsset  {user}  evaluated  fuel "));
    let line = dev.wait_for("MVCC_READ_CONFLICT");
    let writer = format!("written by transaction {}", seen["writer"].as_str().unwrap());
    assert!(line.contains("basic.TransferAsset") && line.contains(&writer), "{line}");

    let there = fs::read_to_string(folder.path("organizations/ccp-generate.sh")).unwrap();
    assert_eq!(there, "theirs");
    let org = "organizations/peerOrganizations/org2.example.com";
    let profile = fs::read(folder.path(&format!("{org}/connection-org2.json"))).unwrap();
    let profile: Value = serde_json::from_slice(&profile).unwrap();
    let address = folder.record()["peers"]["Org2MSP"].as_str().unwrap().to_owned();
    let url = format!("grpcs://{address}");
    assert_eq!(profile["peers"]["peer0.org2.example.com"]["url"], url);
    assert!(folder.path(&format!("{org}/connection-org2.yaml")).is_file());
}

#[test]
fn a_component_that_is_saved_replaces_the_one_that_runs() {
    let folder = Folder::new();
    let mut dev = with_basic(&folder);
    let refused = folder.call("query", "basic", &["get", "k"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    folder.put_guest("probe", "basic.wasm");
    let line = dev.wait_for("basic is upgraded to 2.0 (sequence 2)");
    assert!(line.contains("basic.wasm"), "{line}");
    assert_eq!(folder.call("query", "basic", &["get", "k"]).ok().json()["payload"], "");

    // An invalid component replaces nothing.
    fs::write(folder.path("basic.wasm"), "no component").unwrap();
    let line = dev.wait_for("basic is not deployed, the old version stays");
    assert!(line.contains("component"), "{line}");
    assert_eq!(folder.call("query", "basic", &["get", "k"]).ok().json()["payload"], "");
    folder.put_guest(BASIC, "basic.wasm");
    dev.wait_for("basic is upgraded to 3.0 (sequence 3)");
    folder.call("invoke", "basic", &["InitLedger"]).ok();
}

#[test]
fn a_contract_has_the_policy_and_the_collections_that_it_is_given() {
    let folder = Folder::new();
    folder.put_guest("probe", "probe.wasm");
    let collections = |names: &[&str]| {
        let policy = "OR('Org1MSP.member','Org2MSP.member')";
        let all: Value =
            names.iter().map(|name| json!({ "name": name, "policy": policy })).collect();
        fs::write(folder.path("private.json"), all.to_string()).unwrap();
    };
    collections(&["first"]);
    let contracts = ["own=probe.wasm", "usual=probe.wasm"];
    let given = ["--policy", "own=OR('Org1MSP.peer')", "--collections-config", "own=private.json"];
    let mut dev = folder.dev(&[&contracts[..], &given].concat());
    let by_one = |name: &str, args: &[&str]| {
        let input = json!({ "Args": args }).to_string();
        let verb = ["invoke", "-n", name, "-c", &input, "--json", "--endorser", "Org1MSP"];
        folder.run(&verb)
    };
    assert_eq!(by_one("own", &["put", "k", "v"]).ok().json()["status"], "VALID");
    let usual = by_one("usual", &["put", "k", "v"]).failed(1);
    assert!(usual.contains("ENDORSEMENT_POLICY_FAILURE"), "{usual}");
    by_one("own", &["pput", "first", "k", "v"]).ok();
    assert!(by_one("own", &["pput", "second", "k", "v"]).failed(1).contains("second"));

    // The file is watched.
    collections(&["first", "second"]);
    dev.wait_for("own is upgraded to 2.0 (sequence 2)");
    by_one("own", &["pput", "second", "k", "v"]).ok();
    dev.signal("INT").ok();

    let file = "[dev]\npolicy = [\"usual=OR('Org2MSP.peer', 'Org1MSP.peer')\"]\n";
    fs::write(folder.path("wasmcc.toml"), file).unwrap();
    let mut dev = folder.start_dev(&[&FREE_PORTS[..], &contracts].concat());
    dev.wait_for("own 2.0 runs already, unchanged");
    dev.wait_for("usual is upgraded to 2.0 (sequence 2)");
    dev.wait_for("ready on ");
    assert_eq!(by_one("usual", &["put", "k", "v"]).ok().json()["status"], "VALID");
    // Settings that are no longer given remain.
    assert_eq!(by_one("own", &["put", "k", "v"]).ok().json()["status"], "VALID");
    by_one("own", &["pput", "second", "k", "v"]).ok();
}

#[test]
fn state_is_kept_until_it_is_begun_anew() {
    let folder = Folder::new();
    let dev = with_basic(&folder);
    folder.call("invoke", "basic", &["InitLedger"]).ok();
    let organizations = folder.path("organizations");
    let certificate = organizations.join(
        "peerOrganizations/org1.example.com/users/User1@org1.example.com/msp/signcerts/cert.pem",
    );
    let identity = fs::read(&certificate).unwrap();
    let ended = dev.signal("INT").ok();
    assert!(ended.out.contains("stopping") && ended.err.is_empty(), "{ended:?}");
    assert!(ended.out.contains("  basic.InitLedger  runs 1  fuel "), "{ended:?}");

    let mut dev = folder.start_dev(&[&FREE_PORTS[..], &["basic.wasm"]].concat());
    dev.wait_for("basic 1.0 runs already, unchanged");
    dev.wait_for("ready on ");
    let read = folder.call("query", "basic", &["ReadAsset", "asset1"]).ok();
    assert!(read.out.contains("Tomoko"), "{read:?}");
    dev.signal("TERM").ok();

    let _dev = folder.dev(&["--fresh", "basic.wasm"]);
    let gone = folder.call("query", "basic", &["ReadAsset", "asset1"]);
    assert!(gone.out.contains("the asset asset1 does not exist"), "{gone:?}");
    assert_eq!(fs::read(&certificate).unwrap(), identity, "identities stay");
}

#[cfg(unix)]
#[test]
fn a_copy_of_the_folder_does_not_ask_the_network_of_the_original() {
    let [folder, copy] = [Folder::new(), Folder::new()];
    let dev = folder.dev(&[]);
    for name in [".wasmcc", "organizations"] {
        let paths = [folder.path(name), copy.path(name)];
        assert!(Command::new("cp").arg("-R").args(paths).status().unwrap().success());
    }
    let ask = ["channels", "--timeout", "1s"];
    assert_eq!(folder.run(&ask).ok().out, "mychannel\n");
    let refused = copy.run(&ask).failed(1);
    assert!(refused.contains("no network is running in this folder: start it"), "{refused}");
    assert!(copy.run(&["down"]).ok().out.contains("no network is running"));
    copy.run(&["network", "user", "add", "alice"]).ok();
    let users = "organizations/peerOrganizations/org1.example.com/users";
    assert!(copy.path(users).join("alice@org1.example.com").exists());
    assert!(!folder.path(users).join("alice@org1.example.com").exists());
    // Each folder has its own network.
    let _other = copy.dev(&[]);
    assert_ne!(copy.record()["peers"], folder.record()["peers"]);
    folder.run(&["down"]).ok();
    assert_eq!(dev.end().code, Some(0));
    folder.run(&ask).failed(1);
    assert_eq!(copy.run(&ask).ok().out, "mychannel\n");
}

#[test]
fn other_verbs_find_the_network_of_their_folder() {
    let folder = Folder::new();
    let mut dev = with_basic(&folder);
    let as_user = |org: &str, user: &str| {
        let input = r#"{"Args":["ReadAsset","nothing"]}"#;
        folder.run(&["query", "-n", "basic", "-c", input, "--org", org, "--user", user])
    };
    let refused = as_user("Org2MSP", "User2").failed(1);
    assert!(refused.contains("the asset nothing does not exist"), "{refused}");
    dev.wait_for("basic.ReadAsset  User2@org2.example.com  REFUSED");

    let added = folder.run(&["network", "user", "add", "alice", "--attr", "role=auditor"]).ok();
    assert!(added.out.starts_with("alice of Org1MSP: "), "{added:?}");
    let refused = as_user("Org1MSP", "alice").failed(1);
    assert!(refused.contains("the asset nothing does not exist"), "{refused}");

    // A second network cannot use the folder.
    let second = folder.start_dev(&FREE_PORTS).end();
    assert!(second.failed(1).contains("a network runs in this folder already (process "));
    let ended = folder.run(&["down"]).ok();
    assert!(ended.out.contains("the network has ended"), "{ended:?}");
    assert_eq!(dev.end().code, Some(0));
    assert!(folder.run(&["down"]).ok().out.contains("no network is running"));

    let removed = folder.run(&["reset"]).ok();
    assert!(removed.out.contains("are removed"), "{removed:?}");
    assert!(!folder.path(".wasmcc").exists() && !folder.path("organizations").exists());
    let said = folder.run(&["query", "-n", "basic", "-c", r#"{"Args":[]}"#]).failed(1);
    assert!(said.contains("name it with --network, or work in the folder of a `wasmcc dev`"));
}

#[test]
fn what_contracts_log_and_announce_is_shown() {
    let folder = Folder::new();
    folder.put_guest("probe", "probe.wasm");
    let mut dev = folder.dev(&["probe.wasm", "-v"]);
    folder.call("invoke", "probe", &["log", "hello\u{1b}[2J"]).ok();
    let line = dev.wait_for("INFO probe ");
    assert!(line.ends_with(": hello\\u{1b}[2J"), "{line}");
    folder.call("invoke", "probe", &["rmw", "key", "value"]).ok();
    dev.wait_for("probe.rmw");
    dev.wait_for("  read   probe key at no version");
    dev.wait_for("  write  probe key = value");
    folder.call("query", "probe", &["get", "key"]).ok();
    dev.wait_for("  evaluated  ");
    dev.wait_for("  read   probe key at ");
    folder.call("invoke", "probe", &["event", "greeting", "words"]).ok();
    dev.wait_for("  event  greeting = words");

    let events = ["events", "-n", "probe", "--from", "0", "--count", "1"];
    let shown = folder.run(&events).ok();
    assert!(shown.out.contains("probe.greeting  words"), "{shown:?}");
    let of_all = folder.run(&["events", "--from", "0", "--count", "1"]).ok();
    assert_eq!(of_all.out, shown.out);
    let shown = folder.run(&[&events[..], &["--json"]].concat()).ok().json();
    assert_eq!((&shown["name"], &shown["payload"]), (&json!("greeting"), &json!("words")));

    let of_probe = folder.run(&["logs", "-n", "probe"]).ok().out;
    assert!(of_probe.contains("INFO probe ") && of_probe.contains("probe.rmw"), "{of_probe}");
    assert!(!of_probe.contains("ready on"), "{of_probe}");
    assert!(folder.run(&["logs", "-n", "other"]).ok().out.is_empty());
    let last = folder.run(&["logs", "--tail", "1", "--json"]).ok().json();
    assert_eq!(last["kind"], "transaction", "{last}");
}

#[test]
fn what_another_run_would_do_otherwise_is_shown() {
    let folder = Folder::new();
    folder.put_guest("probe", "probe.wasm");
    let mut dev = folder.dev(&["probe.wasm", "--twice"]);
    folder.call("invoke", "probe", &["rmw", "key", "value"]).ok();
    assert!(!dev.seen_until("probe.rmw").contains("not deterministic"));
    // A contract's lines come from the run that counts: one at each peer.
    folder.call("invoke", "probe", &["log", "hello"]).ok();
    dev.wait_for("probe.log");
    let logged = folder.run(&["logs", "-n", "probe"]).ok().out;
    assert_eq!(logged.matches(": hello").count(), 2, "{logged}");
    // The order of a hash map is used.
    folder.call("invoke", "probe", &["then", "get", "key", ";", "hashmap"]).ok();
    let line = dev.wait_for("the contract is not deterministic: ");
    assert!(line.contains("with other random numbers") && line.contains("differs"), "{line}");
    dev.wait_for("probe.then  User1@org1.example.com  VALID");
}

#[test]
fn a_port_in_use_is_named_and_nothing_is_left_behind() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut ports = FREE_PORTS;
    ports[3] = &port;
    let said = folder.start_dev(&ports).end().failed(1);
    let expected = format!("port {port}, which Org2's peer listens on, is in use");
    assert!(said.contains(&expected) && said.contains("--org2-port"), "{said}");
    assert!(!folder.path("organizations").exists());
}

#[test]
fn what_is_said_of_no_contract_is_refused() {
    let folder = Folder::new();
    let said = ["--policy", "basic=OR('Org1MSP.peer')"];
    let refused = folder.start_dev(&[&FREE_PORTS[..], &said].concat()).end().failed(1);
    assert!(refused.contains("--policy is for basic, and there is no contract"), "{refused}");
    assert!(!folder.path("organizations").exists());
}

#[test]
fn what_is_no_contract_is_a_wrong_argument() {
    let folder = Folder::new();
    for (argument, words) in [
        ("nothing.wasm", "there is no file or folder nothing.wasm"),
        ("127.0.0.1:9999", "a chaincode server needs a name: NAME=127.0.0.1:9999"),
    ] {
        let said = folder.start_dev(&[argument]).end().failed(2);
        assert!(said.contains(words), "{said}");
    }
    let twice = ["a=127.0.0.1:9999", "a=127.0.0.1:9998"];
    let said = folder.start_dev(&twice).end().failed(1);
    assert!(said.contains("two contracts are called a"), "{said}");
}

#[test]
fn a_server_is_told_what_it_has_to_say_that_it_is() {
    let folder = Folder::new();
    let mut dev = folder.start_dev(&[&FREE_PORTS[..], &["node=127.0.0.1:9999"]].concat());
    let line = dev.wait_for("node is deployed to 1.0 (sequence 1)");
    assert!(line.contains("has to say that it is node_1.0:"), "{line}");
    dev.wait_for("ready on ");
}

/// Returns the source of that contract.
pub(crate) fn answers(answer: &str) -> String {
    format!(
        "use wasmcc_sdk::{{Context, Result, contract}};\n\npub struct Answers;\n\n\
         #[contract(name = \"Answers\", version = \"1.0.0\")]\nimpl Answers {{\n    \
         #[transaction(evaluate)]\n    fn answer(&self, _ctx: &Context) -> Result<String> {{\n\
         Ok({answer})\n    }}\n}}\n\nwasmcc_sdk::chaincode!(Answers);\n"
    )
}

/// Writes a crate with one contract, whose only function returns `answer`.
pub(crate) fn write_crate(folder: &Path, answer: &str) {
    let sdk = xtask::root().join("guest-sdk");
    let manifest = format!(
        "[package]\nname = \"answers\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
         [lib]\ncrate-type = [\"cdylib\"]\n\n\
         [dependencies]\nwasmcc-sdk = {{ path = {sdk:?} }}\n\n\
         [profile.release]\nopt-level = 0\n\n[workspace]\n"
    );
    fs::create_dir_all(folder.join("src")).unwrap();
    if !folder.join("Cargo.toml").exists() {
        fs::write(folder.join("Cargo.toml"), manifest).unwrap();
        // The versions of this repository's dependencies are on this machine.
        fs::copy(xtask::root().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    }
    fs::write(folder.join("src/lib.rs"), answers(answer)).unwrap();
}

#[test]
fn a_crate_is_built_when_it_is_saved_and_a_broken_one_replaces_nothing() {
    let folder = Folder::new();
    let answers = folder.path("answers");
    write_crate(&answers, "\"first\".into()");
    let mut dev = folder.dev(&["answers"]);
    let answer = || folder.call("query", "answers", &["Answer"]).ok().json()["payload"].clone();
    assert_eq!(answer(), "first");
    write_crate(&answers, "\"second\".into()");
    dev.wait_for("answers is upgraded to 2.0");
    assert_eq!(answer(), "second");
    write_crate(&answers, "no_such_function()");
    dev.wait_for("answers is not built, the old version stays");
    dev.wait_for("cannot find function `no_such_function`");
    assert_eq!(answer(), "second");
}
