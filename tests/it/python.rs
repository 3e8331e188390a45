//! Chaincodes in Python as components of `guest-sdk/python`: the same behavior as in Rust, Python's
//! own features, and refusals of a build.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;
use wasmcc_channel::collections::package_from_json;
use wasmcc_client::lscc::Definition;
use wasmcc_tests::foreign::Foreign;
use wasmcc_tests::pair::{Pair, definition};
use wasmcc_tests::program::program;
use wasmcc_tests::{guest, process};
use xtask::python_components::{self, PythonTools};
use xtask::root;

use crate::external_contract::all_functions_are_the_same;
use crate::external_node::{COLLECTIONS, all_words_are_the_same};
use crate::metadata::faults;

fn component() -> Vec<u8> {
    python_components::test_chaincode().unwrap()
}

fn evaluated(guest: &Foreign, words: &[&str]) -> Value {
    serde_json::from_str(&guest.text(words)).unwrap()
}

#[test]
fn a_chaincode_in_python_does_what_it_does_in_rust() {
    let definition = Definition {
        init_args: ["first", "7"].map(|arg| arg.as_bytes().to_vec()).into(),
        collections: Some(package_from_json(COLLECTIONS).unwrap()),
        ..definition("probe")
    };
    let pair = Pair::of_components(definition, guest("probe"), component());
    all_words_are_the_same(&pair);
    for line in [
        "info",
        "args a '' \u{e4}",
        "transients",
        "decorations",
        "batch held 3",
        "setentry k name value",
        "getentries k",
        "pcomppage t a 1 ''",
        "ppcomp open t",
        "called '' nobody get k",
        "try put '' x",
        "try query nonsense",
        "try range \u{0}a b",
        "try setmeta k raw:nonsense",
        "try comp t \u{10ffff} x",
        "caught pput '' k v",
        "log words",
        "log words name=value",
        "pmget open t nothing",
        "allcomppage 1 ''",
        "try page a b 0 ''",
        "page row rox 0 ''",
    ] {
        pair.text(line);
    }
    for line in ["creator", "binding", "proposal", "signature"] {
        pair.evaluate(line);
    }
}

#[test]
fn a_contract_in_python_does_what_it_does_in_rust() {
    let pair = Pair::of_components(definition("records"), guest("records"), component());
    pair.deploy_component("wasm", "probe");
    all_functions_are_the_same(&pair);
    for line in ["Nonsense", "Nobody:Get k", "Put k", "PutMany x y", "Call wasm {}"] {
        let [wasm, other] = [&pair.wasm, &pair.other].map(|peer| {
            let processed = process(peer, pair.propose(line).signed).unwrap();
            processed.response.response.unwrap()
        });
        assert_eq!(wasm.status, other.status, "{line}: {} {}", wasm.message, other.message);
        // Errors about a type use the language's own terms.
        let named = |message: &str| message.split("\": ").next().unwrap().split(": \"").count();
        assert_eq!(named(&wasm.message), named(&other.message), "{line}: {}", other.message);
    }
    for line in ["Nonsense", "Nobody:Get k", "Put k"] {
        pair.evaluate(line);
    }
}

/// Removes the differences between the types of the languages.
fn plain(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for name in ["format", "minimum", "maximum", "description"] {
                members.remove(name);
            }
            members.values_mut().for_each(plain);
        }
        Value::Array(elements) => elements.iter_mut().for_each(plain),
        _ => {}
    }
}

#[test]
fn metadata_has_the_form_of_that_in_rust() {
    let pair = Pair::of_components(definition("records"), guest("records"), component());
    let [rust, python] = [&pair.wasm, &pair.other].map(|peer| {
        let asked = pair.propose("org.hyperledger.fabric:GetMetadata").signed;
        let payload = process(peer, asked).unwrap().response.response.unwrap().payload;
        let mut metadata: Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(faults(&metadata), "", "{metadata:#}");
        plain(&mut metadata);
        metadata
    });
    assert_eq!(rust, python);
}

#[test]
fn an_exception_tells_its_place_in_the_source() {
    let guest = Foreign::of(&component());
    assert_eq!(guest.text(&["mistake", "a"]), "1");
    let response = guest.response(&["mistake", "b"]);
    assert_eq!(response.status, 500);
    for part in [
        "Traceback (most recent call last):",
        "functions.py\", line ",
        ", in prices\n",
        "return {\"a\": 1}[name]",
        "KeyError: 'b'",
    ] {
        assert!(response.message.contains(part), "{part} is not in {}", response.message);
    }
    let left = guest.response(&["leave"]);
    assert_eq!(left.status, 500);
    for part in [", in leave\n", "SystemExit: left"] {
        assert!(left.message.contains(part), "{part} is not in {}", left.message);
    }
    let hog = guest.failure(&["hog"]);
    assert!(hog.contains("MemoryError") && hog.contains("in hog"), "{hog}");
    assert_eq!(guest.text(&["deep", "900"]), "900");
    let deep = guest.response(&["deep", "100000"]);
    assert!(deep.message.contains("RecursionError"), "{}", deep.message);
    assert_eq!(guest.text(&["mistake", "a"]), "1", "the peer goes on");
}

