//! The process of `wasmcc sandbox` that all sandboxes of a test program share.
//!
//! Requests have numbers, so each thread waits for its own answers only.

use std::collections::HashMap;
use std::io::BufReader;
use std::process::{Child, ChildStdin, ChildStdout};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use serde_json::{Map, Value};

use crate::SandboxError;
use crate::error::{Divergence, Rejected};
use crate::frame::{self, Blobs, Frame};
use crate::outcome::{code, response};
use crate::program::{self, Process};
use crate::read::Part;

/// The process and the requests that wait for answers.
pub(crate) struct Link {
    state: Mutex<State>,
}

struct State {
    input: ChildStdin,
    next: u64,
    /// The waiting requests by number. None: the process has ended, and no request may wait.
    waiting: Option<HashMap<u64, Sender<Frame>>>,
}

/// An endorsement that the process keeps until this is dropped.
#[derive(Debug)]
pub(crate) struct Kept {
    pub sandbox: u64,
    pub number: u64,
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Ok(link) = link() {
            let number = self.number.into();
            link.tell("forget", self.sandbox, Map::from_iter([("endorsed".into(), number)]));
        }
    }
}

/// Returns the process; the first call starts it.
pub(crate) fn link() -> Result<&'static Link, SandboxError> {
    static LINK: OnceLock<Result<Link, String>> = OnceLock::new();
    let start = || {
        let process = program::start(program::program()).map_err(|error| error.to_string())?;
        Ok(Link::new(process))
    };
    LINK.get_or_init(start).as_ref().map_err(|why| SandboxError::Program(why.clone()))
}

impl Link {
    fn new(process: Process) -> Self {
        let Process { child, input, output } = process;
        let state = State { input, next: 0, waiting: Some(HashMap::new()) };
        let link = Self { state: Mutex::new(state) };
        // The thread ends with the process, or with this program.
        thread::spawn(move || pass_on(child, output));
        link
    }

    /// Sends a request and waits for its answer, which `read` reads.
    pub(crate) fn ask<T>(
        &self,
        verb: &str,
        sandbox: u64,
        members: Map<String, Value>,
        blobs: Blobs,
        read: impl Fn(Part<'_>) -> Option<T>,
    ) -> Result<T, SandboxError> {
        let (sender, answer) = channel();
        self.send(verb, sandbox, members, blobs, Some(sender))?;
        let frame = answer.recv().map_err(|_| ended())?;
        let json = Value::Object(frame.json);
        let part = Part { json: &json, blobs: &frame.blobs };
        if let Some(error) = json.get("error") {
            return Err(failure(Part { json: error, ..part }).unwrap_or_else(malformed));
        }
        read(part.at("ok")).ok_or_else(malformed)
    }

    /// Sends a request that has no answer. If the process has ended, it does nothing.
    pub(crate) fn tell(&self, verb: &str, sandbox: u64, members: Map<String, Value>) {
        let _ = self.send(verb, sandbox, members, Blobs::default(), None);
    }

    fn send(
        &self,
        verb: &str,
        sandbox: u64,
        mut json: Map<String, Value>,
        blobs: Blobs,
        sender: Option<Sender<Frame>>,
    ) -> Result<(), SandboxError> {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        json.insert("id".into(), number.into());
        json.insert("do".into(), verb.into());
        json.insert("sandbox".into(), sandbox.into());
        let waiting = state.waiting.as_mut().ok_or_else(ended)?;
        waiting.extend(sender.map(|sender| (number, sender)));
        frame::write(&mut state.input, Frame { json, blobs }).map_err(|_| ended())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test never panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a number that is unique within this program.
    pub(crate) fn sandbox_number(&self) -> u64 {
        let mut state = self.state();
        state.next += 1;
        state.next
    }
}

/// Passes answers to the waiting requests, until the process ends.
fn pass_on(mut child: Child, mut output: BufReader<ChildStdout>) {
    while let Ok(Some(frame)) = frame::read(&mut output) {
        let number = frame.json.get("id").and_then(Value::as_u64);
        let Ok(link) = link() else { break };
        let sender = number.and_then(|number| link.state().waiting.as_mut()?.remove(&number));
        // A failed test no longer waits.
        let _ = sender.map(|sender| sender.send(frame));
    }
    if let Ok(link) = link() {
        // Drops the senders, so that all waiting requests fail.
        link.state().waiting = None;
    }
    let _ = child.wait();
}

fn ended() -> SandboxError {
    SandboxError::Program("`wasmcc sandbox` has ended; see its output above".into())
}

fn malformed() -> SandboxError {
    SandboxError::Program("`wasmcc sandbox` has answered something else than was asked for".into())
}

/// Returns the error of an answer, if it is one.
fn failure(part: Part<'_>) -> Option<SandboxError> {
    let text = part.at("text").text()?;
    Some(match part.at("kind").json.as_str()? {
        "setup" => SandboxError::Setup(text),
        "deployment" => {
            SandboxError::Deployment { name: part.at("chaincode").text()?, reason: text }
        }
        "rejected" => SandboxError::Rejected(Rejected(text)),
        "assemble" => SandboxError::Assemble(text),
        "commit" => SandboxError::Commit(text),
        "build" => SandboxError::Build(text),
        "refused" => SandboxError::Refused(response(part.at("response"))?),
        "no_user" => SandboxError::NoUser {
            org: part.at("org").text()?,
            user: part.at("user").text()?,
            reason: text,
        },
        "invalid" => SandboxError::Invalid {
            tx_id: part.at("tx_id").text()?,
            code: code(part.at("code"))?,
            reason: part.at("reason").optional(Part::text)?,
        },
        "diverged" => SandboxError::Diverged(Box::new(Divergence {
            cause: part.at("cause").text()?,
            place: part.at("place").text()?,
            first: part.at("first").text()?,
            second: part.at("second").text()?,
        })),
        _ => SandboxError::Program(text),
    })
}

/// Members of a request.
pub(crate) fn members<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Reads the number by which later requests refer to an endorsement.
pub(crate) fn kept(sandbox: u64, part: Part<'_>) -> Option<Arc<Kept>> {
    Some(Arc::new(Kept { sandbox, number: part.at("kept").number()? }))
}
