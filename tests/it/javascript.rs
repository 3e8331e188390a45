//! Chaincodes for Node.js as components of `guest-sdk/js`: a contract in TypeScript, differences
//! from Node.js, and refusals of a build. `external_node` and `external_contract` test what is the
//! same as on Node.js.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use wasmcc_node::sandbox::{Call, Endorsed, Sandbox};
use wasmcc_tests::call;
use wasmcc_tests::program::program;
use wasmcc_types::Timestamp;
use xtask::{node_components, npm, root};

use crate::metadata::faults;
use crate::samples_of_assets;

/// The observations of hooks around `Make`.
const STEPS: &[u8] = b"before Make,after undefined 0";
const COLLECTIONS: &str = r#"[{"name":"secrets","policy":"OR('Org1MSP.member')"}]"#;

/// Returns a peer with `tests/node-chaincode/offers`.
fn offers() -> Sandbox {
    let component = node_components::test_chaincode("offers/").unwrap();
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy_with_collections("offers", &component, COLLECTIONS).unwrap();
    sandbox
}

fn evaluate(sandbox: &Sandbox, line: &str) -> Endorsed {
    sandbox.endorse(call("offers", line)).unwrap()
}

fn text(sandbox: &Sandbox, line: &str) -> String {
    let endorsed = evaluate(sandbox, line);
    assert_eq!(endorsed.response.status, 200, "{line}: {}", endorsed.response.message);
    endorsed.text()
}

fn refused(sandbox: &Sandbox, line: &str) -> String {
    let response = evaluate(sandbox, line).response;
    assert!(response.status >= 500, "{line}: {}", response.status);
    response.message
}

