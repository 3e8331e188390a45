//! The program `wasmcc`, used like people do: a folder, processes in it, their output.
//!
//! Invariant: dropping the value ends its process.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test cannot go on without its program")]

use std::io::{BufRead, BufReader, Read};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;
use std::{env, fs, thread};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The network folder of a [`Site`].
pub const NETWORK: &str = "net";

/// Time limit for a line.
const PATIENCE: Duration = Duration::from_secs(120);

/// A temporary folder with a network, in which the program runs; removed when dropped.
pub struct Site {
    folder: TempDir,
}

/// The exit code and output of a process.
#[derive(Debug)]
pub struct Run {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// A running process; killed when dropped.
pub struct Process {
    child: Child,
    /// Standard error, line by line; closed at its end.
    err: Receiver<String>,
    seen: String,
}

/// A client of a peer.
pub struct Client<'a> {
    site: &'a Site,
    address: String,
}

/// A serving peer.
pub struct Peer<'a> {
    client: Client<'a>,
    /// The addresses of further organizations.
    others: Vec<Client<'a>>,
    process: Process,
}

/// Returns the program that `cargo xtask test` built, or builds it now.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| match env::var_os("WASMCC_PROGRAM") {
        Some(program) => program.into(),
        None => {
            xtask::cargo::run(&["build", "--quiet", "--package=wasmcc-cli", "--bin=wasmcc"])
                .unwrap();
            xtask::cargo::target_dir().unwrap().join("debug/wasmcc")
        }
    })
}

/// Removes settings of the caller's shell.
pub fn without_settings(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if ["WASMCC_", "CORE_", "FABRIC_LOGGING_"].iter().any(|start| text.starts_with(start))
            || ["WASMCC", "RUST_LOG"].contains(&&*text)
        {
            command.env_remove(&name);
        }
    }
}

/// Returns a command with a limit on open files; the arguments follow.
fn with_open_files(files: u32) -> Command {
    let script = format!("ulimit -n {files} && exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).arg(program());
    command
}

impl Site {
    /// Makes a folder with a network of one organization, made by the program.
    #[allow(clippy::new_without_default, reason = "a process and a folder are no default")]
    pub fn new() -> Self {
        let site = Self { folder: TempDir::new().unwrap() };
        site.run(&["network", NETWORK]).ok();
        site
    }

    /// Makes a folder with a network of two organizations, Org1MSP and Org2MSP.
    pub fn of_two() -> Self {
        let site = Self { folder: TempDir::new().unwrap() };
        let orgs = ["--org", "Org1MSP:org1.example.com", "--org", "Org2MSP:org2.example.com"];
        site.run(&[&["network", NETWORK][..], &orgs].concat()).ok();
        site
    }

    /// Runs the program in the folder until it ends, with a limit on open files.
    pub fn run_with_open_files(&self, files: u32, args: &[&str]) -> Run {
        self.start_command(with_open_files(files), args, None).end()
    }

    /// Returns a path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the program in the folder until it ends, with the network but without a peer.
    pub fn run(&self, args: &[&str]) -> Run {
        self.start(args, None).end()
    }

    /// As [`run`](Self::run), with these variables.
    pub fn run_with(&self, variables: &[(&str, &str)], args: &[&str]) -> Run {
        // `env` sets them, since settings of a shell are removed from the command.
        let mut command = Command::new("env");
        command.args(variables.iter().map(|(name, value)| format!("{name}={value}")));
        command.arg(program());
        self.start_command(command, args, None).end()
    }

    /// Starts the program in the folder.
    fn start(&self, args: &[&str], peer: Option<&str>) -> Process {
        self.start_command(Command::new(program()), args, peer)
    }

    fn start_command(&self, mut command: Command, args: &[&str], peer: Option<&str>) -> Process {
        without_settings(&mut command);
        command.args(args).current_dir(self.folder.path()).env("WASMCC_NETWORK", NETWORK);
        if let Some(address) = peer {
            command.env("WASMCC_PEER", address);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let pipe = BufReader::new(child.stderr.take().unwrap());
        let (sender, err) = mpsc::channel();
        // Reads all lines: otherwise the process would block on a full pipe.
        thread::spawn(move || {
            for line in pipe.split(b'\n').map_while(Result::ok) {
                // The receiver may already be dropped.
                let _ = sender.send(format!("{}\n", String::from_utf8_lossy(&line)));
            }
        });
        Process { child, err, seen: String::new() }
    }

    /// Starts the program in the folder with a peer's address, which need not exist yet.
    pub fn start_at(&self, address: &str, args: &[&str]) -> Process {
        self.start(args, Some(address))
    }

    /// Starts a peer on a free port that cuts blocks quickly.
    pub fn peer(&self, args: &[&str]) -> Peer<'_> {
        self.try_peer(&[args, &["--batch-timeout", "10ms"]].concat()).unwrap()
    }

    /// Starts a peer on a free port, and on another for each further `--listen`, `--orderer-listen`
    /// and `--orderer-admin-listen`, in this order.
    ///
    /// # Errors
    /// It ended before it served; the error is its output.
    pub fn try_peer(&self, args: &[&str]) -> Result<Peer<'_>, Run> {
        self.try_peer_command(Command::new(program()), args)
    }

    /// As [`peer`](Self::peer), with a limit on open files.
    pub fn peer_with_open_files(&self, files: u32, args: &[&str]) -> Peer<'_> {
        let args = [args, &["--batch-timeout", "10ms"]].concat();
        self.try_peer_command(with_open_files(files), &args).unwrap()
    }

    fn try_peer_command(&self, command: Command, args: &[&str]) -> Result<Peer<'_>, Run> {
        let args = [&["peer", "--listen", "127.0.0.1:0"], args].concat();
        let mut process = self.start_command(command, &args, None);
        let mut out = BufReader::new(process.child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        match line.trim_end().strip_prefix("ready on ") {
            Some(address) => {
                let client = |address: &str| Client { site: self, address: address.to_owned() };
                let first = client(address);
                let listens = ["--listen", "--orderer-listen", "--orderer-admin-listen"];
                let more = args.iter().filter(|arg| listens.contains(arg)).skip(1);
                let others = more.map(|_| {
                    let mut line = String::new();
                    out.read_line(&mut line).unwrap();
                    client(line.trim_end().rsplit(' ').next().unwrap())
                });
                Ok(Peer { others: others.collect(), client: first, process })
            }
            None => {
                out.read_to_string(&mut line).unwrap();
                Err(Run { out: line, ..process.end() })
            }
        }
    }
}

