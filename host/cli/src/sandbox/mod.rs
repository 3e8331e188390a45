//! `wasmcc sandbox`: runs sandboxes for the tests of a contract, over standard input and output.
//!
//! The crate `wasmcc-test` starts it and uses its protocol, see [`frame`]. The program's first
//! message has the version of the protocol.
//!
//! Invariant: the process ends when standard input does, even if transactions are running.

mod answer;
mod frame;
mod request;
mod tenant;

use std::collections::HashMap;
use std::io::{self, BufReader, IsTerminal, Stdout};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use frame::{Blobs, Frame};
use request::{Request, Work};

/// The version of the protocol. It must change whenever an older `wasmcc-test` would not understand
/// the messages.
const PROTOCOL: u64 = 1;
/// Limit on simultaneous sandboxes.
const MAX_SANDBOXES: usize = 1_024;
/// Time limit for running transactions after the end of the tests.
const END: Duration = Duration::from_secs(2);

/// Run sandboxes for the tests of a contract. The crate wasmcc-test starts it.
#[derive(Debug, clap::Args)]
pub(crate) struct Sandbox {}

/// Standard output, shared by the threads of all sandboxes.
#[derive(Clone)]
struct Answers(Arc<Mutex<Stdout>>);

impl Answers {
    /// Sends an answer. Ignores errors: if the reader is gone, standard input ends, too.
    fn send(&self, id: u64, answer: (&str, Value), blobs: Blobs) {
        let json = Map::from_iter([("id".into(), id.into()), (answer.0.into(), answer.1)]);
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = frame::write(&mut *out, Frame { json, blobs });
    }
}

impl Sandbox {
    /// Serves until standard input ends.
    pub(crate) fn run(self) -> Result<()> {
        let input = io::stdin();
        if input.is_terminal() {
            bail!("the crate wasmcc-test starts `wasmcc sandbox`; see `wasmcc help test`");
        }
        let greeting = json!({ "wasmcc": env!("CARGO_PKG_VERSION"), "sandbox": PROTOCOL });
        let json = greeting.as_object().cloned().unwrap_or_default();
        frame::write(&mut io::stdout(), Frame { json, blobs: Blobs::default() })
            .context("cannot write to standard output")?;
        let answers = Answers(Arc::new(Mutex::new(io::stdout())));
        let (running, ended) = channel();
        let read = pass_on(BufReader::new(input), &answers, &running);
        drop(running);
        wait_for(&ended);
        read
    }
}

/// Reads requests and forwards each to its sandbox's thread.
fn pass_on(mut input: BufReader<io::Stdin>, answers: &Answers, running: &Sender<()>) -> Result<()> {
    let mut sandboxes: HashMap<u64, Sender<Work>> = HashMap::new();
    while let Some(frame) = frame::read(&mut input).context("cannot read a request")? {
        let id = frame.json.get("id").and_then(Value::as_u64).context("a request has no id")?;
        let (number, request) = match Request::read(frame.json) {
            Ok(request) => request,
            Err(why) => {
                let text = format!("the request cannot be read: {why}");
                answers.send(id, ("error", answer::program(&text)), Blobs::default());
                continue;
            }
        };
        match request {
            Request::End {} => drop(sandboxes.remove(&number)),
            Request::New(_) if sandboxes.len() >= MAX_SANDBOXES => {
                let text = format!("{MAX_SANDBOXES} sandboxes are open; drop unused ones");
                answers.send(id, ("error", answer::setup(&text)), Blobs::default());
            }
            request => {
                let open = || open(answers.clone(), running.clone());
                let sandbox = match request {
                    Request::New(_) => sandboxes.entry(number).insert_entry(open()?).into_mut(),
                    _ => match sandboxes.get_mut(&number) {
                        Some(sandbox) => sandbox,
                        None => {
                            let error = answer::program("there is no such sandbox");
                            answers.send(id, ("error", error), Blobs::default());
                            continue;
                        }
                    },
                };
                // A thread ends only when its sender is dropped.
                let _ = sandbox.send(Work { id, request, blobs: frame.blobs });
            }
        }
    }
    Ok(())
}

/// Starts a thread for a sandbox.
fn open(answers: Answers, running: Sender<()>) -> Result<Sender<Work>> {
    let (sender, works) = channel();
    let thread = thread::Builder::new().name("wasmcc-sandbox".into());
    let serve = move || {
        tenant::serve(&works, &answers);
        drop(running);
    };
    thread.spawn(serve).context("cannot start a thread for a sandbox")?;
    Ok(sender)
}

/// Waits, for a limited time, until all sandboxes have removed their files.
fn wait_for(ended: &Receiver<()>) {
    // Nothing is sent: the channel closes when the last thread ends.
    if ended.recv_timeout(END) == Err(RecvTimeoutError::Timeout) {
        tracing::warn!("ended without waiting for a transaction that is still running");
    }
}