#[test]
fn a_contract_in_typescript_with_decorators_works() {
    let sandbox = offers();
    let offer = r#"{"id":"o","amount":5,"open":true,"tags":["a"]}"#;
    let made = sandbox.submit(call("offers", &format!("Make {offer} 3 true"))).unwrap();
    let event = made.endorsed.event.unwrap();
    assert_eq!((event.name.as_str(), event.payload.as_slice()), ("steps", STEPS));
    let found = r#"{"id":"o1","amount":5,"open":true,"tags":["a"]}"#;
    assert_eq!(text(&sandbox, "Offers:Find o1"), found);
    assert_eq!(text(&sandbox, "Sum o p"), "15");
    assert_eq!(refused(&sandbox, "Find zz"), "there is no offer zz");
    assert_eq!(refused(&sandbox, "Nope"), "nobody knows Nope");
    assert_eq!(refused(&sandbox, "Find"), "Expected 1 parameters, but 0 have been supplied");
    assert_eq!(
        refused(&sandbox, r#"Make {"id":5} 1 true"#),
        r#"Unable to validate parameter due to ["should be string"]"#
    );
    assert_eq!(
        refused(&sandbox, &format!("Make {offer} x true")),
        "fromBuffer could not convert data to number"
    );
    let secret = Call::new("offers", "Prices:Secret").args(["secrets", "k"]);
    let secret = secret.transient("price", "7");
    assert_eq!(sandbox.submit(secret).unwrap().endorsed.text(), "Org1MSP");
}

#[test]
fn metadata_comes_from_the_decorators() {
    let metadata = text(&offers(), "org.hyperledger.fabric:GetMetadata");
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    assert_eq!(metadata["info"]["title"], "offers");
    assert_eq!(metadata["info"]["version"], "1.2.0");
    let offers = &metadata["contracts"]["Offers"];
    assert_eq!(offers["info"]["title"], "Offers");
    let make = &offers["transactions"].as_array().unwrap()[0];
    let parameters = make["parameters"].as_array().unwrap().iter();
    let parameters: Vec<_> =
        parameters.map(|parameter| parameter["name"].as_str().unwrap()).collect();
    assert_eq!(
        (make["name"].as_str(), parameters),
        (Some("Make"), vec!["offer", "copies", "loud"])
    );
    assert_eq!(make["parameters"][0]["schema"]["$ref"], "#/components/schemas/Offer");
    assert_eq!(metadata["components"]["schemas"]["Offer"]["properties"]["tags"]["type"], "array");
    assert_eq!(faults(&metadata), "", "{metadata:#}");
}

#[test]
fn every_transaction_begins_anew_with_its_own_clock_and_numbers() {
    let sandbox = offers();
    let at = |nonce: &str, seconds| {
        let timestamp = Timestamp { seconds, nanos: 0 };
        let call = Call::new("offers", "Random").nonce(nonce).timestamp(timestamp);
        sandbox.endorse(call).unwrap().text()
    };
    assert_eq!(at("one", 1_700_000_000), at("one", 1_700_000_000));
    let [first, other] = [at("one", 1_700_000_000), at("two", 1_700_000_001)]
        .map(|text| -> Vec<Value> { serde_json::from_str(&text).unwrap() });
    assert_eq!(
        (&first[2], &other[2]),
        (&1_700_000_000_000_i64.into(), &1_700_000_001_000_i64.into())
    );
    assert_eq!(first[3], "2023-11-14T22:13:20.000Z");
    assert_ne!(first[0], other[0]);
    assert_ne!(first[0], first[1]);
    // The clock of the build does not advance.
    let left = text(&sandbox, "Prices:Left");
    assert!(left.starts_with("1 0 0."), "{left}");
    assert_eq!(text(&sandbox, "Prices:Left"), left);
}

#[test]
fn a_contract_that_counts_on_what_it_keeps_beside_the_ledger_is_found() {
    let sandbox = offers();
    for (line, place) in [("Prices:Left", "the response"), ("Sum o p", "the event")] {
        let found = sandbox.assert_deterministic(call("offers", line)).unwrap_err().to_string();
        for part in ["what an earlier call has left in memory (variables of modules", place] {
            assert!(found.contains(part), "{part} is not in {found}");
        }
    }
    sandbox.assert_deterministic(call("offers", "Prices:Stack")).unwrap();
}

#[test]
fn a_contract_that_draws_random_numbers_is_found() {
    let sandbox = offers();
    for what in ["Math.random", "crypto.randomBytes", "crypto.randomUUID"] {
        let found = sandbox.assert_deterministic(call("offers", &format!("Draw {what}")));
        let found = found.unwrap_err().to_string();
        assert!(found.contains("other random numbers"), "{what}: {found}");
    }
}

#[test]
fn an_error_tells_its_place_in_the_source() {
    let sandbox = offers();
    let stack = text(&sandbox, "Prices:Stack");
    for line in
        ["RangeError: deep enough", "at depth (src/prices.ts:46)", "at Stack (src/prices.ts:36)"]
    {
        assert!(stack.contains(line), "{line} is not in {stack}");
    }
    let forever = refused(&sandbox, "Prices:Forever");
    let whole = "trapped: exit with status 1: Error: the chaincode waits for a promise that \
                 nothing in this transaction can settle";
    assert!(forever.ends_with(whole), "{forever}");
    let deep = refused(&sandbox, "Prices:Deep");
    assert!(deep.contains("call stack exhausted"), "{deep}");
    assert_eq!(text(&sandbox, "Sum o p"), "0", "the peer goes on");
}

/// On Node.js the peer waits for its timeout.
#[test]
fn an_exception_that_leaves_a_chaincode_ends_the_transaction_with_its_text() {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("probe", &node_components::test_chaincode("probe.js").unwrap()).unwrap();
    let said = |text: &str| {
        let call = Call::new("probe", "escape").args([text]);
        sandbox.endorse(call).unwrap().response.message
    };
    let escaped = said("one \"\u{e4}\"\ntwo");
    let begin = "error in simulation: transaction returned with failure: chaincode trapped: exit \
                 with status 1: RangeError: one \"\u{e4}\"\ntwo\n    at ";
    let calls = escaped.strip_prefix(begin).unwrap_or_else(|| panic!("{escaped}"));
    // Only calls of the chaincode itself.
    assert!(calls.lines().all(|call| call.contains("probe.js:")), "{escaped}");
    // Longer than one write to standard error.
    let long = said(&"x".repeat(5_000));
    assert!(long.contains("RangeError: xxx") && long.contains("xxx\n    at probe.js:"), "{long}");
}

#[test]
fn the_package_passes_its_own_tests() {
    let sdk = root().join(node_components::SDK);
    npm::ensure(&sdk).unwrap();
    let output = Command::new("npm").arg("test").current_dir(sdk).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn the_sample_answers_as_fabrics_samples_do() {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("basic", &node_components::sample("asset-transfer-basic").unwrap()).unwrap();
    samples_of_assets::answers_as_fabrics_samples_do(&sandbox);
}

/// The samples' contracts alone, compiled by tsc, and their components, which are already built.
#[test]
fn the_samples_in_typescript_pass_their_own_tests() {
    let folder = root().join(node_components::SAMPLES_FOLDER);
    npm::ensure(&folder).unwrap();
    let run = |command: &mut Command| {
        let output = command.output().unwrap();
        let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
        assert!(output.status.success(), "{command:?}: {out}{err}");
        out.into_owned()
    };
    run(Command::new("npm").args(["run", "build"]).current_dir(&folder));
    for sample in node_components::SAMPLES {
        let folder = folder.join(sample);
        let mut tests = Command::new("node");
        tests.args(["--test", "--test-reporter=tap"]).current_dir(&folder);
        tests.env("WASMCC", program()).env_remove("WASMCC_TWICE");
        tests.env("WASMCC_COMPONENT", node_components::build(&folder, None).unwrap());
        let said = run(tests.env("WASMCC_CONTRACT", &folder));
        // One file tests the contract, one its component.
        for file in ["unit.test.mjs", "sandbox.test.mjs"] {
            assert!(folder.join("test").join(file).is_file(), "{sample} has no {file}");
        }
        assert!(said.contains("\n# fail 0\n"), "{sample}: {said}");
    }
}

/// A new contract as a user makes it: the packages come from npm, the SDK from this repository.
#[test]
fn a_new_contract_in_typescript_passes_its_tests() {
    let desk = TempDir::new().unwrap();
    let run = |program: &Path, folder: &Path, args: &[&str]| {
        let mut command = Command::new(program);
        let output = command.args(args).current_dir(folder).output().unwrap();
        let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
        assert!(output.status.success(), "{args:?}: {out}{err}");
        out.into_owned()
    };
    let wasmcc = program();
    npm::ensure(&root().join(node_components::SDK)).unwrap();
    let sdk = root().to_str().unwrap();
    run(wasmcc, desk.path(), &["new", "assets", "--lang", "typescript", "--sdk", sdk]);
    let folder = desk.path().join("assets");
    let install = ["install", "--no-audit", "--no-fund", "--ignore-scripts"];
    run(Path::new("npm"), &folder, &install);
    run(&folder.join("node_modules/.bin/tsc"), &folder, &["--noEmit"]);
    let tested = run(wasmcc, &folder, &["test"]);
    assert!(tested.contains("# pass 4\n# fail 0\n"), "{tested}");
    let twice = run(wasmcc, &folder, &["test", "--twice"]);
    assert!(twice.contains("# pass 4\n# fail 0\n"), "{twice}");
    let component = folder.join("node_modules/.cache/wasmcc/contract.wasm");
    let tested = fs::read(&component).unwrap();
    let built = run(wasmcc, &folder, &["build", "--json"]);
    let built: Value = serde_json::from_str(&built).unwrap();
    assert!(built["path"].as_str().unwrap().ends_with(".cache/wasmcc/contract.wasm"), "{built}");
    assert!(fs::read(&component).unwrap() == tested, "a build without a change is another one");
}
