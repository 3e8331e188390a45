//! `wasmcc dev`, used like people do: in a folder, with the other verbs beside it.
//!
//! Invariant: dropping the value ends its network.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test cannot go on without its program")]

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;
use std::{fs, thread};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Run, program, without_settings};
use crate::web::Page;

/// Time limit for a line.
const PATIENCE: Duration = Duration::from_secs(120);
/// Selects free ports.
pub const FREE_PORTS: [&str; 10] = [
    "--org1-port",
    "0",
    "--org2-port",
    "0",
    "--orderer-port",
    "0",
    "--orderer-admin-port",
    "0",
    "--web",
    "127.0.0.1:0",
];

/// A temporary folder for a network; removed when dropped.
pub struct Folder(TempDir);

/// A running network; killed when dropped.
pub struct Dev {
    child: Child,
    out: Receiver<String>,
    err: Receiver<String>,
    seen: String,
}

impl Folder {
    /// Makes an empty folder.
    #[allow(clippy::new_without_default, reason = "a folder is no default")]
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// Returns a path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Copies a component of this repository into the folder; replaces an existing file.
    pub fn put_guest(&self, guest: &str, name: &str) {
        let new = self.path("new component");
        fs::copy(crate::guest_path(guest), &new).unwrap();
        fs::rename(new, self.path(name)).unwrap();
    }

    /// Runs the program in the folder until it ends.
    pub fn run(&self, args: &[&str]) -> Run {
        let output = self.command(args).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Run { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Calls a function of a chaincode: `verb` is invoke or query.
    pub fn call(&self, verb: &str, name: &str, args: &[&str]) -> Run {
        let input = serde_json::json!({ "Args": args }).to_string();
        self.run(&[verb, "-n", name, "-c", &input, "--json"])
    }

    /// Starts a network on free ports, and waits until it is ready.
    pub fn dev(&self, args: &[&str]) -> Dev {
        let mut dev = self.start_dev(&[&FREE_PORTS[..], args].concat());
        dev.wait_for("ready on ");
        dev
    }

    /// Starts a network.
    pub fn start_dev(&self, args: &[&str]) -> Dev {
        let mut child = self.command(&[&["dev"], args].concat()).spawn().unwrap();
        let out = lines(child.stdout.take().unwrap());
        let err = lines(child.stderr.take().unwrap());
        Dev { child, out, err, seen: String::new() }
    }

    /// Returns the page of the folder's network.
    pub fn page(&self) -> Page {
        Page::of_line(self.record()["page"].as_str().unwrap())
    }

    /// Returns the record with the addresses of the folder's network.
    pub fn record(&self) -> Value {
        serde_json::from_slice(&fs::read(self.path(".wasmcc/network.json")).unwrap()).unwrap()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program());
        without_settings(&mut command);
        command.args(args).current_dir(self.0.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// Reads all lines: otherwise the process would block on a full pipe.
fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            // The receiver may already be dropped.
            let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
        }
    });
    lines
}

impl Dev {
    /// Waits for the next line on standard output that contains this text.
    pub fn wait_for(&mut self, words: &str) -> String {
        loop {
            match self.out.recv_timeout(PATIENCE) {
                Ok(line) => {
                    self.seen.push_str(&format!("{line}\n"));
                    if line.contains(words) {
                        return line;
                    }
                }
                Err(why) => {
                    let err: Vec<String> = self.err.try_iter().collect();
                    panic!("no {words:?} ({why}): {}\n{}", self.seen, err.join("\n"))
                }
            }
        }
    }

    /// As [`wait_for`](Self::wait_for); returns all output so far.
    pub fn seen_until(&mut self, words: &str) -> &str {
        self.wait_for(words);
        &self.seen
    }

    /// Sends a signal, such as `INT`, and waits for the end.
    pub fn signal(self, name: &str) -> Run {
        let process = self.child.id().to_string();
        let kill = ["-c", "kill -s \"$0\" \"$1\"", name, &process];
        assert!(Command::new("sh").args(kill).status().unwrap().success());
        self.end()
    }

    /// Waits until it ends by itself.
    pub fn end(mut self) -> Run {
        let code = self.child.wait().unwrap().code();
        self.seen.extend(self.out.iter().map(|line| line + "\n"));
        let err = self.err.iter().map(|line| line + "\n").collect();
        Run { code, out: std::mem::take(&mut self.seen), err }
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // The process may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