#[test]
fn values_of_other_types_are_exceptions() {
    let said = Foreign::of(&component()).text(&["wrong-types"]);
    assert_eq!(said.lines().count(), 12, "{said}");
    for line in said.lines() {
        assert!(line.contains("Error: "), "{line}");
    }
}

#[test]
fn clocks_and_numbers_are_those_of_the_transaction() {
    let guest = Foreign::of(&component());
    let at = |nonce, seconds| -> Vec<Value> {
        let processed = guest.simulate_at(&["dice"], nonce, seconds);
        serde_json::from_slice(&processed.response.response.unwrap().payload).unwrap()
    };
    let first = at("one", 1_700_000_000);
    assert_eq!(at("one", 1_700_000_000), first);
    let other = at("two", 1_700_000_000);
    for index in 0..3 {
        assert_ne!(first[index], other[index], "number {index}");
    }
    assert_eq!(first[4], "2023-11-14T22:13:20.123000+00:00");
    assert_eq!(at("one", 1_600_000_000)[4], "2020-09-13T12:26:40.123000+00:00");
}

#[test]
fn the_library_and_the_requirements_are_in_the_component() {
    let guest = Foreign::of(&component());
    let said = evaluated(&guest, &["library"]);
    let day = "2025-01-31T00:00:00";
    let expected = json!([day, "0.3", "1/3", "5", "xn--bcher-kva.example", "b", 110_000]);
    assert_eq!(said, expected);
    let files = evaluated(&guest, &["files"]);
    assert_eq!(files, json!([3, 3, "2.1.0", true, 5]));
    let encoded = guest.text(&["encoded", "\u{e4}", "iso8859-15", "cp850", "gb18030"]);
    assert_eq!(encoded, "e4 84 81308a31");
    let client = evaluated(&guest, &["identity"]);
    assert_eq!(client["units"], json!(["client"]));
    assert!(client["name"].as_str().unwrap().starts_with("User1"), "{client}");
    assert!(client["subject"].as_str().unwrap().starts_with("CN=User1"), "{client}");
    assert_eq!(client["role"], Value::Null);
    assert_eq!(guest.text(&["logged", "words"]), "");
    guest.submit(&["pput", "secrets", "a", "1"]);
    assert_eq!(guest.text(&["private-many", "secrets", "a", "b"]), "1,-");
    guest.submit(&["mput", "row", "250"]);
    assert_eq!(guest.text(&["early", "row", "rox"]), "row00000");
    assert_eq!(guest.text(&["lock", "row00000"]), "1");
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned()).concat()
}

#[test]
fn the_package_and_the_samples_pass_their_own_tests() {
    let tools = PythonTools::ensure().unwrap();
    for folder in [python_components::SDK, "sample-chaincodes/python"] {
        let mut pytest = tools.python();
        pytest.args(["-m", "pytest", "-q", "-p", "no:cacheprovider"]);
        let output = pytest.current_dir(root().join(folder)).output().unwrap();
        assert!(output.status.success(), "{folder}: {}", said(&output));
    }
}

/// Runs the program in a folder, with the Python of the tests.
fn wasmcc(folder: &Path, args: &[&str]) -> Output {
    let tools = PythonTools::ensure().unwrap();
    let mut command = Command::new(program());
    command.args(args).current_dir(folder).envs(tools.environment()).env_remove("WASMCC");
    command.env("PYTHONDONTWRITEBYTECODE", "1").output().unwrap()
}

#[test]
fn a_build_refuses_what_a_transaction_cannot_have() {
    let desk = TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs::write(desk.path().join(name), text).unwrap();
    let refused = || {
        let output = wasmcc(desk.path(), &["build"]);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        said(&output)
    };
    write("pyproject.toml", "[project]\nname = \"x\"\n");
    let none = refused();
    assert!(none.contains("neither contract.py nor chaincode.py"), "{none}");
    write("contract.py", "import json\nimport socket\n\ndef f():\n    open('x')\n");
    let network = refused();
    assert!(network.contains("contract.py:2: socket: a transaction has no network"), "{network}");
    assert!(network.contains("contract.py:5: open: a transaction has no files"), "{network}");
    assert!(network.contains("does not compile"), "{network}");
}

/// A new contract as a user makes it, except for the environment, which the tests share.
#[test]
fn a_new_contract_in_python_passes_its_tests() {
    let desk = TempDir::new().unwrap();
    let run = |folder: &Path, args: &[&str]| {
        let output = wasmcc(folder, args);
        assert!(output.status.success(), "{args:?}: {}", said(&output));
        said(&output)
    };
    let sdk = root().to_str().unwrap();
    run(desk.path(), &["new", "assets", "--lang", "python", "--sdk", sdk]);
    let folder = desk.path().join("assets");
    let tested = run(&folder, &["test", "--twice"]);
    assert!(tested.contains("7 passed"), "{tested}");
    let built = Command::new(program())
        .args(["build", "--json"])
        .current_dir(&folder)
        .envs(PythonTools::ensure().unwrap().environment())
        .output()
        .unwrap();
    let built: Value = serde_json::from_slice(&built.stdout).unwrap();
    assert!(built["path"].as_str().unwrap().ends_with(".wasmcc/contract.wasm"), "{built}");
}
