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
    // Long names and those at the end of the alphabet move lines and imports about.
    let long = format!("z{}", "-long".repeat(12));
    for name in ["a", &long] {
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

/// The lines of a document's blocks of commands.
fn commands(document: &str) -> Vec<String> {
    let text = fs::read_to_string(xtask::root().join(document)).unwrap();
    let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.flat_map(str::lines).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn the_tutorial_runs_as_it_is_written() {
    let desk = Desk::new();
    let (target, _guard) = target();
    let (mut folder, mut variables) = (desk.path("."), Vec::<(String, String)>::new());
    let mut peers = Vec::new();
    let path =
        format!("{}:{}", program().parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut last = String::new();
    let commands = commands("docs/contracts.md");
    for line in &commands {
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut command = Command::new("bash");
        command.current_dir(&folder).env("PATH", &path).stdin(Stdio::null());
        // The folder of the peer is the default one; its port is not, since others may run.
        command.env("CARGO_TARGET_DIR", &target).env("CARGO_NET_OFFLINE", "true");
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        match words.as_slice() {
            ["cd", to] => folder = folder.join(to),
            ["export", assignment] => {
                let (name, value) = assignment.split_once('=').unwrap();
                variables.push((name.to_owned(), value.to_owned()));
            }
            [.., "&"] => {
                let line = line.trim_end_matches(" &");
                command.args(["-c", &format!("exec {line} --listen 127.0.0.1:0")]);
                let peer = Background::start(command);
                variables.push(("WASMCC_PEER".to_owned(), peer.address.clone()));
                peers.push(peer);
            }
            _ => {
                // Components are where the target folder is.
                let line = line.replace("target/wasm32-wasip2", "$CARGO_TARGET_DIR/wasm32-wasip2");
                let output = command.args(["-c", &line]).output().unwrap();
                let err = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{line}: {err}");
                last = String::from_utf8(output.stdout).unwrap();
            }
        }
        if let ["wasmcc", "new", name] = words[..] {
            let lock = folder.join(name).join("Cargo.lock");
            fs::copy(xtask::root().join("Cargo.lock"), lock).unwrap();
        }
    }
    assert!(commands.len() > 8, "{commands:?}");
    assert!(last.contains(r#""Owner":"Org1MSP""#), "{last}");
}

/// A peer that is ended with this value.
struct Background {
    child: std::process::Child,
    address: String,
}

impl Background {
    fn start(mut command: Command) -> Self {
        use std::io::BufRead;
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        let out = child.stdout.take().unwrap();
        std::io::BufReader::new(out).read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("ready on ").unwrap_or_else(|| panic!("{line}"));
        Self { address: address.to_owned(), child }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_contract_that_depends_on_the_order_of_a_map_is_found() {
    let desk = Desk::new();
    desk.contract("careless");
    let source = desk.path("careless/src/lib.rs");
    let careless = "let order = std::collections::HashMap::from([(1, 0), (2, 0), (3, 0), (4, 0), \
                    (5, 0), (6, 0), (7, 0), (8, 0)]);\n        let order: Vec<u8> = \
                    order.into_keys().collect();\n        ctx.put(\"order\", &order)?;\n        \
                    ctx.put(&asset.id, &asset)?;\n        ctx.set_event";
    replace(&source, "ctx.put(&asset.id, &asset)?;\n        ctx.set_event", careless);
    desk.run("careless", &["test", "--", "--test", "sandbox", "--", "an_asset_goes"]).ok();
    let twice = ["test", "--twice", "--", "--test", "sandbox", "--", "an_asset_goes"];
    let found = desk.run("careless", &twice);
    assert!(found.out.contains("with other random numbers"), "{found:?}");
    assert!(found.out.contains("in careless::AssetTransfer::create_asset"), "{found:?}");
    assert!(found.out.contains("put-state key \\\"order\\\" value"), "{found:?}");
    found.failed(1);
}

#[test]
fn a_new_contract_overwrites_nothing() {
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
    let said = desk.run(".", &["new", "other", "--lang", "python"]).failed(1);
    assert!(said.contains("in Rust, TypeScript, Go and C only"), "{said}");
    assert!(said.contains("docs/languages.md"), "{said}");
    assert!(!desk.path("other").exists());
    desk.run(".", &["new", "other", "--lang", "cobol"]).failed(2);
    let said = desk.run(".", &["new", "other", "--sdk", "nested"]).failed(1);
    assert!(said.contains("nested is no checkout of wasmcc"), "{said}");
}
