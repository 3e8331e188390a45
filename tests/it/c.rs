//! Contracts in C on `fabric.h` become components, and a build reports what is missing.

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

const CALLS: &str = r#"
#include "fabric.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

fabric_response chaincode_init(void) { return fabric_success(FABRIC_EMPTY); }

fabric_response chaincode_invoke(void) {
  fabric_list args = fabric_get_args();
  fabric_bytes key;
  if (fabric_equal(args.at[0], fabric_text("sleep"))) usleep(100);
  assert(!fabric_equal(args.at[0], fabric_text("assert")));
  if (fabric_equal(args.at[0], fabric_text("write"))) {
    fabric_put_state(fabric_text("large"), args.at[1]);
    return fabric_success(FABRIC_EMPTY);
  }
  if (fabric_equal(args.at[0], fabric_text("join"))) {
    fabric_buffer joined = {0};
    for (int i = 0; i < 1000; i++) fabric_append(&joined, args.at[1]);
    const char *last = joined.text.at + joined.text.length - args.at[1].length;
    assert(memcmp(last, args.at[1].at, args.at[1].length) == 0);
    return fabric_success(fabric_format("%u", joined.text.length));
  }
  if (fabric_equal(args.at[0], fabric_text("double"))) {
    fabric_buffer doubled = {0};
    fabric_append(&doubled, args.at[1]);
    fabric_bytes first = doubled.text;
    for (int length = 2; length < 2048; length *= 2) {
      fabric_append(&doubled, doubled.text);
      fabric_format("%0*d", length - 1, 7);
    }
    assert(fabric_equal(first, args.at[1]));
    return fabric_success(doubled.text);
  }
  // Until memory is used up.
  while (fabric_equal(args.at[0], fabric_text("read")))
    fabric_get_state(fabric_text("large"), &key);
  if (fabric_create_composite_key(args.at[0], args, &key) != FABRIC_OK)
    return fabric_error(fabric_reason());
  return fabric_success(key);
}
"#;

#[test]
fn asserts_hold_nothing_sleeps_and_keys_are_utf_8() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("contract.c"), CALLS).unwrap();
    let build = |args: &[&str]| with_compilers(folder.path(), &[&["build"], args].concat());
    build(&[]).ok();
    let component = folder.path().join(".wasmcc/contract.wasm");
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("calls", &fs::read(&component).unwrap()).unwrap();
    let answer = |name: &str, args: &[&[u8]]| {
        sandbox.endorse(Call::new("calls", name).args(args.iter().copied())).unwrap().response
    };
    let said = answer("assert", &[]).message;
    assert!(said.contains("Assertion failed: !fabric_equal(args.at[0]"), "{said}");
    let said = answer("sleep", &[]).message;
    assert!(said.contains("it tried to sleep, but a transaction's clock stands still"), "{said}");
    for text in ["", "x", "\u{7f}\u{80}\u{7ff}\u{800}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10fffe}"] {
        assert_eq!(answer("key", &[text.as_bytes()]).status, 200, "{text:?}");
    }
    for (text, hex) in [
        (&b"x\xff"[..], "78ff"),
        (b"\x80", "80"),
        (b"\xc1\xbf", "c1bf"),
        (b"\xe2\x82", "e282"),
        (b"\xe0\x9f\xbf", "e09fbf"),
        (b"\xed\xa0\x80", "eda080"),
        (b"\xf4\x90\x80\x80", "f4908080"),
    ] {
        assert_eq!(answer("key", &[text]).message, format!("not a valid utf8 string: [{hex}]"));
    }

    // A text of 20 MB is joined from pieces, without that much memory per piece.
    assert_eq!(answer("join", &[&[b'v'; 20_000]]).payload, b"20000000");
    // A text that is appended to itself.
    let doubled = answer("double", &[b"ab"]);
    assert_eq!((doubled.payload, doubled.message), (b"ab".repeat(1024), String::new()));

    // Memory is used up while the host passes a value.
    sandbox.submit(Call::new("calls", "write").args([vec![b'v'; 20_000_000]])).unwrap();
    let said = answer("read", &[]).message;
    let refused = "unreachable code (a panic or an abort) after it was refused more than";
    assert!(said.contains(refused), "{said}");

    let said = build(&["--", "-o", "x.wasm"]).failed(1);
    assert!(said.contains("always written to") && said.contains(".wasmcc/contract.wasm"), "{said}");
    assert!(build(&["--", "-ox.wasm"]).failed(1).contains("the compiler wrote no module"));
    // The user's `NDEBUG` removes asserts.
    build(&["--", "-DNDEBUG"]).ok();
    sandbox.deploy("silent", &fs::read(&component).unwrap()).unwrap();
    let silent = sandbox.endorse(Call::new("silent", "assert")).unwrap().response;
    assert_eq!(silent.status, 200);
}

#[test]
fn sources_that_are_not_compiled_are_named() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    fs::create_dir(folder.path().join("src")).unwrap();
    write("src/init.cpp", "extern \"C\" void chaincode_init(void) {}\n");
    let invoke = "fabric_response chaincode_invoke(void) { return fabric_success(FABRIC_EMPTY); }";
    write("contract.c", &format!("#include \"fabric.h\"\n{invoke}\n"));
    let warning = "warning: src/init.cpp is not compiled: a contract is in C, not in C++";
    let said = with_compilers(folder.path(), &["build"]).failed(1);
    assert!(said.contains(warning) && said.contains("chaincode_init"), "{said}");
    write("init.c", &format!("#include \"fabric.h\"\n{}\n", invoke.replace("_invoke", "_init")));
    let said = with_compilers(folder.path(), &["build"]).ok().err;
    assert!(said.contains(warning), "{said}");
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
    let built = Command::new(program())
        .args(["build", "."])
        .current_dir(folder.path())
        .env("WASI_SDK_PATH", folder.path().join("none"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&built.stderr).into_owned();
    let why = "WASI_SDK_PATH is set, but there is no ";
    assert!(built.status.code() == Some(1) && said.contains(why), "{said}");
    assert!(said.contains("none/bin/clang: correct or unset it"), "{said}");
}
