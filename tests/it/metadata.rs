//! The metadata of contracts is valid by the schema of fabric-contract-api. The validator is the
//! one of fabric-shim.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;
use wasmcc_node::sandbox::{Call, Sandbox};
use wasmcc_tests::guest;
use xtask::{npm, root};

/// Returns the validator's errors; empty if there are none.
pub(crate) fn faults(metadata: &Value) -> String {
    let folder = root().join("tests/node-chaincode");
    npm::ensure(&folder).unwrap();
    let mut node = Command::new("node");
    node.arg("validate.js").current_dir(&folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut node = node.spawn().unwrap();
    let mut input = node.stdin.take().unwrap();
    input.write_all(metadata.to_string().as_bytes()).unwrap();
    drop(input);
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "the validator has failed");
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the metadata of a deployed contract.
fn metadata(sandbox: &Sandbox, name: &str) -> Value {
    let asked = sandbox.evaluate(Call::new(name, "org.hyperledger.fabric:GetMetadata")).unwrap();
    serde_json::from_slice(&asked.response.payload).unwrap()
}

#[test]
fn that_of_every_sample_in_rust_is_valid() {
    let entries = fs::read_dir(root().join("sample-chaincodes")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let samples = paths.filter(|path| path.join("Cargo.toml").is_file());
    let names = samples.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned());
    let names: Vec<String> = names.chain(["records".to_owned()]).collect();
    assert!(names.len() > 12, "{names:?}");
    let sandbox = Sandbox::new().unwrap();
    for name in &names {
        sandbox.deploy(name, &guest(name)).unwrap();
        let metadata = metadata(&sandbox, name);
        let contracts = metadata["contracts"].as_object().unwrap();
        assert!(contracts.len() > 1, "{name}: {metadata:#}");
        assert_eq!(faults(&metadata), "", "{name}: {metadata:#}");
    }
}

#[test]
fn the_validator_finds_faults() {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("basic", &guest("asset-transfer-basic")).unwrap();
    let valid = metadata(&sandbox, "basic");
    let fault = |at: &str, value: Option<Value>| {
        let mut broken = valid.clone();
        let (parent, member) = at.rsplit_once('/').unwrap();
        let parent = broken.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        match value {
            Some(value) => parent.insert(member.to_owned(), value),
            None => parent.remove(member),
        };
        faults(&broken)
    };
    let missing = fault("/info/version", None);
    assert!(missing.contains("data.info should have required property 'version'"), "{missing}");
    let wrong = fault("/contracts/AssetTransfer/transactions", Some(5.into()));
    assert!(wrong.contains("transactions should be array"), "{wrong}");
    let odd = fault("/components/schemas/Asset/properties", Some("text".into()));
    assert!(!odd.is_empty());
}
