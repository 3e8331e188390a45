//! A new contract as it comes out of `wasmcc new`: it builds, its tests pass, a peer takes it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;
use wasmcc_tests::program::{Run, Site, program};

/// A folder in which contracts are made.
struct Desk(TempDir);

/// What all new contracts of these tests are built in, so that the SDK is built once. One cargo at
/// a time: it waits for others anyway.
fn target() -> (PathBuf, std::sync::MutexGuard<'static, ()>) {
    static ONE: Mutex<()> = Mutex::new(());
    let guard = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    (xtask::cargo::target_dir().unwrap().join("new-contract"), guard)
}

impl Desk {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs the program in a folder, which need not have a network or a peer.
    fn run(&self, folder: &str, args: &[&str]) -> Run {
        let (target, _guard) = target();
        let mut command = Command::new(program());
        command
            .args(args)
            .current_dir(self.path(folder))
            .env("CARGO_TARGET_DIR", target)
            // The lock file names what this repository is built of.
            .env("CARGO_NET_OFFLINE", "true")
            .env_remove("WASMCC")
            .stdin(Stdio::null());
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Run { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// A new contract that resolves to what this repository is built of.
    fn contract(&self, name: &str) {
        let sdk = xtask::root().to_str().unwrap();
        self.run(".", &["new", name, "--sdk", sdk]).ok();
        fs::copy(xtask::root().join("Cargo.lock"), self.path(name).join("Cargo.lock")).unwrap();
    }
}

fn replace(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from} is not in {}", path.display());
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn a_new_contract_is_tested_built_and_taken_by_a_peer() {
    let desk = Desk::new();
    desk.contract("my-assets");
    let tested = desk.run("my-assets", &["test"]).ok();
    assert!(tested.out.contains("tests::a_deleted_asset_is_gone ... ok"), "{tested:?}");
    assert!(tested.out.contains("an_asset_goes_from_one_organization_to_another ... ok"));

    let built = desk.run("my-assets", &["build"]).ok();
    assert!(built.out.contains("my_assets.wasm: ") && built.out.contains(" bytes, sha256 "));
    let built = desk.run("my-assets/src", &["build", "--json"]).ok().json();
    let component = built["path"].as_str().unwrap();
    assert!(component.ends_with("wasm32-wasip2/release/my_assets.wasm"), "{component}");
    assert_eq!(built["bytes"], fs::metadata(component).unwrap().len());
    let checked = desk.run(".", &["check", "my-assets"]).ok();
    assert!(checked.out.contains("my_assets.wasm is accepted"), "{checked:?}");

    let site = Site::new();
    let peer = site.peer(&["--in-memory"]);
    peer.run(&["deploy", component, "--name", "my-assets"]).ok();
    let create = r#"{"Args":["CreateAsset","asset1","blue","300"]}"#;
    peer.run(&["invoke", "-n", "my-assets", "-c", create]).ok();
    let read = peer.run(&["query", "-n", "my-assets", "-c", r#"{"Args":["ReadAsset","asset1"]}"#]);
    let expected = r#"{"ID":"asset1","Color":"blue","Owner":"Org1MSP","AppraisedValue":300}"#;
    assert_eq!(read.ok().out.trim_end(), expected);
}

#[test]
fn a_new_contract_is_formatted_and_small() {
    let desk = Desk::new();
    // The longest and the last of names move lines and imports about.
    for name in ["a", "zz-top"] {
        desk.contract(name);
        let formatted = Command::new("cargo")
            .args(["fmt", "--check", "--manifest-path"])
            .arg(desk.path(name).join("Cargo.toml"))
            .output()
            .unwrap();
        assert!(formatted.status.success(), "{}", String::from_utf8_lossy(&formatted.stdout));
    }
    let mut crates = std::collections::BTreeSet::new();
    for target in ["wasm32-wasip2", "x86_64-unknown-linux-gnu"] {
        let tree = Command::new("cargo")
            .args(["tree", "--offline", "--no-dedupe", "--prefix", "none", "--format", "{p}"])
            .args(["--target", target, "--manifest-path"])
            .arg(desk.path("a").join("Cargo.toml"))
            .output()
            .unwrap();
        assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
        let lines = String::from_utf8(tree.stdout).unwrap();
        crates.extend(lines.lines().filter_map(|l| l.split(' ').next()).map(str::to_owned));
    }
    assert!(crates.contains("wasmcc-test") && crates.contains("wit-bindgen"), "{crates:?}");
    assert!(crates.len() <= 60, "{} crates: {crates:?}", crates.len());
}

#[test]
fn tests_that_fail_and_contracts_that_do_not_compile_are_failures() {
    let desk = Desk::new();
    desk.contract("broken");
    let source = desk.path("broken/src/lib.rs");
    replace(&source, "ctx.del_state(id)", "ctx.del_state(&id.to_uppercase())");
    let failed = desk.run("broken", &["test", "--", "--lib"]);
    assert!(failed.out.contains("tests::a_deleted_asset_is_gone ... FAILED"), "{failed:?}");
    assert!(failed.failed(1).contains("error: the tests of "));
    replace(&source, "ctx.del_state(&id.to_uppercase())", "ctx.del_state(7)");
    for verb in ["test", "build"] {
        let said = desk.run("broken", &[verb]).failed(1);
        assert!(said.contains("mismatched types") && said.contains("does not compile"), "{said}");
    }
}

#[test]
fn a_component_that_a_peer_would_refuse_is_not_a_success() {
    let desk = Desk::new();
    desk.contract("small");
    let said = desk.run("small", &["build", "--memory-mib", "1", "--dev"]).failed(1);
    assert!(said.contains("is built, but a peer would refuse it"), "{said}");
}

#[test]
fn a_new_contract_overwrites_nothing_and_is_in_rust() {
    let desk = Desk::new();
    desk.run(".", &["new", "nested/one"]).ok();
    let files = ["Cargo.toml", "README.md", "src/lib.rs", "tests/sandbox.rs", ".gitignore"];
    for file in files.iter().chain(&[".github/workflows/ci.yml"]) {
        assert!(desk.path("nested/one").join(file).is_file(), "{file}");
    }
    let said = desk.run(".", &["new", "nested/one"]).failed(1);
    assert!(said.contains("exists and is not empty"), "{said}");
    fs::create_dir(desk.path("empty")).unwrap();
    desk.run(".", &["new", "empty"]).ok();
    let said = desk.run(".", &["new", "fn"]).failed(1);
    assert!(said.contains("cannot be called fn"), "{said}");
    for lang in ["go", "python", "typescript"] {
        let said = desk.run(".", &["new", "other", "--lang", lang]).failed(1);
        assert!(said.contains("in Rust only") && said.contains("docs/languages.md"), "{said}");
    }
    assert!(!desk.path("other").exists());
    desk.run(".", &["new", "other", "--lang", "cobol"]).failed(2);
    let said = desk.run(".", &["new", "other", "--sdk", "nested"]).failed(1);
    assert!(said.contains("nested is no checkout of wasmcc"), "{said}");
}
