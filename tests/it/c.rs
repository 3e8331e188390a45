//! Contracts in C on `fabric.h` become components, and a build says what is missing.

use std::fs;
use std::process::Command;

use tempfile::TempDir;
use wasmcc_node::sandbox::{Call, Sandbox};
use wasmcc_tests::built::{component, with_compilers};
use wasmcc_tests::program::program;

use crate::samples_of_assets;

#[test]
fn the_sample_answers_as_fabrics_samples_do() {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("basic", &component("sample-chaincodes/c/asset-transfer-basic")).unwrap();
    samples_of_assets::answers_as_fabrics_samples_do(&sandbox);
    samples_of_assets::refuses_arguments_as_go_does(&sandbox);
}

#[test]
fn a_new_contract_is_built_and_runs() {
    let folder = TempDir::new().unwrap();
    let sdk = xtask::root().to_str().unwrap();
    with_compilers(folder.path(), &["new", "my-assets", "--lang", "c", "--sdk", sdk]).ok();
    let contract = folder.path().join("my-assets");
    let built = with_compilers(&contract, &["build", "--json"]).ok().json();
    let component = fs::read(built["path"].as_str().unwrap()).unwrap();
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("assets", &component).unwrap();
    let of = |name: &str, args: &[&str]| Call::new("assets", name).args(args.iter().copied());
    let made = sandbox.submit(of("CreateAsset", &["asset1", "blue", "300"])).unwrap().endorsed;
    assert_eq!(made.event.as_ref().unwrap().name, "CreateAsset");
    let asset = r#"{"ID":"asset1","Color":"blue","Owner":"Org1MSP","AppraisedValue":300}"#;
    assert_eq!(sandbox.evaluate(of("ReadAsset", &["asset1"])).unwrap().text(), asset);
    assert_eq!(sandbox.evaluate(of("GetAllAssets", &[])).unwrap().text(), format!("[{asset}]"));
    let refused = sandbox.endorse(of("CreateAsset", &["asset2", "blue", "x"])).unwrap();
    assert_eq!(refused.response.message, "the value x is no number");

    let said = with_compilers(&contract, &["test"]).failed(1);
    assert!(said.contains("there is no Makefile"), "{said}");
    let source = contract.join("contract.c");
    let text = fs::read_to_string(&source).unwrap();
    fs::write(&source, text.replace("fabric_success(old_owner)", "fabric_success(old_ower)"))
        .unwrap();
    let said = with_compilers(&contract, &["build"]).failed(1);
    assert!(said.contains("does not compile") && said.contains("contract.c:"), "{said}");
    assert!(said.contains("old_ower"), "{said}");
}

#[test]
fn a_missing_compiler_is_named() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("contract.c"), "#include \"fabric.h\"\n").unwrap();
    fs::create_dir(folder.path().join("go")).unwrap();
    fs::write(folder.path().join("go/go.mod"), "module x\n").unwrap();
    for (place, hint) in [(".", "install Zig"), ("go", "install Go 1.24 or newer")] {
        let built = Command::new(program())
            .args(["build", place])
            .current_dir(folder.path())
            .env("PATH", folder.path())
            .env_remove("WASI_SDK_PATH")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&built.stderr).into_owned();
        assert!(built.status.code() == Some(1) && said.contains(hint), "{said}");
    }
}
