//! A new contract from `wasmcc new`: it builds, its tests pass, a peer accepts it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;
use wasmcc_tests::dev::FREE_PORTS;
use wasmcc_tests::program::{Run, Site, program, without_settings};

/// A folder for new contracts.
pub(crate) struct Desk(TempDir);

/// Returns the target folder of all new contracts of these tests, so that the SDK is built once.
/// One cargo runs at a time: others would wait for it anyway.
fn target() -> (PathBuf, std::sync::MutexGuard<'static, ()>) {
    static ONE: Mutex<()> = Mutex::new(());
    let guard = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    (xtask::cargo::target_dir().unwrap().join("new-contract"), guard)
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs the program in a folder, which need not have a network or a peer.
    pub(crate) fn run(&self, folder: &str, args: &[&str]) -> Run {
        let (target, _guard) = target();
        let mut command = Command::new(program());
        without_settings(&mut command);
        command
            .args(args)
            .current_dir(self.path(folder))
            .env("CARGO_TARGET_DIR", target)
            // The lock file names the dependencies of this repository.
            .env("CARGO_NET_OFFLINE", "true")
            .stdin(Stdio::null());
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Run { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Makes a new contract that resolves to the dependencies of this repository.
    pub(crate) fn contract(&self, name: &str) {
        let sdk = xtask::root().to_str().unwrap();
        self.run(".", &["new", name, "--sdk", sdk]).ok();
        fs::copy(xtask::root().join("Cargo.lock"), self.path(name).join("Cargo.lock")).unwrap();
    }
}

pub(crate) fn replace(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from} is not in {}", path.display());
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn a_new_contract_is_tested_built_and_taken_by_a_peer() {
    let desk = Desk::new();
    desk.contract("my-assets");
    let source = desk.path("my-assets/src/lib.rs");
    let (behind, sum) = (
        "    /// Returns all assets, sorted by id.",
        "    #[transaction]\n    fn sum(&self, _ctx: &Context, a: u64, b: u64) -> Result<u64> \
         { Ok(a + b) }\n\n",
    );
    replace(&source, behind, &format!("{sum}{behind}"));
    let tested = desk.run("my-assets", &["test"]).ok();
    assert!(tested.out.contains("tests::a_deleted_asset_is_gone ... ok"), "{tested:?}");
    assert!(tested.out.contains("an_asset_goes_from_one_organization_to_another ... ok"));

    let built = desk.run("my-assets", &["build"]).ok();
    assert!(built.out.contains("my_assets.wasm: ") && built.out.contains(" bytes, sha256 "));
    let built = desk.run("my-assets/src", &["build", "--json"]).ok().json();
    let component = built["path"].as_str().unwrap();
    assert!(component.ends_with("wasm32-wasip2/release/my_assets.wasm"), "{component}");
    assert_eq!(built["bytes"], fs::metadata(component).unwrap().len());
    let bytes = fs::read(component).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("/cargo/registry/src/"), "no place of a dependency");
    for folder in ["/.cargo/", "/.rustup/"] {
        assert!(!text.contains(folder), "{folder} of this machine is in the component");
    }
    // Otherwise each would rebuild what the other has built.
    assert_eq!(xtask::guests::cargo_config(), wasmcc_node::sandbox::cargo_config(xtask::root()));
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
    // The deployed code traps like the tested code.
    let sum = format!(r#"{{"Args":["Sum","{}","1"]}}"#, u64::MAX);
    let said = peer.run(&["query", "-n", "my-assets", "-c", &sum]).failed(1);
    assert!(said.contains("attempt to add with overflow"), "{said}");
}

#[test]
fn a_new_contract_is_formatted_and_small() {
    let desk = Desk::new();
    // Long names, and names at the end of the alphabet, move lines and imports.
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
    // Passed as an argument of cargo.
    let said = desk.run("broken", &["test", "--", "--nocapture"]).failed(1);
    assert!(said.contains("follow a second --: wasmcc test -- -- --nocapture"), "{said}");
    let source = desk.path("broken/src/lib.rs");
    replace(&source, "ctx.del_state(id)", "ctx.del_state(&id.to_uppercase())");
    let failed = desk.run("broken", &["test", "--", "--lib"]);
    assert!(failed.out.contains("tests::a_deleted_asset_is_gone ... FAILED"), "{failed:?}");
    let said = failed.failed(1);
    assert!(said.contains("error: the tests of ") && !said.contains("hint"), "{said}");
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

/// A code block of a document.
enum Block {
    /// The lines of a block of commands.
    Commands(Vec<String>),
    /// A block of Rust whose first line is the name of its file.
    File { path: String, text: String },
}

fn blocks(document: &str) -> Vec<Block> {
    let text = fs::read_to_string(xtask::root().join(document)).unwrap();
    // Every second part is within a block.
    let blocks = text.split("```").skip(1).step_by(2);
    let block = |block: &str| {
        let (language, text) = block.split_once('\n')?;
        match language {
            "sh" => {
                let lines = text.lines().filter(|line| !line.is_empty());
                Some(Block::Commands(lines.map(str::to_owned).collect()))
            }
            "rust" => {
                let (path, text) = text.strip_prefix("// ")?.split_once('\n')?;
                Some(Block::File { path: path.to_owned(), text: text.to_owned() })
            }
            _ => None,
        }
    };
    blocks.filter_map(block).collect()
}

/// A shell that runs the commands of a document.
struct Shell {
    folder: PathBuf,
    target: PathBuf,
    search: String,
    variables: Vec<(String, String)>,
    peers: Vec<Background>,
    /// The output of the last command.
    last: String,
}

impl Shell {
    fn new(desk: &Desk, target: PathBuf) -> Self {
        let programs = program().parent().unwrap().display();
        let search = format!("{programs}:{}", std::env::var("PATH").unwrap());
        let (folder, last) = (desk.path("."), String::new());
        Self { folder, target, search, variables: Vec::new(), peers: Vec::new(), last }
    }

    fn bash(&self, line: &str) -> Command {
        let mut command = Command::new("bash");
        without_settings(&mut command);
        command.args(["-c", line]).current_dir(&self.folder).stdin(Stdio::null());
        command.env("PATH", &self.search);
        command.env("CARGO_TARGET_DIR", &self.target).env("CARGO_NET_OFFLINE", "true");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    fn run(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["cd", to] => self.folder = self.folder.join(to),
            ["export", assignment] => {
                let (name, value) = assignment.split_once('=').unwrap();
                self.variables.push((name.to_owned(), value.to_owned()));
            }
            // Other networks may run, so the ports are not the default ones.
            ["wasmcc", "dev", .., "&"] => {
                let line = line.trim_end_matches(" &");
                let line = format!("exec {line} {}", FREE_PORTS.join(" "));
                self.peers.push(Background::start(self.bash(&line)));
            }
            [.., "&"] => {
                let line = line.trim_end_matches(" &");
                let line = format!("exec {line} --listen 127.0.0.1:0");
                let peer = Background::start(self.bash(&line));
                self.variables.push(("WASMCC_PEER".to_owned(), peer.address.clone()));
                self.peers.push(peer);
            }
            _ => {
                // Components are in the target folder.
                let line = line.replace("target/wasm32-wasip2", "$CARGO_TARGET_DIR/wasm32-wasip2");
                let output = self.bash(&line).output().unwrap();
                let (out, err) = (&output.stdout, String::from_utf8_lossy(&output.stderr));
                self.last = String::from_utf8_lossy(out).into_owned();
                assert!(output.status.success(), "{line}: {err}\n{}", self.last);
            }
        }
        if let ["wasmcc", "new", name] = words[..] {
            let lock = self.folder.join(name).join("Cargo.lock");
            fs::copy(xtask::root().join("Cargo.lock"), lock).unwrap();
        }
    }
}

/// Follows a document in its order, and returns the commands with their output.
fn follow(document: &str) -> Vec<(String, String)> {
    let desk = Desk::new();
    let (target, _guard) = target();
    let mut shell = Shell::new(&desk, target);
    let mut done = Vec::new();
    for block in blocks(document) {
        match block {
            Block::Commands(lines) => {
                for line in lines {
                    shell.run(&line);
                    done.push((line, shell.last.clone()));
                }
            }
            Block::File { path, text } => fs::write(shell.folder.join(path), text).unwrap(),
        }
    }
    done
}

#[test]
fn the_page_about_contracts_runs_as_it_is_written() {
    let done = follow("docs/contracts.md");
    assert!(done.len() > 8, "{done:?}");
    let (_, last) = done.last().unwrap();
    assert!(last.contains(r#""Owner":"Org1MSP""#), "{last}");
}

#[test]
fn the_tutorial_runs_as_it_is_written() {
    let done = follow("docs/tutorial.md");
    let said = |command: &str| {
        let found = done.iter().rev().find(|(line, _)| line.contains(command));
        found.map(|(_, said)| said.as_str()).unwrap_or_else(|| panic!("{command}: {done:?}"))
    };
    let asset = r#"{"ID":"asset1","Color":"blue","Owner":"Org1MSP","AppraisedValue":300}"#;
    assert_eq!(said("ReadAsset").trim_end(), asset);
    assert!(said("logs --tail 3").contains("my-contract.TransferAsset"), "{done:?}");
    assert!(said("cargo test --lib").contains("audit::tests::only_auditors_count ... ok"));
    assert!(said("--test audit").contains("only_auditors_count ... ok"));
    assert_eq!(said("Audit:Count").trim_end(), "1");
}

/// A peer that ends when this is dropped.
struct Background {
    child: std::process::Child,
    address: String,
}

impl Background {
    fn start(mut command: Command) -> Self {
        use std::io::BufRead;
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
        let (mut line, mut said) = (String::new(), String::new());
        let address = loop {
            line.clear();
            assert!(out.read_line(&mut line).unwrap() > 0, "it has ended: {said}");
            said.push_str(&line);
            if let Some(address) = line.strip_prefix("ready on ") {
                break address.split(';').next().unwrap_or_default().trim_end().to_owned();
            }
        };
        // Read to its end: otherwise the process would block on a full pipe.
        std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
        Self { address, child }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // The process may have ended.
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
    assert!(
        found.out.contains("in careless::AssetTransfer::create_asset (src/lib.rs:"),
        "{found:?}"
    );
    let line = fs::read_to_string(&source).unwrap();
    let line = line.lines().position(|line| line.contains("ctx.put(\"order\"")).unwrap() + 1;
    assert!(found.out.contains(&format!("(src/lib.rs:{line})")), "{found:?}");
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
    assert!(!desk.path("other").exists());
    desk.run(".", &["new", "other", "--lang", "cobol"]).failed(2);
    let said = desk.run(".", &["new", "other", "--sdk", "nested"]).failed(1);
    assert!(said.contains("nested is not a checkout of wasmcc"), "{said}");
}