impl Run {
    /// Expects success.
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self
    }

    /// Expects an exit code and returns standard error.
    pub fn failed(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self.err
    }

    /// Returns standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

impl Process {
    /// Waits until a line on standard error contains this text.
    pub fn wait_for_line(&mut self, words: &str) {
        while !self.seen.contains(words) {
            match self.err.recv_timeout(PATIENCE) {
                Ok(line) => self.seen.push_str(&line),
                Err(why) => panic!("no {words:?} ({why}): {}", self.seen),
            }
        }
    }

    /// Returns the first line on standard error that contains this text; waits for it.
    pub fn line(&mut self, words: &str) -> String {
        self.wait_for_line(words);
        let found = self.seen.lines().find(|line| line.contains(words));
        found.unwrap_or_default().to_owned()
    }

    /// Returns the first line on standard output; the rest is not read.
    pub fn first_line(&mut self) -> String {
        let mut line = String::new();
        BufReader::new(self.child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        line
    }

    /// Waits until it ends by itself.
    pub fn end(mut self) -> Run {
        let mut out = String::new();
        if let Some(mut pipe) = self.child.stdout.take() {
            pipe.read_to_string(&mut out).unwrap();
        }
        let code = self.child.wait().unwrap().code();
        self.seen.extend(self.err.iter());
        Run { code, out, err: std::mem::take(&mut self.seen) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The process may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Client<'_> {
    /// Returns HOST:PORT.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Runs the program with this peer's address until it ends.
    pub fn run(&self, args: &[&str]) -> Run {
        self.start(args).end()
    }

    /// As [`run`](Self::run), with a closed standard error.
    pub fn run_unheard(&self, args: &[&str]) -> Run {
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$@\" 2>/dev/full", "sh"]).arg(program());
        self.site.start_command(command, args, Some(&self.address)).end()
    }

    /// Starts the program with this peer's address.
    pub fn start(&self, args: &[&str]) -> Process {
        self.site.start(args, Some(&self.address))
    }

    /// Installs and deploys a chaincode of this repository under its own name.
    pub fn deploy(&self, guest: &str) {
        let path = crate::guest_path(guest);
        self.run(&["deploy", path.to_str().unwrap(), "--name", guest]).ok();
    }

    /// As `deploy`, with a private data collection whose members are Org1's.
    pub fn deploy_with_collection(&self, guest: &str, collection: &str) {
        let rules = json!([{ "name": collection, "policy": "OR('Org1MSP.member')" }]);
        let file = self.site.path("collections.json");
        fs::write(&file, rules.to_string()).unwrap();
        let (path, file) = (crate::guest_path(guest).to_str().unwrap(), file.to_str().unwrap());
        self.run(&["deploy", path, "--name", guest, "--collections-config", file]).ok();
    }

    /// Calls a chaincode in a transaction, which must be valid. Returns the JSON of the result.
    pub fn invoke(&self, chaincode: &str, args: &[&str]) -> Value {
        let input = json!({ "Args": args }).to_string();
        self.run(&["invoke", "-n", chaincode, "-c", &input, "--json"]).ok().json()
    }
}

impl<'a> Deref for Peer<'a> {
    type Target = Client<'a>;

    fn deref(&self) -> &Client<'a> {
        &self.client
    }
}

impl Peer<'_> {
    /// Returns the address of a further organization; the first one has number 0.
    pub fn other(&self, number: usize) -> &Client<'_> {
        &self.others[number]
    }

    /// Returns the id of its process.
    pub fn process(&self) -> u32 {
        self.process.child.id()
    }

    /// Sends a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        // Uses the shell's kill: the standard library has only SIGKILL.
        let process = self.process.child.id().to_string();
        let kill = ["-c", "kill -s \"$0\" \"$1\"", name, &process];
        assert!(Command::new("sh").args(kill).status().unwrap().success());
    }

    /// Waits until a line on standard error contains this text.
    pub fn wait_for_line(&mut self, words: &str) {
        self.process.wait_for_line(words);
    }

    /// Returns the first line on standard error that contains this text; waits for it.
    pub fn line(&mut self, words: &str) -> String {
        self.process.line(words)
    }

    /// Waits until it ends by itself.
    pub fn end(self) -> Run {
        self.process.end()
    }

    /// Sends SIGTERM and waits for the end.
    pub fn terminate(self) -> Run {
        self.signal("TERM");
        self.end()
    }
}
